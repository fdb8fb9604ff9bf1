//! Tags that name what they are attached to: cosign's `sha256-….sig`, `.att` and `.sbom`, and the
//! fallback tag of registries without a referrers API (OCI distribution-spec 1.1, "Referrers Tag
//! Schema").

use super::{Digest, Tag};

/// What a tag says of its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedTag {
    /// What it is attached to.
    pub subject: Digest,
    /// What cosign calls the type of such artifacts; `None` of the fallback tag, which lists any.
    pub artifact_type: Option<&'static str>,
}

/// Endings of cosign's tags, and the artifact types that stand for them.
const KINDS: [(&str, &str); 3] = [
    (".sig", "application/vnd.dev.cosign.artifact.sig.v1+json"),
    (".att", "application/vnd.dev.cosign.artifact.att.v1+json"),
    (".sbom", "application/vnd.dev.cosign.artifact.sbom.v1+json"),
];

impl AttachedTag {
    /// What a tag is attached to by its name; `None` where that says nothing.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        let rest = tag.strip_prefix("sha256-")?;
        let kind = KINDS
            .into_iter()
            .find_map(|(ending, kind)| rest.strip_suffix(ending).map(|hex| (hex, Some(kind))));
        let (hex, artifact_type) = kind.unwrap_or((rest, None));
        let subject = format!("sha256:{hex}").parse().ok()?;
        Some(Self { subject, artifact_type })
    }
}

/// The fallback tag of a subject: its digest, cut as the specification says.
#[must_use]
pub fn fallback_tag(subject: &Digest) -> Option<Tag> {
    let hex: String = subject.hex().chars().take(64).collect();
    format!("{}-{hex}", subject.algorithm().name()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tags_are_attached_to() {
        let digest = Digest::of(b"x");
        let hex = digest.hex();
        for (ending, expected) in [
            ("", Some(None)),
            (".sig", Some(Some("application/vnd.dev.cosign.artifact.sig.v1+json"))),
            (".att", Some(Some("application/vnd.dev.cosign.artifact.att.v1+json"))),
            (".sbom", Some(Some("application/vnd.dev.cosign.artifact.sbom.v1+json"))),
            (".zip", None),
        ] {
            let found = AttachedTag::of(&format!("sha256-{hex}{ending}"));
            assert_eq!(found.as_ref().map(|it| it.artifact_type), expected, "{ending}");
            assert!(found.is_none_or(|it| it.subject == digest));
        }
        for other in ["v1", "sha256-", "sha256-abc.sig", &format!("sha512-{hex}")] {
            assert_eq!(AttachedTag::of(other), None, "{other}");
        }
        assert_eq!(fallback_tag(&digest).unwrap().as_str(), format!("sha256-{hex}"));
    }
}
