//! What the `resource` filter means.
//!
//! Harbor accepts it and ignores it. Here it works: `image` keeps container images and whatever
//! the listing tells nothing about, as most providers tell nothing; `artifact` keeps everything,
//! since an image is an artifact, too.

use crate::{oci::MediaType, provider::ArtifactEntry};

/// The values the filter takes.
pub(super) const KINDS: [&str; 2] = ["image", "artifact"];

const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

pub(super) fn keeps(kind: &str, artifact: &ArtifactEntry) -> bool {
    if kind != "image" {
        return true;
    }
    match artifact.artifact_type.as_deref().unwrap_or_default() {
        "" => artifact.media_type.as_ref().is_none_or(may_be_image),
        // Harbor's own listing says `IMAGE`.
        kind => {
            kind.eq_ignore_ascii_case("image")
                || [MediaType::OCI_CONFIG, DOCKER_CONFIG].contains(&kind)
        }
    }
}

/// An OCI manifest or index may hold anything, so its type alone rules nothing out.
fn may_be_image(media_type: &MediaType) -> bool {
    media_type.as_str().is_empty() || media_type.is_manifest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_keeps_images_and_what_tells_nothing() {
        let cases = [
            (None, None, true),
            (Some(""), Some(""), true),
            (None, Some(MediaType::OCI_MANIFEST), true),
            (None, Some(MediaType::DOCKER_LIST), true),
            (Some("IMAGE"), Some(MediaType::OCI_MANIFEST), true),
            (Some(MediaType::OCI_CONFIG), Some(MediaType::OCI_MANIFEST), true),
            (Some(DOCKER_CONFIG), None, true),
            (Some("CHART"), Some(MediaType::OCI_MANIFEST), false),
            (Some("application/vnd.cncf.helm.config.v1+json"), None, false),
            (None, Some("application/vnd.oci.artifact.manifest.v1+json"), false),
        ];
        for (artifact_type, media_type, image) in cases {
            let entry = ArtifactEntry {
                digest: None,
                tags: vec!["v1".to_owned()],
                media_type: media_type.map(MediaType::new),
                artifact_type: artifact_type.map(str::to_owned),
                size: None,
                pushed: None,
                labels: Vec::new(),
                subject: None,
            };
            assert_eq!(keeps("image", &entry), image, "{artifact_type:?} {media_type:?}");
            assert!(keeps("artifact", &entry));
        }
    }
}
