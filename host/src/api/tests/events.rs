//! Streams of events through the router: what they say, and when they end.

use std::time::Duration;

use axum::{Router, body::Body};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    Caller,
    accounts::{basic, with},
    host, request,
};
use crate::{
    api::{ApiSettings, router},
    host::Host,
};

/// A body that is a stream of events.
struct Events(Body);

impl Events {
    async fn open(api: &Router, path: &str, authorization: &str) -> Self {
        let request = request(&format!("GET /api/portolan/v1{path}"));
        let request = request.header("authorization", authorization).body(Body::empty());
        let response = api.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body())
    }

    /// The next event's name and data; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        let frame = tokio::time::timeout(Duration::from_secs(20), self.0.frame()).await.unwrap()?;
        let text = String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap();
        let line = |mark: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(mark));
            line.unwrap_or_else(|| panic!("{text}")).trim().to_owned()
        };
        Some((line("event:"), serde_json::from_str(&line("data:")).unwrap()))
    }
}

async fn policy(host: &Host, api: &Router) {
    let admin = basic("admin", "right");
    super::audit::store_endpoint(host, "e").await;
    let policy = json!({"name": "p", "src_registry": {"id": 1}, "dest_registry": {"id": 1},
        "enabled": true});
    let line = "POST /api/v2.0/replication/policies";
    assert_eq!(with(api, line, &[("authorization", &admin)], &policy).await.status, 201);
}

async fn start(api: &Router) {
    let admin = basic("admin", "right");
    let line = "POST /api/v2.0/replication/executions";
    let body = json!({"policy_id": 1});
    assert_eq!(with(api, line, &[("authorization", &admin)], &body).await.status, 201);
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() {
    let host = host().await;
    let api = router(host.clone(), ApiSettings::default());
    policy(&host, &api).await;
    let admin = basic("admin", "right");
    let mut all = Events::open(&api, "/events", &admin).await;
    assert_eq!(all.next().await.unwrap(), ("executions".to_owned(), json!({"executions": []})));
    start(&api).await;
    // No adapter knows the provider: the run ends by itself and says why.
    let mut one = Events::open(&api, "/executions/1/events", &admin).await;
    let last = loop {
        let (name, data) = one.next().await.unwrap();
        if name == "end" {
            break data;
        }
        assert_eq!(
            (name.as_str(), &data["execution"]["status"]),
            ("snapshot", &json!("InProgress"))
        );
    };
    assert_eq!(last["execution"]["status"], "Failed");
    assert_ne!(last["execution"]["status_text"], "");
    assert_eq!((&last["progress"]["bytes"], &last["tasks"]), (&json!(0), &json!([])));
    assert!(one.next().await.is_none(), "nothing follows the end");
    loop {
        let (_, data) = all.next().await.unwrap();
        let run = &data["executions"][0];
        assert_eq!(run["id"], 1);
        if run["status"] == "Failed" {
            break;
        }
    }
    let mut late = Events::open(&api, "/executions/1/events", &admin).await;
    assert_eq!(late.next().await.unwrap().0, "end", "of a run that is over, the end alone");
}

#[tokio::test]
async fn streams_are_bounded_and_end_with_the_host() {
    let host = host().await;
    let api = router(host.clone(), ApiSettings::default());
    let admin = basic("admin", "right");
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(Events::open(&api, "/events", &admin).await);
    }
    let headers = [("authorization", admin.as_str())];
    let line = "GET /api/portolan/v1/events";
    let more = with(&api, line, &headers, &json!(null)).await;
    assert_eq!(more.status, 429, "{}", more.body);
    open.pop();
    let mut last = Events::open(&api, "/events", &admin).await;
    last.next().await.unwrap();
    host.shutdown(Duration::ZERO).await;
    assert!(last.next().await.is_none());
}

#[tokio::test]
async fn a_stream_ends_with_the_right_to_read_it() {
    let host = host().await;
    let api = router(host.clone(), ApiSettings::default());
    let admin = basic("admin", "right");
    let line = "POST /api/portolan/v1/tokens";
    let made = with(&api, line, &[("authorization", &admin)], &json!({"name": "ci"})).await;
    let secret = super::accounts::body(&made)["secret"].as_str().unwrap().to_owned();
    let mut stream = Events::open(&api, "/events", &format!("Bearer {secret}")).await;
    stream.next().await.unwrap();
    let line = "DELETE /api/portolan/v1/tokens/1";
    assert_eq!(with(&api, line, &[("authorization", &admin)], &json!(null)).await.status, 200);
    assert!(stream.next().await.is_none());
    let mut owner = request("GET /api/portolan/v1/events").body(Body::empty()).unwrap();
    owner.extensions_mut().insert(Caller::Owner);
    assert_eq!(api.oneshot(owner).await.unwrap().status(), 200);
}
