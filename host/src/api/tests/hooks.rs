//! Webhooks as registries send them: proven, read, counted, and told to nobody who may not know.

use std::time::Duration;

use axum::{Router, body::Body};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

use super::{
    Seen,
    accounts::{basic, body},
    request, send, with_admin,
};
use crate::{
    api::{ApiSettings, router},
    builder::HostBuilder,
};

const SECRET: &str = "aye-aye-captain";

/// Two registries, the first with a webhook secret.
struct World {
    api: Router,
    source: Registry,
    target: Registry,
}

impl World {
    async fn new() -> Self {
        let adapter = bundled_plugins::ALL.iter().find(|it| it.provider == "docker-registry");
        let builder = HostBuilder::in_memory().adapter(adapter.unwrap().bytes);
        let host = builder.event_window(Duration::from_millis(100)).build().await.unwrap();
        let external_url = Some("https://portolan.example.com/".to_owned());
        let settings = ApiSettings { external_url, ..ApiSettings::default() };
        let api = router(with_admin(host).await, settings);
        let source = Registry::builder().start().await.unwrap();
        let target = Registry::builder().start().await.unwrap();
        let world = Self { api, source, target };
        for (name, url) in [("source", world.source.url()), ("target", world.target.url())] {
            let mut made = json!({"name": name, "type": "docker-registry", "url": url});
            if name == "source" {
                made["webhook_secret"] = json!(SECRET);
            }
            assert_eq!(world.ask("POST /api/v2.0/registries", made).await.status, 201);
        }
        world
    }

    async fn ask(&self, line: &str, body: Value) -> Seen {
        self.sent(line, ("authorization", &basic("admin", "right")), &body.to_string()).await
    }

    async fn sent(&self, line: &str, header: (&str, &str), body: &str) -> Seen {
        let request = request(line).header("content-type", "application/json");
        let request = request.header(header.0, header.1).body(Body::from(body.to_owned()));
        send(self.api.clone(), request.unwrap()).await
    }

    async fn webhook(&self) -> Value {
        body(&self.ask("GET /api/portolan/v1/endpoints/1/webhook", Value::Null).await)
    }

    /// Tags of `team/app` at the target.
    fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = self
            .target
            .tags()
            .into_iter()
            .filter(|(repository, _)| repository == "team/app")
            .map(|(_, tag)| tag)
            .collect();
        tags.sort();
        tags
    }

    /// Until the newest execution is over; with its tasks.
    async fn ended(&self, count: usize) -> (Value, Value) {
        let look = async || {
            let seen = self.ask("GET /api/v2.0/replication/executions", Value::Null).await;
            let runs = body(&seen);
            let runs = runs.as_array().unwrap();
            let over = runs.iter().all(|run| run["status"] != "InProgress");
            (runs.len() == count && over).then(|| runs[0].clone())
        };
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        let run = loop {
            if let Some(run) = look().await {
                break run;
            }
            assert!(tokio::time::Instant::now() < until, "no {count} executions came to an end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let line = format!("GET /api/v2.0/replication/executions/{}/tasks", run["id"]);
        (run, body(&self.ask(&line, Value::Null).await))
    }
}

fn event(id: &str, action: &str, tag: &str) -> Value {
    json!({"id": id, "action": action, "timestamp": "2026-11-22T04:00:00.5Z", "target": {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": format!("sha256:{}", "1".repeat(64)), "repository": "team/app", "tag": tag}})
}

fn delivery(events: &[Value]) -> String {
    json!({ "events": events }).to_string()
}

#[tokio::test]
async fn a_delivery_proves_itself_or_is_refused() {
    let world = World::new().await;
    let push = |id: &str| delivery(&[event(id, "push", "v1")]);
    let by_url = format!("POST /hooks/1/{SECRET}");
    let bearer = format!("Bearer {SECRET}");
    let auth = |value| ("authorization", value);
    let cases = [
        ("POST /hooks/1", auth(SECRET), push("1"), 202, "{\"events\":1}"),
        ("POST /hooks/1", auth(&bearer), push("2"), 202, "{\"events\":1}"),
        ("POST /hooks/1", auth(&bearer), push("2"), 202, "{\"events\":0}"),
        (&by_url, ("x", "y"), push("3"), 202, "{\"events\":1}"),
        (&by_url, ("x", "y"), delivery(&[event("4", "pull", "v1")]), 202, "{\"events\":0}"),
        (&by_url, ("x", "y"), "{\"hello\": 1}".to_owned(), 202, "{\"events\":0}"),
        (&by_url, ("x", "y"), "no JSON".to_owned(), 400, "not understood"),
        (&by_url, ("x", "y"), "x".repeat((1 << 20) + 1), 413, "larger than"),
        ("POST /hooks/1", auth("wrong"), push("5"), 401, "no such hook"),
        ("POST /hooks/1", auth(""), push("5"), 401, "no such hook"),
        ("POST /hooks/1/wrong", auth(&bearer), push("1"), 202, "{\"events\":0}"),
        ("POST /hooks/1/wrong", ("x", "y"), push("5"), 401, "no such hook"),
        ("POST /hooks/99", auth(&bearer), push("5"), 401, "no such hook"),
        ("POST /hooks/0", auth(&bearer), push("5"), 401, "no such hook"),
        ("POST /hooks/one", auth(&bearer), push("5"), 401, "no such hook"),
        ("POST /hooks/2", auth(&bearer), push("5"), 403, "the daemon's log says why"),
    ];
    for (line, header, sent, status, words) in cases {
        let seen = world.sent(line, header, &sent).await;
        assert_eq!(seen.status, status, "{line} {header:?}: {}", seen.body);
        assert!(seen.body.contains(words), "{line} {header:?}: {}", seen.body);
    }
    let metrics = world.ask("GET /metrics", Value::Null).await.body;
    for (outcome, count) in
        [("accepted", 3), ("repeated", 2), ("nothing", 2), ("refused", 6), ("closed", 1)]
    {
        let line = format!("webhook_deliveries_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} {metrics}");
    }
    assert_eq!(world.webhook().await["last_delivery"]["outcome"], "refused");
}

#[tokio::test]
async fn a_refusal_takes_as_long_whether_the_endpoint_is_there_or_not() {
    let world = World::new().await;
    for line in ["POST /hooks/1/wrong", "POST /hooks/99/wrong", "POST /hooks/2/wrong"] {
        let begun = tokio::time::Instant::now();
        world.sent(line, ("x", "y"), "{}").await;
        assert!(begun.elapsed() >= Duration::from_millis(250), "{line}");
    }
}

#[tokio::test]
async fn the_secret_is_kept_changed_and_removed_and_shown_to_nobody() {
    let world = World::new().await;
    let by_url = format!("/hooks/1/{SECRET}");
    let ways = json!([
        {"kind": "header-token", "header": "Authorization", "path": "/hooks/1",
            "url": "https://portolan.example.com/hooks/1"},
        {"kind": "url-token", "path": "/hooks/1/{secret}",
            "url": "https://portolan.example.com/hooks/1/{secret}"},
    ]);
    let expected = json!({"supported": true, "secret_set": true, "ways": ways, "waiting": 0});
    assert_eq!(world.webhook().await, expected);
    let update = "PUT /api/v2.0/registries/1";
    for (change, status) in [
        (json!({"description": "kept"}), 202),
        (json!({"webhook_secret": null}), 202),
        (json!({"webhook_secret": "another"}), 401),
        (json!({"webhook_secret": ""}), 403),
        (json!({"webhook_secret": SECRET}), 202),
    ] {
        assert_eq!(world.ask(update, change.clone()).await.status, 200);
        let seen = world.sent(&format!("POST {by_url}"), ("x", "y"), "{}").await;
        assert_eq!(seen.status, status, "{change}");
    }
    let long = json!({"webhook_secret": "x".repeat(1025)});
    assert_eq!(world.ask(update, long).await.status, 400);
    let mut shown = String::new();
    for path in [
        "/api/v2.0/registries/1",
        "/api/portolan/v1/endpoints/1",
        "/api/portolan/v1/endpoints/1/webhook",
        "/api/portolan/v1/audit?limit=1000",
        "/metrics",
    ] {
        let seen = world.ask(&format!("GET {path}"), Value::Null).await;
        assert_eq!(seen.status, 200, "{path}");
        shown.push_str(&seen.body);
    }
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!shown.contains("/hooks/1/a") && !shown.contains("POST /hooks"), "{shown}");
    for change in ["set", "changed", "removed"] {
        let noted = format!("\"webhook_secret\":\"{change}\"");
        assert!(shown.contains(&noted), "{noted} {shown}");
    }
}

#[tokio::test]
async fn what_was_pushed_goes_where_the_rule_says_and_what_is_gone_goes_there() {
    let world = World::new().await;
    for (tag, seed) in [("v1", 1), ("v2", 2), ("dev", 3)] {
        world.source.put_image("team/app", tag, &[layer(seed, 1000)]);
    }
    let info = body(&world.ask("GET /api/v2.0/registries/1/info", Value::Null).await);
    assert_eq!(info["supported_triggers"], json!(["manual", "scheduled", "event_based"]));
    let rule = json!({"name": "on events", "enabled": true, "src_registry": {"id": 1},
        "dest_registry": {"id": 2}, "trigger": {"type": "event_based"}, "deletion": true,
        "override": true, "filters": [{"type": "tag", "value": "v*", "decoration": "matches"}]});
    assert_eq!(world.ask("POST /api/v2.0/replication/policies", rule).await.status, 201);
    let line = format!("POST /hooks/1/{SECRET}");
    let tell = async |events: &[Value]| {
        let seen = world.sent(&line, ("x", "y"), &delivery(events)).await;
        assert_eq!(seen.status, 202, "{}", seen.body);
    };
    tell(&[event("1", "push", "v1"), event("2", "push", "dev")]).await;
    let (run, tasks) = world.ended(1).await;
    assert_eq!((&run["trigger"], &run["status"]), (&json!("event_based"), &json!("Succeed")));
    assert_eq!(tasks.as_array().unwrap().len(), 1);
    assert_eq!(tasks[0]["src_resource"], "team/app [1 item(s) in total]");
    assert_eq!(world.tags(), ["v1"]);
    // Still there: the source is asked, and nothing is deleted.
    tell(&[event("3", "delete", "v1")]).await;
    let (run, tasks) = world.ended(2).await;
    assert_eq!(
        (&run["status"], &tasks[0]["operation"]),
        (&json!("Succeed"), &json!("tag deletion"))
    );
    assert_eq!(world.tags(), ["v1"]);
    // Gone: the destination's goes, too.
    world.target.put_image("team/app", "v9", &[layer(9, 1000)]);
    let mut gone = event("4", "delete", "v9");
    tell(&[gone.clone()]).await;
    assert_eq!(world.ended(3).await.0["status"], "Succeed");
    assert_eq!(world.tags(), ["v1"]);
    // A rule without deletion, and events that its filters leave out, start nothing.
    gone["id"] = json!("5");
    gone["target"]["tag"] = json!("dev");
    tell(&[gone]).await;
    tell(&[event("6", "push", "v2")]).await;
    world.ended(4).await;
    assert_eq!(world.tags(), ["v1", "v2"]);
    // What is not there either is as it should be.
    let mut nowhere = event("7", "delete", "v8");
    nowhere["timestamp"] = json!(null);
    tell(&[nowhere]).await;
    assert_eq!(world.ended(5).await.0["status"], "Succeed");
}
