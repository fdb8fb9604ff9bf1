//! Records of `notifications`, checked and bounded: what a webhook says wakes rules.

use portolan_bindings::v0_1::exports::portolan::adapter::notifications as wit;
use portolan_core::provider::{DeliveryAuth, Event, HmacHeader};

use super::{instant, malformed, name};
use crate::plugin::PluginError;

/// Most ways of proof, and most events of one delivery.
const MAX_EVENTS: usize = 1000;

/// How deliveries prove themselves.
pub(in crate::plugin) fn ways(
    given: Vec<wit::DeliveryAuth>,
) -> Result<Vec<DeliveryAuth>, PluginError> {
    bounded(given, "ways of proof")?.into_iter().map(way).collect()
}

fn way(given: wit::DeliveryAuth) -> Result<DeliveryAuth, PluginError> {
    let text = |text| name(text, "header of a delivery");
    Ok(match given {
        wit::DeliveryAuth::UrlToken => DeliveryAuth::UrlToken,
        wit::DeliveryAuth::HeaderToken(header) => DeliveryAuth::HeaderToken(text(header)?),
        wit::DeliveryAuth::HmacHeader(it) => DeliveryAuth::HmacHeader(HmacHeader {
            header: text(it.header)?,
            hash: text(it.hash)?,
            prefix: text(it.prefix)?,
            encoding: text(it.encoding)?,
        }),
    })
}

/// What one delivery says.
pub(in crate::plugin) fn events(given: Vec<wit::Event>) -> Result<Vec<Event>, PluginError> {
    bounded(given, "events")?.into_iter().map(event).collect()
}

fn event(given: wit::Event) -> Result<Event, PluginError> {
    let optional = |text: Option<String>, what| text.map(|text| name(text, what)).transpose();
    let digest = given.digest.map(|text| text.parse());
    let digest = digest.transpose().map_err(|_| malformed("an event's digest is none"))?;
    Ok(Event {
        id: optional(given.id, "id of a delivery")?,
        kind: name(given.kind, "kind of event")?,
        repository: name(given.repository, "repository")?,
        tag: optional(given.tag, "tag")?,
        digest,
        at: given.at.map(instant).transpose()?,
    })
}

fn bounded<T>(list: Vec<T>, what: &str) -> Result<Vec<T>, PluginError> {
    if list.len() > MAX_EVENTS {
        return Err(malformed(&format!("one delivery has {} {what}", list.len())));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed() -> wit::Event {
        wit::Event {
            id: None,
            kind: "pushed".to_owned(),
            repository: "team/app".to_owned(),
            tag: Some("v1".to_owned()),
            digest: Some(format!("sha256:{}", "1".repeat(64))),
            at: Some(0),
            extra: Vec::new(),
        }
    }

    #[test]
    fn an_event_that_does_not_fit_is_malformed() {
        assert_eq!(events(vec![pushed()]).unwrap()[0].repository, "team/app");
        type Change = fn(&mut wit::Event);
        let wrong: [Change; 4] = [
            |it| it.digest = Some("sha256:12".to_owned()),
            |it| it.at = Some(u64::MAX),
            |it| it.tag = Some("a\nb".to_owned()),
            |it| it.repository = "x".repeat(5000),
        ];
        for change in wrong {
            let mut event = pushed();
            change(&mut event);
            assert!(matches!(events(vec![event]), Err(PluginError::Malformed(_))));
        }
        assert!(events(vec![pushed(); MAX_EVENTS + 1]).is_err());
    }
}
