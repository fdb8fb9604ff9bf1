//! Manifests and indexes with the exact bytes they came in.
//!
//! The bytes are what is pushed and hashed; the parsed view only says what they refer to.

use serde::Deserialize;

use super::{Descriptor, Digest, MediaType};

/// Largest manifest taken or sent: OCI distribution-spec, "Pushing Manifests" (4 MiB).
pub const MAX_BYTES: usize = 4 << 20;

/// A manifest of any kind, byte for byte.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The bytes as the registry sent them. Never serialised anew.
    pub bytes: Vec<u8>,
    /// Its type.
    pub media_type: MediaType,
    /// Digest of `bytes`.
    pub digest: Digest,
    /// Manifests of an index, in order; empty for an image.
    pub children: Vec<Descriptor>,
    /// Config and layers of an image, in order; empty for an index.
    pub blobs: Vec<Descriptor>,
    /// What this artifact is attached to.
    pub subject: Option<Descriptor>,
    /// What it is: `artifactType`, else the type of its configuration.
    pub artifact_type: Option<String>,
}

/// Why bytes are no manifest that can be copied.
#[derive(Debug, thiserror::Error)]
pub enum InvalidManifest {
    /// The bytes are not the JSON of a manifest.
    #[error("the manifest is not valid JSON of its kind: {0}")]
    Json(#[from] serde_json::Error),
    /// `mediaType` inside differs from the type the registry announced.
    #[error("the manifest calls itself {inside}, the registry sent it as {announced}")]
    TypeMismatch {
        /// The `mediaType` property.
        inside: String,
        /// The `Content-Type` header.
        announced: String,
    },
    /// A type this program does not copy.
    #[error("manifests of the type `{0}` are not copied")]
    Unsupported(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    media_type: Option<String>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
}

impl Manifest {
    /// Reads `bytes` that were announced as `content_type`; an empty or generic announcement
    /// falls back to the `mediaType` inside.
    ///
    /// # Errors
    /// When the bytes are not a manifest, or not of the announced type.
    pub fn parse(bytes: Vec<u8>, content_type: &str) -> Result<Self, InvalidManifest> {
        let wire: Wire = serde_json::from_slice(&bytes)?;
        let announced = MediaType::new(content_type);
        let media_type = match &wire.media_type {
            Some(inside) if announced.is_manifest() && inside != announced.as_str() => {
                return Err(InvalidManifest::TypeMismatch {
                    inside: inside.clone(),
                    announced: announced.to_string(),
                });
            }
            Some(inside) => MediaType::new(inside),
            None => announced,
        };
        let supported =
            media_type.is_manifest() && media_type.as_str() != MediaType::DOCKER_SCHEMA1;
        if !supported {
            return Err(InvalidManifest::Unsupported(media_type.to_string()));
        }
        let config_type = wire.config.as_ref().map(|config| config.media_type.to_string());
        let artifact_type = wire.artifact_type.filter(|text| !text.is_empty()).or(config_type);
        let (children, blobs) = if media_type.is_index() {
            (wire.manifests.unwrap_or_default(), Vec::new())
        } else {
            (Vec::new(), wire.config.into_iter().chain(wire.layers.unwrap_or_default()).collect())
        };
        let digest = Digest::of(&bytes);
        let subject = wire.subject;
        Ok(Self { bytes, media_type, digest, children, blobs, subject, artifact_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_image_and_an_index() {
        let config = r#"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;
        let image = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{config}]}}"#);
        let image = Manifest::parse(
            image.into_bytes(),
            &format!("{}; charset=utf-8", MediaType::OCI_MANIFEST),
        )
        .unwrap();
        assert_eq!((image.blobs.len(), image.children.len()), (2, 0));
        let index = format!(r#"{{"mediaType":"{}","manifests":[{config}]}}"#, MediaType::OCI_INDEX);
        let index = Manifest::parse(index.into_bytes(), "application/octet-stream").unwrap();
        assert_eq!((index.blobs.len(), index.children.len()), (0, 1));
    }

    #[test]
    fn refuses_a_type_that_lies() {
        let bytes = format!(r#"{{"mediaType":"{}"}}"#, MediaType::OCI_INDEX).into_bytes();
        let error = Manifest::parse(bytes, MediaType::OCI_MANIFEST).unwrap_err();
        assert!(matches!(error, InvalidManifest::TypeMismatch { .. }));
        assert!(Manifest::parse(b"<html>".to_vec(), "text/html").is_err());
    }
}
