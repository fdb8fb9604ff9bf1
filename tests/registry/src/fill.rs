//! Deterministic content, put in without HTTP: the same arguments make the same digests.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    content::{Document, Manifest},
    digest::Digest,
    registry::Registry,
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// `size` bytes that depend on `seed` alone and do not compress.
#[must_use]
pub fn layer(seed: u64, size: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}

/// A child of an index.
#[derive(Clone, Debug)]
pub struct Child {
    /// A manifest the repository has.
    pub digest: Digest,
    /// `os/architecture`, or empty for an index within an index.
    pub platform: String,
}

impl Registry {
    /// Stores a blob.
    pub fn put_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        let mut content = self.shared.content();
        let stored = content.repositories.entry(repository.to_owned()).or_default();
        stored.blobs.insert(digest.clone(), bytes);
        digest
    }

    /// Stores a manifest of any kind as it is, unchecked; with a tag where one is given.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        // Content that is not a document refers to nothing.
        let document: Document = serde_json::from_slice(&bytes).unwrap_or_default();
        let manifest = Manifest { media_type: media_type.to_owned(), bytes, document };
        let mut content = self.shared.content();
        let stored = content.repositories.entry(repository.to_owned()).or_default();
        stored.manifests.insert(digest.clone(), manifest);
        if let Some(tag) = tag {
            stored.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    /// Takes away a tag, or a manifest with every tag on it; false where it is not there.
    pub fn remove(&self, repository: &str, reference: &str) -> bool {
        let mut content = self.shared.content();
        let Some(stored) = content.repositories.get_mut(repository) else { return false };
        match Digest::parse(reference) {
            Some(digest) => {
                stored.tags.retain(|_, target| *target != digest);
                stored.manifests.remove(&digest).is_some()
            }
            None => stored.tags.remove(reference).is_some(),
        }
    }

    /// Takes a repository away with all that is in it. Whether it was there.
    pub fn remove_repository(&self, repository: &str) -> bool {
        self.shared.content().repositories.remove(repository).is_some()
    }

    /// Stores an image of these layers under a tag: configuration, manifest, tag.
    pub fn put_image(&self, repository: &str, tag: &str, layers: &[Bytes]) -> Digest {
        self.put_platform_image(repository, Some(tag), "linux/amd64", layers)
    }

    /// Stores an image for one platform, as an index needs it.
    pub fn put_platform_image(
        &self,
        repository: &str,
        tag: Option<&str>,
        platform: &str,
        layers: &[Bytes],
    ) -> Digest {
        let (os, architecture) = platform.split_once('/').unwrap_or((platform, "amd64"));
        let ids: Vec<_> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
        let config = json!({"architecture": architecture, "os": os, "config": {},
            "rootfs": {"type": "layers", "diff_ids": ids}});
        let config = self.put_described(repository, CONFIG, config.to_string().into());
        let describe = |layer: &Bytes| self.put_described(repository, LAYER, layer.clone());
        let layers: Vec<_> = layers.iter().map(describe).collect();
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.put_manifest(repository, tag, MANIFEST, manifest.to_string())
    }

    /// Stores an index over manifests the repository has, with a tag where one is given.
    pub fn put_index(&self, repository: &str, tag: Option<&str>, children: &[Child]) -> Digest {
        let describe = |child: &Child| {
            let bytes = self.manifest(repository, child.digest.as_str()).unwrap_or_default();
            let inside: Document = serde_json::from_slice(&bytes).unwrap_or_default();
            let media_type = inside.media_type.unwrap_or_else(|| MANIFEST.to_owned());
            let mut value = described(&media_type, &child.digest, bytes.len());
            if let (Some((os, architecture)), Some(value)) =
                (child.platform.split_once('/'), value.as_object_mut())
            {
                let platform = json!({"os": os, "architecture": architecture});
                value.insert("platform".to_owned(), platform);
            }
            value
        };
        let children: Vec<_> = children.iter().map(describe).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
        self.put_manifest(repository, tag, INDEX, index.to_string())
    }

    /// Stores an artifact that refers to `subject`, e.g. a signature, without a tag.
    pub fn put_referrer(
        &self,
        repository: &str,
        subject: &Digest,
        artifact_type: &str,
        content: impl Into<Bytes>,
    ) -> Digest {
        let size = self.manifest(repository, subject.as_str()).map_or(0, |bytes| bytes.len());
        let config = self.put_described(repository, EMPTY, Bytes::from_static(b"{}"));
        let layer = self.put_described(repository, artifact_type, content.into());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST,
            "artifactType": artifact_type, "config": config, "layers": [layer],
            "subject": described(MANIFEST, subject, size)});
        self.put_manifest(repository, None, MANIFEST, manifest.to_string())
    }

    fn put_described(&self, repository: &str, media_type: &str, bytes: Bytes) -> Value {
        let size = bytes.len();
        described(media_type, &self.put_blob(repository, bytes), size)
    }
}

fn described(media_type: &str, digest: &Digest, size: usize) -> Value {
    json!({"mediaType": media_type, "digest": digest.as_str(), "size": size})
}
