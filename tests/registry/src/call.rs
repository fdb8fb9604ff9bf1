//! One request, parsed: which resource, which query. Never looks at content.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{Method, StatusCode, request::Parts};
use percent_encoding::percent_decode_str;

use crate::{
    answer::{Refusal, refuse},
    digest::Digest,
    faults::Effects,
    names,
    registry::Shared,
    requests::Kind,
};

/// The resources of the distribution API, and the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Ping,
    Token,
    Catalog,
    Tags { repository: String },
    Manifest { repository: String, reference: String },
    Blob { repository: String, digest: String },
    Uploads { repository: String },
    Upload { repository: String, id: String },
    Referrers { repository: String, digest: String },
    Unknown,
}

/// One request without its body.
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) parts: Parts,
    pub(crate) route: Route,
    pub(crate) kind: Kind,
    pub(crate) effects: Effects,
    received: AtomicU64,
    query: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn new(shared: Arc<Shared>, parts: Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let query: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let route = Route::parse(parts.uri.path());
        let mounts = query.iter().any(|(key, _)| key == "mount");
        let kind = kind(&parts.method, &route, mounts);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let effects = shared.faults.take(kind, path);
        Self { shared, route, kind, effects, received: AtomicU64::new(0), query, parts }
    }

    /// The first value of a query parameter.
    pub(crate) fn query<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.query_all(key).next()
    }

    /// Every value of a query parameter.
    pub(crate) fn query_all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// A header as text.
    pub(crate) fn header(&self, name: http::HeaderName) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn method(&self) -> &Method {
        &self.parts.method
    }

    /// Path and query as sent.
    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    pub(crate) fn add_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// The `digest` query parameter, or 400 `DIGEST_INVALID`.
    pub(crate) fn digest(&self) -> Result<Digest, Refusal> {
        digest(self.query("digest").unwrap_or_default())
    }
}

/// Reads a digest, or refuses with 400 `DIGEST_INVALID`.
pub(crate) fn digest(text: &str) -> Result<Digest, Refusal> {
    match Digest::parse(text) {
        Some(digest) => Ok(digest),
        None => refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "not a digest"),
    }
}

impl Route {
    fn parse(path: &str) -> Self {
        let path: Cow<'_, str> = percent_decode_str(path).decode_utf8_lossy();
        match path.as_ref() {
            "/v2" | "/v2/" => return Self::Ping,
            "/v2/_catalog" => return Self::Catalog,
            "/token" => return Self::Token,
            _ => {}
        }
        path.strip_prefix("/v2/").and_then(Self::in_repository).unwrap_or(Self::Unknown)
    }

    /// Reads from the end, because a repository name has any number of slashes.
    fn in_repository(path: &str) -> Option<Self> {
        let path = path.strip_suffix("/blobs/uploads").map_or_else(
            || Cow::Borrowed(path),
            |repository| Cow::Owned(format!("{repository}/blobs/uploads/")),
        );
        let (head, last) = path.rsplit_once('/')?;
        let last = last.to_owned();
        let of = |suffix: &str| head.strip_suffix(suffix).map(str::to_owned);
        if let Some(repository) = of("/blobs/uploads") {
            let upload = Self::Upload { repository: repository.clone(), id: last.clone() };
            return Some(if last.is_empty() { Self::Uploads { repository } } else { upload });
        }
        if let Some(repository) = of("/manifests") {
            return Some(Self::Manifest { repository, reference: last });
        }
        if let Some(repository) = of("/blobs") {
            return Some(Self::Blob { repository, digest: last });
        }
        if let Some(repository) = of("/referrers") {
            return Some(Self::Referrers { repository, digest: last });
        }
        of("/tags").filter(|_| last == "list").map(|repository| Self::Tags { repository })
    }

    /// The repository named, if any.
    pub(crate) fn repository(&self) -> Option<&str> {
        match self {
            Self::Tags { repository }
            | Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Uploads { repository }
            | Self::Upload { repository, .. }
            | Self::Referrers { repository, .. } => Some(repository),
            Self::Ping | Self::Token | Self::Catalog | Self::Unknown => None,
        }
    }

    /// Refuses a repository name outside the grammar.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match self.repository() {
            Some(name) if !names::is_repository(name) => {
                refuse(StatusCode::BAD_REQUEST, "NAME_INVALID", "invalid repository name")
            }
            _ => Ok(()),
        }
    }
}

fn kind(method: &Method, route: &Route, mounts: bool) -> Kind {
    match (method.as_str(), route) {
        ("GET" | "HEAD", Route::Ping) => Kind::Ping,
        (_, Route::Token) => Kind::Token,
        ("GET", Route::Catalog) => Kind::Catalog,
        ("GET", Route::Tags { .. }) => Kind::Tags,
        ("GET", Route::Referrers { .. }) => Kind::Referrers,
        ("HEAD", Route::Manifest { .. }) => Kind::ManifestHead,
        ("GET", Route::Manifest { .. }) => Kind::ManifestGet,
        ("PUT", Route::Manifest { .. }) => Kind::ManifestPut,
        ("DELETE", Route::Manifest { .. }) => Kind::ManifestDelete,
        ("HEAD", Route::Blob { .. }) => Kind::BlobHead,
        ("GET", Route::Blob { .. }) => Kind::BlobGet,
        ("DELETE", Route::Blob { .. }) => Kind::BlobDelete,
        ("POST", Route::Uploads { .. }) if mounts => Kind::Mount,
        ("POST", Route::Uploads { .. }) => Kind::UploadStart,
        ("PATCH", Route::Upload { .. }) => Kind::UploadPatch,
        ("PUT", Route::Upload { .. }) => Kind::UploadPut,
        ("GET", Route::Upload { .. }) => Kind::UploadStatus,
        ("DELETE", Route::Upload { .. }) => Kind::UploadCancel,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_slashes_in_the_name_are_read_from_the_end() {
        let repository = "a/blobs/b".to_owned();
        let cases = [
            ("/v2/", Route::Ping),
            ("/v2/_catalog", Route::Catalog),
            ("/v2/a/blobs/b/tags/list", Route::Tags { repository: repository.clone() }),
            ("/v2/a/blobs/b/blobs/uploads", Route::Uploads { repository: repository.clone() }),
            ("/v2/a/blobs/b/blobs/uploads/", Route::Uploads { repository: repository.clone() }),
            (
                "/v2/a/blobs/b/blobs/uploads/7",
                Route::Upload { repository: repository.clone(), id: "7".into() },
            ),
            (
                "/v2/a/blobs/b/manifests/sha256%3Aaa",
                Route::Manifest { repository, reference: "sha256:aa".into() },
            ),
            ("/v2/a/tags/other", Route::Unknown),
            ("/v1/a", Route::Unknown),
        ];
        for (path, route) in cases {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }
}
