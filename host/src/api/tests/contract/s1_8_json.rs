//! 1.8: JSON as it is written and read.

use axum::body::Body;
use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, RUNS, client, client_with_policy, policy};
use crate::api::tests::{Caller, request, send};

#[tokio::test]
async fn what_is_written() {
    let client = client_with_policy(json!({"description": "<a> & b"})).await;
    let seen = client.ask(&format!("GET {POLICIES}/1")).await;
    assert!(seen.body.contains("\"description\":\"<a> & b\""), "no HTML escapes: {}", seen.body);
    assert!(seen.body.ends_with("}\n") && !seen.body.ends_with("\n\n"), "one new line");
    let shown: Value = serde_json::from_str(&seen.body).unwrap();
    for absent in ["enabled", "override", "deletion", "replicate_deletion", "dest_namespace"] {
        assert_eq!(shown.get(absent), None, "zero is omitted: {absent}");
    }
    assert_eq!(shown["src_registry"].get("insecure"), None);
    assert_eq!(shown.get("filters"), Some(&Value::Null), "an unset array is null");
    let made = shown["creation_time"].as_str().unwrap();
    assert_eq!((made.len(), &made[10..11], &made[19..20], &made[23..]), (24, "T", ".", "Z"));
    let local = client.json(&format!("GET {REGISTRIES}/0")).await;
    assert_eq!(local["creation_time"], "0001-01-01T00:00:00.000Z", "unset times are year 1");
    for (path, expected) in [
        (format!("{REGISTRIES}?name=x"), "[]\n"),
        (format!("{POLICIES}?name=x"), "[]\n"),
        (RUNS.to_owned(), "[]\n"),
        ("/api/v2.0/replication/adapters".to_owned(), "[]\n"),
        ("/api/v2.0/replication/adapterinfos".to_owned(), "{}\n"),
    ] {
        assert_eq!(client.ask(&format!("GET {path}")).await.body, expected, "{path}");
    }
}

/// A property of a policy, its value, and whether it can be bound; null is absent.
#[tokio::test]
async fn what_is_read() {
    let client = client(2).await;
    let rows = [
        ("unknown", json!({"flavour": 1, "src_registry": {"id": 1, "flavour": 2}}), 201),
        ("null", json!({"description": null, "filters": null, "trigger": null}), 201),
        ("null", json!({"trigger": {"type": "manual", "trigger_settings": null}}), 201),
        ("null", json!({"enabled": null, "speed": null, "dest_registry": null}), 201),
        ("null", json!({"dest_namespace_replace_count": null, "deletion": null}), 201),
        ("wrong type", json!({"name": 1}), 422),
        ("wrong type", json!({"enabled": "true"}), 422),
        ("wrong type", json!({"enabled": 1}), 422),
        ("wrong type", json!({"filters": {}}), 422),
        ("wrong type", json!({"trigger": "manual"}), 422),
        ("wrong type", json!({"src_registry": {"id": "1"}}), 422),
        ("no integer", json!({"speed": 1.5}), 422),
        ("no integer", json!({"speed": 1.0}), 422),
        ("int8", json!({"dest_namespace_replace_count": 127}), 201),
        ("int8", json!({"dest_namespace_replace_count": -128}), 201),
        ("int8", json!({"dest_namespace_replace_count": 128}), 422),
        ("int8", json!({"dest_namespace_replace_count": -129}), 422),
        ("int32", json!({"speed": 2_147_483_647}), 201),
        ("int32", json!({"speed": 2_147_483_648_u64}), 422),
        ("int64", json!({"src_registry": {"id": 1e19}}), 422),
    ];
    for (number, (label, more, status)) in rows.into_iter().enumerate() {
        let body = policy(&format!("p{number}"), more.clone());
        let seen = client.send(&format!("POST {POLICIES}"), &body).await;
        assert_eq!(seen.status, status, "{label}: {more}: {}", seen.body);
    }
}

/// Harbor's own test script sends the text `null` along with everything.
#[tokio::test]
async fn bodies_that_nobody_reads() {
    let client = client_with_policy(json!({"enabled": true})).await;
    let start = json!({"policy_id": 1});
    let run = client.created(RUNS, &start).await;
    client.ended(&run).await;
    let rows = [
        ("GET", format!("GET {REGISTRIES}"), "null"),
        ("GET", format!("GET {POLICIES}/1"), "{\"name\":\"x\"}"),
        ("stop", format!("PUT {RUNS}/1"), "null"),
        ("stop", format!("PUT {RUNS}/1"), "{}"),
        ("stop", format!("PUT {RUNS}/1"), ""),
        ("DELETE", format!("DELETE {POLICIES}/1"), "null"),
        ("DELETE", format!("DELETE {REGISTRIES}/1"), "{"),
    ];
    for (label, line, body) in rows {
        let request = request(&line).header("content-type", "application/json");
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Caller::Owner);
        let seen = send(client.0.clone(), request).await;
        assert_eq!(seen.status, 200, "{label}: {body}: {}", seen.body);
    }
}
