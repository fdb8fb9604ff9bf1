//! What the registry's notifications say (Distribution, "Work with notifications").

use portolan_sdk::{Event, Result, delivery, time};
use serde::Deserialize;

/// A delivery.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    events: Vec<Sent>,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    action: String,
    #[serde(default, deserialize_with = "time::deserialize")]
    timestamp: Option<u64>,
    #[serde(default)]
    target: Target,
}

#[derive(Default, Deserialize)]
struct Target {
    #[serde(default)]
    repository: String,
    #[serde(default)]
    tag: Option<String>,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default, rename = "mediaType")]
    media_type: String,
}

/// Pushes and deletions of manifests. Blobs, pulls and mounts are told, too, and change no tag.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<Event>> {
    let envelope: Envelope = delivery::read(body)?;
    Ok(envelope.events.into_iter().filter_map(event).collect())
}

fn event(sent: Sent) -> Option<Event> {
    let Target { repository, tag, digest, media_type } = sent.target;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (tag, digest) = (filled(tag), filled(digest));
    let kind = match sent.action.as_str() {
        "push" if tag.is_some() || is_manifest(&media_type) => "pushed",
        // Of a deleted tag the artifact stays; of a deleted artifact no tag is told.
        "delete" if tag.is_some() || digest.is_some() => "deleted",
        _ => return None,
    };
    let digest = digest.filter(|_| kind == "pushed" || tag.is_none());
    let (id, at) = (sent.id, sent.timestamp);
    (!repository.is_empty()).then(|| Event { id, tag, digest, at, ..Event::new(kind, repository) })
}

fn is_manifest(media_type: &str) -> bool {
    media_type.contains(".manifest.") || media_type.contains(".index.")
}
