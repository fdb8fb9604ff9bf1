//! Registries, policies and executions through the router, on a real host without adapters:
//! statuses, headers and bodies as Harbor's clients compare them.

use axum::{Router, body::Body};
use portolan_core::endpoint::{Credentials, EndpointSpec, Health};
use serde_json::{Value, json};

use super::{Caller, Seen, host, request, send};
use crate::{
    api::{ApiSettings, router},
    host::Host,
};

/// A client that is the administrator.
struct Client(Router);

impl Client {
    async fn send(&self, line: &str, body: Option<Value>) -> Seen {
        let mut builder = request(line);
        if body.is_some() {
            builder = builder.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = builder.body(body).unwrap();
        request.extensions_mut().insert(Caller::Owner);
        send(self.0.clone(), request).await
    }

    async fn ask(&self, line: &str) -> Seen {
        self.send(line, None).await
    }

    async fn json(&self, line: &str) -> Value {
        let seen = self.ask(line).await;
        assert_eq!(seen.status, 200, "{line}: {}", seen.body);
        assert_eq!(seen.headers["content-type"], "application/json", "{line}");
        assert!(seen.body.ends_with('\n'), "{line}");
        serde_json::from_str(&seen.body).unwrap()
    }

    async fn refused(&self, line: &str, body: Value, status: u16, code: &str) {
        let seen = self.send(line, Some(body.clone())).await;
        assert_eq!(seen.status, status, "{line} {body}: {}", seen.body);
        assert!(seen.body.contains(&format!("\"code\":\"{code}\"")), "{line}: {}", seen.body);
    }

    /// Sends what answers without a body.
    async fn done(&self, line: &str, body: Value) {
        let seen = self.send(line, Some(body)).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, ""), "{line}");
        assert!(!seen.headers.contains_key("content-type"), "{line}");
    }

    async fn created(&self, line: &str, body: Value, location: &str) {
        let seen = self.send(line, Some(body)).await;
        assert_eq!((seen.status, seen.body.as_str()), (201, ""), "{line}");
        assert_eq!(seen.headers["location"], location);
        assert!(!seen.headers.contains_key("content-type"), "{line}");
    }
}

/// Endpoints `e1` to `eN` that nobody tested.
async fn store_endpoints(host: &Host, count: usize) {
    for number in 1..=count {
        let spec = EndpointSpec {
            name: format!("e{number}"),
            description: String::new(),
            provider: "none".to_owned(),
            url: "http://localhost:1".parse().unwrap(),
            access_key: None,
            credential_type: "basic".to_owned(),
            insecure: false,
            ca_certificate: None,
            settings: serde_json::Map::new(),
            allowed_hosts: Vec::new(),
            proxy: None,
            client_certificate: None,
            credential_source: None,
        };
        host.store_endpoint(spec, Credentials::default(), Health::Healthy).await.unwrap();
    }
}

async fn client(endpoints: usize) -> Client {
    let host = host().await;
    store_endpoints(&host, endpoints).await;
    Client(router(host, ApiSettings::default()))
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn registries_are_listed() {
    let client = client(12).await;
    let seen = client.ask("GET /api/v2.0/registries").await;
    assert_eq!(seen.headers["x-total-count"], "12");
    let link = "</api/v2.0/registries?page=2&page_size=10>; rel=\"next\"";
    assert_eq!(seen.headers["link"], link);
    let rows: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(names(&rows)[..3], ["e1", "e2", "e3"]);
    let cases = [
        ("page=2", vec!["e11", "e12"]),
        ("page_size=2&sort=-id", vec!["e12", "e11"]),
        ("name=E1", vec!["e1", "e10", "e11", "e12"]),
        ("q=name%3D~1%2Cid%3D%5B11~%5D", vec!["e11", "e12"]),
        ("q=health%3Dunhealthy", vec![]),
    ];
    for (query, expected) in cases {
        let rows = client.json(&format!("GET /api/v2.0/registries?{query}")).await;
        assert_eq!(names(&rows), expected, "{query}");
    }
    let bad = client.ask("GET /api/v2.0/registries?q=%2C").await;
    assert_eq!(bad.status, 400, "{}", bad.body);
    assert_eq!(client.json("GET /api/v2.0/registries/2").await["name"], "e2");
    let local = client.json("GET /api/v2.0/registries/0").await;
    assert_eq!((&local["id"], &local["status"]), (&json!(0), &json!("unhealthy")));
    assert_eq!(local["credential"], json!({"type": "secret", "access_secret": "*****"}));
}

#[tokio::test]
async fn registries_are_refused() {
    let client = client(1).await;
    let registries = "POST /api/v2.0/registries";
    let good = json!({"name": "n", "type": "unknown", "url": "h"});
    client.refused(registries, good, 400, "BAD_REQUEST").await;
    client.refused(registries, json!({}), 400, "BAD_REQUEST").await;
    let ping = "POST /api/v2.0/registries/ping";
    client.refused(ping, json!({"url": "h"}), 400, "BAD_REQUEST").await;
    client.refused(ping, json!({"type": "unknown", "url": "h"}), 400, "BAD_REQUEST").await;
    client.refused(ping, json!({"id": 99}), 404, "NOT_FOUND").await;
    client.refused(ping, json!({"id": 0}), 400, "BAD_REQUEST").await;
    for id in ["0", "99", "-1"] {
        let line = format!("PUT /api/v2.0/registries/{id}");
        client.refused(&line, json!({"url": "ftp://x"}), 404, "NOT_FOUND").await;
    }
    client.refused("PUT /api/v2.0/registries/1", json!({"name": ""}), 400, "BAD_REQUEST").await;
    for id in ["0", "99"] {
        let seen = client.ask(&format!("DELETE /api/v2.0/registries/{id}")).await;
        assert_eq!(seen.status, 404, "{id}: {}", seen.body);
    }
    assert_eq!(client.ask("GET /api/v2.0/registries/99").await.status, 404);
    client.done("DELETE /api/v2.0/registries/1", Value::Null).await;
    assert_eq!(client.ask("GET /api/v2.0/registries/1").await.status, 404);
}

#[tokio::test]
async fn policies_live_and_hold_their_endpoints() {
    let client = client(3).await;
    let policies = "POST /api/v2.0/replication/policies";
    let policy = json!({"name": "p", "src_registry": {"id": 1}, "enabled": true,
        "destinations": [{"registry": {"id": 2}, "namespace": "m"}, {"registry": {"id": 3}}]});
    client.created(policies, policy.clone(), "/api/v2.0/replication/policies/1").await;
    client.refused(policies, policy, 409, "CONFLICT").await;
    let lost = json!({"name": "q", "src_registry": {"id": 1}, "dest_registry": {"id": 99}});
    client.refused(policies, lost, 404, "NOT_FOUND").await;
    client.refused(policies, json!({"name": "q"}), 400, "BAD_REQUEST").await;

    let one = "/api/v2.0/replication/policies/1";
    let shown = client.json(&format!("GET {one}")).await;
    let registry = |id: u64| format!("GET /api/v2.0/registries/{id}");
    assert_eq!(shown["src_registry"], client.json(&registry(1)).await);
    assert_eq!(shown["dest_registry"], client.json(&registry(2)).await);
    assert_eq!(shown["destinations"][1]["registry"], client.json(&registry(3)).await);
    for id in 1..=3 {
        let line = format!("DELETE /api/v2.0/registries/{id}");
        client.refused(&line, Value::Null, 412, "PRECONDITION").await;
    }

    // Full replacement: what is absent is unset, but our own list stays with its first.
    let change = json!({"name": "p2", "src_registry": {"id": 1}, "dest_registry": {"id": 2}});
    client.done(&format!("PUT {one}"), change).await;
    let shown = client.json(&format!("GET {one}")).await;
    assert_eq!(shown["name"], "p2");
    assert!(shown.get("enabled").is_none() && shown.get("dest_namespace").is_none());
    assert_eq!(shown["destinations"].as_array().unwrap().len(), 2);
    let pull = json!({"name": "p2", "src_registry": {"id": 1}, "dest_registry": {}});
    client.done(&format!("PUT {one}"), pull).await;
    let shown = client.json("GET /api/v2.0/replication/policies?q=enabled%3Dfalse").await;
    assert_eq!(shown[0]["dest_registry"]["name"], "Local");
    client.done("DELETE /api/v2.0/registries/3", Value::Null).await;

    client.refused("PUT /api/v2.0/replication/policies/9", json!({}), 404, "NOT_FOUND").await;
    client.done(&format!("DELETE {one}"), Value::Null).await;
    assert_eq!(client.ask(&format!("GET {one}")).await.status, 404);
    assert_eq!(client.ask(&format!("DELETE {one}")).await.status, 404);
    let none = client.ask("GET /api/v2.0/replication/policies").await;
    assert_eq!(
        (none.body.as_str(), &none.headers["x-total-count"]),
        ("[]\n", &"0".parse().unwrap())
    );
    assert!(!none.headers.contains_key("link"));
}

#[tokio::test]
async fn executions_run_fail_and_stop() {
    let client = client(2).await;
    let runs = "/api/v2.0/replication/executions";
    let policy = |enabled: bool| {
        json!({"name": "p", "src_registry": {"id": 1}, "dest_registry": {"id": 2},
            "enabled": enabled})
    };
    let start = format!("POST {runs}");
    client.refused(&start, json!({"policy_id": 1}), 404, "NOT_FOUND").await;
    let policies = "/api/v2.0/replication/policies";
    client.created(&format!("POST {policies}"), policy(false), &format!("{policies}/1")).await;
    client.refused(&start, json!({"policy_id": 1}), 412, "PRECONDITION").await;
    client.done(&format!("PUT {policies}/1"), policy(true)).await;
    client.created(&start, json!({"policy_id": 1}), &format!("{runs}/1")).await;
    let second = format!("{start}?trigger=scheduled");
    client.created(&second, json!({"policy_id": 1}), &format!("{runs}/2")).await;

    // No adapter knows the provider: the run ends by itself and says why.
    let ended = async {
        loop {
            let run = client.json(&format!("GET {runs}/1")).await;
            if run["status"] != "InProgress" {
                break run;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let run = tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.unwrap();
    assert_eq!((&run["status"], &run["trigger"]), (&json!("Failed"), &json!("manual")));
    assert_ne!(run["status_text"], "");
    assert_eq!((&run["total"], &run["policy_id"]), (&json!(0), &json!(1)));

    let cases = [
        ("", vec![2, 1]),
        ("?sort=id", vec![1, 2]),
        ("?q=,&trigger=manual", vec![1]),
        ("?trigger=scheduled&policy_id=1", vec![2]),
        ("?policy_id=7", vec![]),
        ("?status=nonsense", vec![]),
    ];
    for (query, expected) in cases {
        let rows = client.json(&format!("GET {runs}{query}")).await;
        let ids = rows.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), expected, "{query}");
    }
    let stopped = client.ask(&format!("PUT {runs}/1")).await;
    assert_eq!((stopped.status, stopped.body.as_str()), (200, "null\n"));
    assert_eq!(stopped.headers["content-type"], "application/json");
    let tasks = client.ask(&format!("GET {runs}/1/tasks")).await;
    assert_eq!((tasks.body.as_str(), tasks.status), ("[]\n", 200));
    assert_eq!(tasks.headers["x-total-count"], "0");
    for line in
        ["GET {}/9", "PUT {}/9", "GET {}/9/tasks", "GET {}/1/tasks/1", "GET {}/1/tasks/1/log"]
    {
        let line = line.replace("{}", runs);
        assert_eq!(client.ask(&line).await.status, 404, "{line}");
    }
    let tail = "GET /api/portolan/v1/executions/1/tasks/1/log";
    assert_eq!(client.ask(tail).await.status, 404);
}

#[tokio::test]
async fn plugins_and_adapters() {
    let client = client(0).await;
    assert_eq!(client.json("GET /api/v2.0/replication/adapters").await, json!([]));
    assert_eq!(client.json("GET /api/v2.0/replication/adapterinfos").await, json!({}));
    assert_eq!(client.json("GET /api/portolan/v1/plugins").await, json!([]));
    let digest = format!("sha256:{}", "0".repeat(64));
    let one = format!("/api/portolan/v1/plugins/{digest}");
    let approve = format!("POST {one}/approve");
    let revoke = format!("POST {one}/revoke");
    for line in [format!("GET {one}"), format!("DELETE {one}"), approve, revoke] {
        assert_eq!(client.ask(&line).await.status, 404, "{line}");
    }
    let install = "POST /api/portolan/v1/plugins?source=a.wasm";
    assert_eq!(client.ask(install).await.status, 422);
    let garbage = client.send(install, Some(json!("no component"))).await;
    assert_eq!(garbage.status, 400, "{}", garbage.body);
}
