//! What the registry holds: repositories with blobs, manifests and tags, and uploads under way.
//! Knows no HTTP.

use std::collections::{BTreeMap, HashMap};

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// Everything held. One lock guards it; no holder of the lock waits.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) uploads: HashMap<String, Upload>,
    pub(crate) uploads_started: u64,
}

/// One repository. Bytes are shared between repositories, links are not.
#[derive(Default)]
pub(crate) struct Repository {
    pub(crate) blobs: BTreeMap<Digest, Bytes>,
    pub(crate) manifests: BTreeMap<Digest, Manifest>,
    pub(crate) tags: BTreeMap<String, Digest>,
}

/// One manifest or index, byte for byte, and what it says.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
    pub(crate) document: Document,
}

/// What the registry reads in a manifest or index of any kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Document {
    pub(crate) media_type: Option<String>,
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Option<Descriptor>,
    pub(crate) layers: Vec<Descriptor>,
    pub(crate) manifests: Vec<Descriptor>,
    pub(crate) subject: Option<Descriptor>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A reference from one document to a blob or another document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) urls: Vec<String>,
}

/// A session: what has arrived, and its hash so far.
pub(crate) struct Upload {
    pub(crate) repository: String,
    pub(crate) bytes: BytesMut,
    pub(crate) hasher: Sha256,
}

impl Upload {
    pub(crate) fn new(repository: &str) -> Self {
        Self { repository: repository.to_owned(), bytes: BytesMut::new(), hasher: Sha256::new() }
    }
}

impl Descriptor {
    /// Whether a registry need not have it: a layer that may not be distributed.
    fn is_foreign(&self) -> bool {
        !self.urls.is_empty()
            || self.media_type.contains("foreign")
            || self.media_type.contains("nondistributable")
    }
}

impl Document {
    /// The blobs that must be there.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(self.layers.iter().filter(|layer| !layer.is_foreign()))
    }

    /// What a referrers listing says this artifact is.
    pub(crate) fn kind(&self) -> Option<&str> {
        let config = self.config.as_ref().map(|config| config.media_type.as_str());
        self.artifact_type.as_deref().or(config)
    }
}

impl Repository {
    /// The manifest of a tag or digest, and its digest.
    pub(crate) fn find(&self, reference: &str) -> Option<(Digest, &Manifest)> {
        let digest = match Digest::parse(reference) {
            Some(digest) => digest,
            None => self.tags.get(reference)?.clone(),
        };
        let manifest = self.manifests.get(&digest)?;
        Some((digest, manifest))
    }

    /// Digests the document names and the repository lacks. A sparse index may lack children.
    pub(crate) fn missing(&self, document: &Document, sparse: bool) -> Vec<String> {
        let has_blob = |d: &&Descriptor| {
            Digest::parse(&d.digest).is_some_and(|digest| self.blobs.contains_key(&digest))
        };
        let has_child = |d: &&Descriptor| {
            Digest::parse(&d.digest).is_some_and(|digest| self.manifests.contains_key(&digest))
        };
        let blobs = document.blobs().filter(|d| !has_blob(d));
        let children = document.manifests.iter().filter(|d| !sparse && !has_child(d));
        blobs.chain(children).map(|d| d.digest.clone()).collect()
    }
}
