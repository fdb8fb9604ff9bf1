//! The OCI artifact of a chart, as `helm push` makes it (Helm's documentation, "Use OCI-based
//! registries", and its `pkg/registry`): the same bytes from the same archive, each time.

use std::collections::BTreeMap;

use bytes::Bytes;
use portolan_core::oci::{Digest, Manifest, MediaType};
use serde::Serialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    archive,
    metadata::{Maintainer, Metadata},
};

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The type of the layer that is the archive.
pub(super) const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// Keys that a chart's own annotations do not replace.
const FIXED: [&str; 2] = ["org.opencontainers.image.title", "org.opencontainers.image.version"];

/// A chart ready to be pushed.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) manifest: Manifest,
    pub(super) blobs: Vec<(Digest, Bytes)>,
    pub(super) name: String,
    pub(super) version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u8,
    config: Part,
    layers: Vec<Part>,
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    media_type: &'static str,
    digest: Digest,
    size: usize,
}

/// Makes the artifact of an archive. `created` is what the index says; else it is the age of
/// `Chart.yaml` in the archive.
///
/// # Errors
/// A phrase that says why the archive is no chart.
pub(super) fn make(
    content: Bytes,
    provenance: Option<Bytes>,
    created: Option<OffsetDateTime>,
) -> Result<Artifact, String> {
    let contents = archive::read(&content)?;
    let metadata = Metadata::read(&contents.chart, contents.requirements.as_deref())?;
    let created = created.or_else(|| made(contents.made));
    let config = Bytes::from(go_json(&metadata)?);
    let mut blobs = Vec::with_capacity(3);
    let mut part = |media_type, bytes: Bytes| {
        let part = Part { media_type, digest: Digest::of(&bytes), size: bytes.len() };
        blobs.push((part.digest.clone(), bytes));
        part
    };
    let wire = Wire {
        schema_version: 2,
        config: part(CONFIG, config),
        layers: [Some(part(CONTENT, content)), provenance.map(|it| part(PROVENANCE, it))]
            .into_iter()
            .flatten()
            .collect(),
        annotations: annotations(&metadata, created),
    };
    let manifest = Manifest::parse(go_json(&wire)?.into_bytes(), MediaType::OCI_MANIFEST);
    let manifest = manifest.map_err(|error| error.to_string())?;
    let Metadata { name, version, .. } = metadata;
    Ok(Artifact { manifest, blobs, name, version })
}

fn made(seconds: u64) -> Option<OffsetDateTime> {
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

fn annotations(metadata: &Metadata, created: Option<OffsetDateTime>) -> BTreeMap<String, String> {
    let created = created.and_then(|at| at.to_offset(UtcOffset::UTC).replace_nanosecond(0).ok());
    let created = created.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
    let source = metadata.sources.first().cloned().unwrap_or_default();
    let mut all: BTreeMap<String, String> = [
        ("description", metadata.description.clone()),
        ("title", metadata.name.clone()),
        ("version", metadata.version.clone()),
        ("url", metadata.home.clone()),
        ("created", created),
        ("source", source),
        ("authors", authors(&metadata.maintainers)),
    ]
    .into_iter()
    .filter(|(_, value)| !value.trim().is_empty())
    .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value))
    .collect();
    let own = metadata.annotations.iter().filter(|(key, _)| !FIXED.contains(&key.as_str()));
    all.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    all
}

/// `Ann (ann@example.com), Bob`
fn authors(maintainers: &[Maintainer]) -> String {
    let author = |maintainer: &Maintainer| match maintainer.email.as_str() {
        "" => maintainer.name.clone(),
        email => format!("{} ({email})", maintainer.name),
    };
    maintainers.iter().map(author).collect::<Vec<_>>().join(", ")
}

/// JSON as Go's encoder writes it: safe to stand in HTML. What it escapes stands in texts alone.
fn go_json(value: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    Ok(text
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// What Helm 4.2.3 pushed of these archives to Docker's registry.
    #[test]
    fn it_is_what_helm_pushes() {
        let at = Some(datetime!(2024-05-06 09:08:09.5 +02:00));
        let provenance = Bytes::from_static(include_bytes!("helm/full.tgz.prov"));
        for (content, provenance, config, manifest, of) in [
            (
                &include_bytes!("helm/full.tgz")[..],
                Some(provenance),
                include_str!("helm/full.config.json"),
                include_str!("helm/full.manifest.json"),
                ("full", "1.2.3+build.5"),
            ),
            (
                &include_bytes!("helm/old.tgz")[..],
                None,
                include_str!("helm/old.config.json"),
                include_str!("helm/old.manifest.json"),
                ("old", "0.1.0"),
            ),
        ] {
            // Without the index's word, the archive has the same.
            for at in [at, None] {
                let content = Bytes::from_static(content);
                let artifact = make(content.clone(), provenance.clone(), at).unwrap();
                let made = std::str::from_utf8(&artifact.blobs[0].1).unwrap();
                assert_eq!(made, config);
                let made = std::str::from_utf8(&artifact.manifest.bytes).unwrap();
                assert_eq!(made, manifest);
                assert_eq!((&*artifact.name, &*artifact.version), of);
                assert_eq!(artifact.blobs[1].1, content);
                assert_eq!(artifact.blobs.len(), artifact.manifest.blobs.len());
            }
        }
    }

    /// Helm's own table (`TestGenerateOCIChartAnnotations`).
    #[test]
    fn authors_are_written_as_helm_does() {
        let of = |yaml: &str| {
            let text = format!("name: oci\nversion: 0.0.1\nmaintainers: {yaml}\n");
            let all = annotations(&Metadata::read(&text, None).unwrap(), None);
            all.get("org.opencontainers.image.authors").cloned()
        };
        assert_eq!(of("[]"), None);
        assert_eq!(of("[{name: John Snow}]").as_deref(), Some("John Snow"));
        assert_eq!(
            of("[{name: John Snow, email: john@winterfell.com}, {name: Jane Snow}]").as_deref(),
            Some("John Snow (john@winterfell.com), Jane Snow")
        );
    }
}
