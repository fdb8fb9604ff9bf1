//! What the Hub's webhooks say (Docker Docs, "Webhooks"): pushes alone. They bring no id and no
//! proof but their address.

use portolan_sdk::{Event, Result, delivery};
use serde::Deserialize;

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    push_data: Option<PushData>,
    #[serde(default)]
    repository: Option<Named>,
}

#[derive(Deserialize)]
struct PushData {
    #[serde(default)]
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    repo_name: Option<String>,
}

/// The tag that was pushed; nothing where a delivery is about something else.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<Event>> {
    let sent: Sent = delivery::read(body)?;
    let tag = sent.push_data.and_then(|push| push.tag).filter(|tag| !tag.is_empty());
    let repository = sent.repository.and_then(|named| named.repo_name);
    let event = |(repository, tag)| Event { tag: Some(tag), ..Event::new("pushed", repository) };
    Ok(repository.zip(tag).map(event).into_iter().collect())
}
