//! `index.json` as it is on disk, and what the names in it mean.
//!
//! A name is `repository:tag`, which skopeo takes as it is; what has no tag is
//! `repository@digest`. Other tools write a bare tag: then the repository is named like the layout.

use std::collections::BTreeMap;

use portolan_core::oci::{Digest, MediaType, Repository, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The annotation that names an entry (image-spec, "Pre-Defined Annotation Keys").
pub(super) const NAME: &str = "org.opencontainers.image.ref.name";
/// Largest `index.json` read, in bytes.
pub(super) const MAX_BYTES: u64 = 64 << 20;
/// Most entries of one.
pub(super) const MAX_ENTRIES: usize = 500_000;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) schema_version: u32,
    #[serde(default)]
    pub(super) manifests: Vec<Entry>,
    /// What we do not use and do not lose.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

impl Default for Index {
    fn default() -> Self {
        let media_type = Value::String(MediaType::OCI_INDEX.to_owned());
        let rest = Map::from_iter([("mediaType".to_owned(), media_type)]);
        Self { schema_version: 2, manifests: Vec::new(), rest }
    }
}

/// One manifest in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) media_type: MediaType,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
    /// What we do not use and do not lose.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// Where an entry belongs.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// Under a tag.
    Tagged(Repository, Tag),
    /// In a repository, by its digest alone.
    Untagged(Repository),
    /// Its name does not tell.
    Unnamed,
}

impl Entry {
    /// An entry of ours.
    pub(super) fn new(media_type: MediaType, digest: Digest, size: u64, name: String) -> Self {
        let annotations = BTreeMap::from([(NAME.to_owned(), name)]);
        Self { media_type, digest, size, annotations, rest: Map::new() }
    }

    /// Where it belongs; `own` is the repository of bare tags.
    pub(super) fn place(&self, own: &Repository) -> Place {
        let Some(name) = self.annotations.get(NAME) else { return Place::Unnamed };
        named(name, &self.digest, own).unwrap_or(Place::Unnamed)
    }
}

fn named(name: &str, digest: &Digest, own: &Repository) -> Option<Place> {
    if let Some((repository, of)) = name.split_once('@') {
        let same = of == digest.as_str();
        return repository.parse().ok().filter(|_| same).map(Place::Untagged);
    }
    if let Ok(tag) = name.parse() {
        return Some(Place::Tagged(own.clone(), tag));
    }
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    // `localhost:5000/name:tag`: a port is no part of a repository's name.
    let without_host = || repository.split_once('/').filter(|(host, _)| host.contains(':'));
    let parsed = repository.parse::<Repository>().ok();
    let parsed = parsed.or_else(|| without_host()?.1.parse().ok());
    Some(Place::Tagged(parsed?, tag.parse().ok()?))
}

/// The repository of bare tags: the name of the layout, made to one.
pub(super) fn own_repository(name: &str) -> Option<Repository> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let plain: String = name.chars().map(plain).take(128).collect();
    plain.trim_matches('-').parse().or_else(|_| "layout".parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let own = own_repository("My Images_2").unwrap();
        assert_eq!(own.as_str(), "my-images-2");
        assert_eq!(own_repository("--").unwrap().as_str(), "layout");
        let digest = Digest::of(b"");
        let by_digest = format!("library/alpine@{digest}");
        let other = format!("library/alpine@{}", Digest::of(b"x"));
        let tagged = |repository: &str, tag: &str| {
            Place::Tagged(repository.parse().unwrap(), tag.parse().unwrap())
        };
        for (name, expected) in [
            ("library/alpine:3.18", tagged("library/alpine", "3.18")),
            ("docker.io/library/alpine:3.18", tagged("docker.io/library/alpine", "3.18")),
            ("localhost:5000/tools/x:1", tagged("tools/x", "1")),
            ("3.18", tagged("my-images-2", "3.18")),
            ("latest", tagged("my-images-2", "latest")),
            ("library/alpine", tagged("library/alpine", "latest")),
            (by_digest.as_str(), Place::Untagged("library/alpine".parse().unwrap())),
            (other.as_str(), Place::Unnamed),
            ("../../etc:x", Place::Unnamed),
            ("Upper/Case:1", Place::Unnamed),
            ("", Place::Unnamed),
        ] {
            let media_type = MediaType::new(MediaType::OCI_MANIFEST);
            let entry = Entry::new(media_type, digest.clone(), 2, name.to_owned());
            assert_eq!(entry.place(&own), expected, "{name}");
        }
    }

    #[test]
    fn what_others_wrote_is_kept() {
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m","digest":"{}","size":2,"platform":{{"os":"linux"}}}}],"annotations":{{"a":"b"}}}}"#,
            Digest::of(b"")
        );
        let index: Index = serde_json::from_str(&text).unwrap();
        let again: Value = serde_json::from_str(&serde_json::to_string(&index).unwrap()).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(&text).unwrap());
        let hostile = text.replace("sha256:", "sha256:../");
        assert!(serde_json::from_str::<Index>(&hostile).is_err());
    }
}
