//! 1.4: headers of answers.

use axum::body::Body;
use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, RUNS, client_with_policy, policy};
use crate::api::tests::{api, request, send};

#[tokio::test]
async fn request_ids_are_echoed_or_made() {
    let api = api().await;
    let rows = [
        ("given", "GET /api/v2.0/ping", Some("abc"), Some("abc")),
        ("given, refused", "GET /api/v2.0/registries", Some("abc"), Some("abc")),
        ("given, no such path", "GET /nothing", Some("x y"), Some("x y")),
        ("empty", "GET /api/v2.0/ping", Some(""), None),
        ("absent", "GET /api/v2.0/ping", None, None),
        ("absent, refused", "PUT /api/v2.0/registries/x", None, None),
    ];
    for (label, line, given, expected) in rows {
        let mut request = request(line);
        if let Some(given) = given {
            request = request.header("x-request-id", given);
        }
        let seen = send(api.clone(), request.body(Body::empty()).unwrap()).await;
        let id = seen.headers["x-request-id"].to_str().unwrap();
        match expected {
            Some(expected) => assert_eq!(id, expected, "{label}"),
            None => {
                assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'), "{label}: a UUID v4");
            }
        }
    }
}

#[tokio::test]
async fn headers_of_answers() {
    let client = client_with_policy(json!({"enabled": true})).await;
    let none = Value::Null;
    let start = json!({"policy_id": 1});
    let location = "location";
    let rows = [
        ("Location", format!("POST {RUNS}"), start.clone(), location, Some(format!("{RUNS}/1"))),
        ("no slash", format!("POST {RUNS}?x=1"), start, location, Some(format!("{RUNS}/2"))),
        (
            "Location",
            format!("POST {POLICIES}"),
            policy("q", json!({})),
            location,
            Some(format!("{POLICIES}/2")),
        ),
        ("total", format!("GET {REGISTRIES}"), none.clone(), "x-total-count", Some("2".into())),
        ("total", format!("GET {POLICIES}"), none.clone(), "x-total-count", Some("2".into())),
        ("total", format!("GET {RUNS}"), none.clone(), "x-total-count", Some("2".into())),
        ("total", format!("GET {RUNS}/1/tasks"), none.clone(), "x-total-count", Some("0".into())),
        (
            "total of none",
            format!("GET {REGISTRIES}?name=x"),
            none.clone(),
            "x-total-count",
            Some("0".into()),
        ),
        ("one page", format!("GET {REGISTRIES}"), none.clone(), "link", None),
        (
            "JSON",
            format!("GET {REGISTRIES}/1"),
            none.clone(),
            "content-type",
            Some("application/json".into()),
        ),
        (
            "text",
            "GET /api/v2.0/ping".into(),
            none.clone(),
            "content-type",
            Some("text/plain".into()),
        ),
        ("no body", format!("PUT {POLICIES}/2"), policy("q", json!({})), "content-type", None),
        ("no body", format!("DELETE {POLICIES}/2"), none.clone(), "content-type", None),
        ("no ETag", format!("GET {REGISTRIES}/1"), none.clone(), "etag", None),
        (
            "adapters",
            "GET /api/v2.0/replication/adapters".into(),
            none.clone(),
            "x-total-count",
            None,
        ),
        (
            "adapterinfos",
            "GET /api/v2.0/replication/adapterinfos".into(),
            none,
            "x-total-count",
            None,
        ),
    ];
    for (label, line, body, name, expected) in rows {
        let seen = client.send(&line, &body).await;
        assert!(seen.status < 300, "{label}: {line}: {}", seen.body);
        let value = seen.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(value, expected, "{label}: {line}");
        if name == "content-type" && value.is_none() {
            assert_eq!(seen.body, "", "{label}");
        }
    }
}
