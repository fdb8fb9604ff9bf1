//! Content that is computed from its numbers whenever it is asked for: a source of any size that takes
//! no memory. Each repository has a layer of its own, each tag an image with a configuration of its
//! own. Nothing can be put into it.

use bytes::Bytes;

use crate::{
    content::{Document, Manifest},
    digest::Digest,
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// So many repositories with so many tags each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generated {
    pub(crate) repositories: u32,
    pub(crate) tags: u32,
}

impl Generated {
    /// The names of repositories, in byte order.
    pub(crate) fn names(self) -> impl Iterator<Item = String> {
        (0..self.repositories).map(|number| format!("generated/r{number:07}"))
    }

    /// The tags of each, in byte order.
    pub(crate) fn tags(self) -> impl Iterator<Item = String> {
        (0..self.tags).map(|number| format!("v{number:07}"))
    }

    /// Whether there is such a repository.
    pub(crate) fn has(self, repository: &str) -> bool {
        self.number(repository).is_some()
    }

    fn number(self, repository: &str) -> Option<u32> {
        let digits = repository.strip_prefix("generated/r").filter(|it| it.len() == 7)?;
        digits.parse().ok().filter(|number| *number < self.repositories)
    }

    /// The manifest of a tag or digest, and its digest.
    pub(crate) fn manifest(self, repository: &str, reference: &str) -> Option<(Digest, Manifest)> {
        let repository = self.number(repository)?;
        let manifests = (0..self.tags).map(|tag| manifest(repository, tag));
        let found = match Digest::parse(reference) {
            Some(digest) => manifests.map(of).find(|(found, _)| *found == digest)?,
            None => {
                let digits = reference.strip_prefix('v').filter(|it| it.len() == 7)?;
                let tag = digits.parse().ok().filter(|tag| *tag < self.tags)?;
                of(manifest(repository, tag))
            }
        };
        let document: Document = serde_json::from_slice(&found.1).unwrap_or_default();
        let media_type = MANIFEST.to_owned();
        Some((found.0, Manifest { media_type, bytes: found.1, document }))
    }

    /// The blob of a digest.
    pub(crate) fn blob(self, repository: &str, digest: &Digest) -> Option<Bytes> {
        let repository = self.number(repository)?;
        let configs = (0..self.tags).map(|tag| config(repository, tag));
        let mut blobs = std::iter::once(layer(repository)).chain(configs);
        blobs.find(|blob| Digest::of(blob) == *digest).map(Bytes::from)
    }
}

fn of(text: String) -> (Digest, Bytes) {
    (Digest::of(text.as_bytes()), text.into())
}

fn layer(repository: u32) -> Vec<u8> {
    format!("the layer of repository {repository}\n").repeat(8).into_bytes()
}

fn config(repository: u32, tag: u32) -> Vec<u8> {
    let layer = Digest::of(&layer(repository));
    format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Labels":{{"tag":"{tag}"}}}},"rootfs":{{"type":"layers","diff_ids":["{layer}"]}}}}"#
    )
    .into_bytes()
}

fn manifest(repository: u32, tag: u32) -> String {
    let (config, layer) = (config(repository, tag), layer(repository));
    let describe = |media_type: &str, blob: &[u8]| {
        let (digest, size) = (Digest::of(blob), blob.len());
        format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
    };
    let config = describe("application/vnd.oci.image.config.v1+json", &config);
    let layer = describe("application/vnd.oci.image.layer.v1.tar", &layer);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{layer}]}}"#
    )
}
