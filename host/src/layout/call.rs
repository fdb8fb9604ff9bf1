//! A request's path: which resource of the distribution API it is about. Names are checked here, so
//! that nothing behind it sees one that is none.

use http::Uri;
use percent_encoding::percent_decode_str;
use portolan_core::oci::{Digest, Reference, Repository};
use url::form_urlencoded;

use super::LayoutError;

/// A resource of the distribution API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Ping,
    Catalog,
    Tags(Repository),
    Manifest(Repository, Reference),
    Blob(Repository, Digest),
    Uploads(Repository),
    Upload(Repository, String),
    Referrers(Repository, Digest),
}

impl Resource {
    /// Reads a path, from its end: a repository's name has any number of slashes.
    pub(super) fn parse(path: &str) -> Result<Self, LayoutError> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        let rest = match path.strip_prefix("/v2").map(|rest| rest.trim_start_matches('/')) {
            Some("") => return Ok(Self::Ping),
            Some("_catalog") => return Ok(Self::Catalog),
            Some(rest) => rest,
            None => return Err(LayoutError::Missing("there is no such resource")),
        };
        let (head, last) = rest.rsplit_once('/').unwrap_or(("", rest));
        let of = |suffix: &str| head.strip_suffix(suffix).map(name);
        if let Some(repository) = of("/blobs/uploads") {
            let repository = repository?;
            return Ok(match last {
                "" => Self::Uploads(repository),
                id => Self::Upload(repository, id.to_owned()),
            });
        }
        if let Some(repository) = of("/manifests") {
            let wrong = |_| LayoutError::Malformed("the reference is neither a tag nor a digest");
            return Ok(Self::Manifest(repository?, last.parse().map_err(wrong)?));
        }
        if let Some(repository) = of("/blobs") {
            return Ok(Self::Blob(repository?, digest(last)?));
        }
        if let Some(repository) = of("/referrers") {
            return Ok(Self::Referrers(repository?, digest(last)?));
        }
        match of("/tags").filter(|_| last == "list") {
            Some(repository) => Ok(Self::Tags(repository?)),
            None => Err(LayoutError::Missing("there is no such resource")),
        }
    }

    /// The repository it is in; empty where it is in none.
    pub(super) fn repository(&self) -> &str {
        match self {
            Self::Ping | Self::Catalog => "",
            Self::Tags(repository)
            | Self::Manifest(repository, _)
            | Self::Blob(repository, _)
            | Self::Uploads(repository)
            | Self::Upload(repository, _)
            | Self::Referrers(repository, _) => repository.as_str(),
        }
    }
}

fn name(text: &str) -> Result<Repository, LayoutError> {
    text.parse().map_err(|_| LayoutError::Malformed("that is no name of a repository"))
}

/// A digest in a path or a query.
pub(super) fn digest(text: &str) -> Result<Digest, LayoutError> {
    text.parse().map_err(|_| LayoutError::Malformed("that is no digest"))
}

/// The first value of a parameter.
pub(super) fn query(uri: &Uri, key: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let name: Repository = "a/blobs/b".parse().unwrap();
        let of = Digest::of(b"");
        let cases = [
            ("/v2/".to_owned(), Resource::Ping),
            ("/v2/_catalog".to_owned(), Resource::Catalog),
            ("/v2/a/blobs/b/tags/list".to_owned(), Resource::Tags(name.clone())),
            ("/v2/a/blobs/b/blobs/uploads/".to_owned(), Resource::Uploads(name.clone())),
            (
                "/v2/a/blobs/b/blobs/uploads/7".to_owned(),
                Resource::Upload(name.clone(), "7".into()),
            ),
            (
                format!("/v2/a/blobs/b/manifests/{of}"),
                Resource::Manifest(name.clone(), of.clone().into()),
            ),
            (format!("/v2/a/blobs/b/blobs/{of}"), Resource::Blob(name.clone(), of.clone())),
            (format!("/v2/a/blobs/b/referrers/{of}"), Resource::Referrers(name, of)),
        ];
        for (path, expected) in cases {
            assert_eq!(Resource::parse(&path).unwrap(), expected, "{path}");
        }
        for bad in [
            "/v1/",
            "/v2/a/tags/other",
            "/v2/../manifests/latest",
            "/v2/a/manifests/..",
            "/v2/a/blobs/sha256:../../index.json",
            "/v2/a/blobs/sha256%3A%2E%2E",
        ] {
            assert!(Resource::parse(bad).is_err(), "{bad}");
        }
    }
}
