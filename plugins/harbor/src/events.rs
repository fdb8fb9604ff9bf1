//! What Harbor's webhooks say of artifacts pushed and deleted: in its own form, with the words of 2.x
//! or 1.x, and as CloudEvents (goharbor.io, "Configure Webhook Notifications").

use portolan_sdk::{Event, Result, delivery};

use crate::wire::{self, Hook};

/// One event for each artifact that a delivery is about; none where it is about something else,
/// such as a pull, a scan or a quota.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<Event>> {
    let hook: Hook = delivery::read(body)?;
    let kind = match &*hook.kind {
        "PUSH_ARTIFACT" | "pushImage" | "harbor.artifact.pushed" => "pushed",
        "DELETE_ARTIFACT" | "deleteImage" | "harbor.artifact.deleted" => "deleted",
        _ => return Ok(Vec::new()),
    };
    let Some(data) = hook.data else { return Ok(Vec::new()) };
    let Some(repository) = data.repository.and_then(|it| it.repo_full_name) else {
        return Ok(Vec::new());
    };
    let event = |it: wire::Artifact| Event {
        id: hook.id.clone(),
        // Where an artifact has no tag, its digest stands in the place of one.
        tag: Some(it.name).filter(|tag| !tag.is_empty() && !tag.contains(':')),
        // So a deletion is that of the artifact: of a tag that is taken off one Harbor tells nothing.
        digest: Some(it.digest).filter(|digest| !digest.is_empty()),
        at: hook.occur_at.or(hook.time),
        ..Event::new(kind, repository.clone())
    };
    Ok(data.resources.into_iter().flatten().map(event).collect())
}

#[cfg(test)]
mod tests {
    use portolan_sdk::{DeliveryAuth, Endpoint, Error, Notifications as _};
    use serde_json::{Value, json};

    use crate::Harbor;

    const DIGEST: &str = "sha256:fd4a8673d0344c3a7f427fe4440d4b8dfd4fa59cfabbd9098f9eb0cb4ba905d0";

    fn data(resources: &Value) -> Value {
        json!({"resources": resources, "repository": {"date_created": 1_582_634_337,
            "name": "deep/app", "namespace": "team", "repo_full_name": "team/deep/app",
            "repo_type": "private"}})
    }

    fn resource(tag: &str) -> Value {
        json!([{"digest": DIGEST, "tag": tag, "resource_url": format!("h.test/team/deep/app:{tag}")}])
    }

    fn sent(kind: &str, resources: &Value) -> Value {
        json!({"type": kind, "occur_at": 1_795_320_000, "operator": "admin",
            "event_data": data(resources)})
    }

    fn cloud(kind: &str, resources: &Value) -> Value {
        json!({"specversion": "1.0", "id": "66e18103-09c1-41f6-982f-37df223f3eeb",
            "requestid": "51c0b694-0168-4f3c-b0db-282565455d7b", "operator": "robot$team+ci",
            "source": "/projects/2/webhook/policies/15", "type": kind,
            "datacontenttype": "application/json", "time": "2026-11-22T04:00:00Z",
            "data": data(resources)})
    }

    #[test]
    fn pushes_and_deletions_are_read_and_nothing_else_is() {
        let one = resource("v1");
        let cases = [
            (sent("PUSH_ARTIFACT", &one), Some(("pushed", Some("v1")))),
            (sent("DELETE_ARTIFACT", &one), Some(("deleted", Some("v1")))),
            (sent("pushImage", &one), Some(("pushed", Some("v1")))),
            (sent("deleteImage", &one), Some(("deleted", Some("v1")))),
            (cloud("harbor.artifact.pushed", &one), Some(("pushed", Some("v1")))),
            (cloud("harbor.artifact.deleted", &one), Some(("deleted", Some("v1")))),
            (sent("PUSH_ARTIFACT", &resource(DIGEST)), Some(("pushed", None))),
            (sent("PUSH_ARTIFACT", &resource("")), Some(("pushed", None))),
            (sent("PULL_ARTIFACT", &one), None),
            (sent("SCANNING_COMPLETED", &one), None),
            (cloud("harbor.quota.exceeded", &json!(null)), None),
            (sent("PUSH_ARTIFACT", &json!(null)), None),
            (json!({"type": "PUSH_ARTIFACT"}), None),
            (json!({"type": "PUSH_ARTIFACT", "event_data": {"resources": one}}), None),
            (json!({"zen": "Keep it logically awesome."}), None),
        ];
        for (body, expected) in cases {
            let events =
                Harbor::parse(&Endpoint::new("https://h.test"), &[], body.to_string().as_bytes());
            let events = events.expect("it is understood");
            let shown: Vec<_> =
                events.iter().map(|it| (it.kind.as_str(), it.tag.as_deref())).collect();
            assert_eq!(shown, expected.into_iter().collect::<Vec<_>>(), "{body}");
            for event in events {
                assert_eq!((&*event.repository, event.at), ("team/deep/app", Some(1_795_320_000)));
                assert_eq!(event.digest.as_deref(), Some(DIGEST));
                assert_eq!(event.id.as_deref(), body["id"].as_str());
            }
        }
    }

    #[test]
    fn what_is_no_webhook_is_refused() {
        for bad in [&b""[..], b"{", b"\xff", b"{\"event_data\": 1}"] {
            let error =
                Harbor::parse(&Endpoint::new("https://h.test"), &[], bad).expect_err("no JSON");
            assert!(matches!(error, Error::MalformedResponse(_)), "{error:?}");
        }
        let [header, url] = Harbor::authentication().try_into().expect("two ways");
        assert_eq!(header, DeliveryAuth::HeaderToken("Authorization".to_owned()));
        assert_eq!(url, DeliveryAuth::UrlToken);
    }
}
