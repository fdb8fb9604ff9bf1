//! Descriptors, media types and platforms (OCI image-spec, "Descriptor").

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::Digest;

/// A media type without its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaType(String);

impl MediaType {
    /// OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI image manifest, also that of any other artifact.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// Docker manifest list.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker schema 2 manifest.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker schema 1, signed: pull only.
    pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    /// OCI image configuration.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// Manifest types to accept, on `HEAD` as on `GET`, best first.
    pub const MANIFESTS: [&str; 5] = [
        Self::OCI_INDEX,
        Self::OCI_MANIFEST,
        Self::DOCKER_LIST,
        Self::DOCKER_MANIFEST,
        Self::DOCKER_SCHEMA1,
    ];

    /// Cuts parameters off (`application/json; charset=utf-8`) and keeps the type.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.split(';').next().unwrap_or_default().trim().to_owned())
    }

    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names an index or a manifest list.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self.as_str(), Self::OCI_INDEX | Self::DOCKER_LIST)
    }

    /// Whether it names a manifest or an index.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        Self::MANIFESTS.contains(&self.as_str())
    }

    /// Whether a layer of this type stays where its `urls` say and is never uploaded.
    #[must_use]
    pub fn is_foreign_layer(&self) -> bool {
        self.as_str() == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
            || self.as_str().starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar")
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A reference to content: what it is, how to check it, how long it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Type of the content.
    pub media_type: MediaType,
    /// Digest of the content.
    pub digest: Digest,
    /// Length of the content in bytes.
    pub size: u64,
    /// Which machine an index entry is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What kind of artifact an index entry is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The machine an image runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// CPU, in Go's spelling.
    #[serde(default)]
    pub architecture: String,
    /// Operating system, in Go's spelling.
    #[serde(default)]
    pub os: String,
    /// CPU variant, e.g. `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}
