//! The audit log: every route that changes something leaves an entry, done or refused, and no
//! entry holds a secret.

use axum::Router;
use portolan_core::endpoint::{Credentials, EndpointSpec, Health};
use serde_json::{Value, json};

use super::{
    accounts::{ROUTES, basic, body, real, tokens, with},
    host,
};
use crate::{
    api::{ApiSettings, router},
    host::Host,
};

/// Routes whose method is that of a change, and that change nothing.
const CHANGE_NOTHING: [(&str, &str); 5] = [
    ("POST /hooks/{id}", "a webhook is nobody's change: it is logged and counted"),
    ("POST /hooks/{id}/{token}", "its address may be a secret"),
    ("DELETE /api/portolan/v1/sessions/current", "a token is in no session that could end"),
    ("POST /api/portolan/v1/policies/{id}/plan", "a plan copies and stores nothing"),
    ("POST /api/portolan/v1/plans", "a plan copies and stores nothing"),
];

async fn log(api: &Router, query: &str) -> Vec<Value> {
    let line = format!("GET /api/portolan/v1/audit?limit=1000&{query}");
    let admin = basic("admin", "right");
    let seen = with(api, &line, &[("authorization", &admin)], &json!(null)).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    body(&seen)["entries"].as_array().unwrap().clone()
}

pub(super) async fn store_endpoint(host: &Host, name: &str) {
    let spec = EndpointSpec::new(name, "none", "http://localhost:1".parse().unwrap());
    host.store_endpoint(spec, Credentials::default(), Health::Healthy).await.unwrap();
}

#[tokio::test]
async fn every_route_that_changes_something_leaves_an_entry() {
    let host = host().await;
    let tokens = tokens(&host).await;
    let api = router(host, ApiSettings::default());
    let mut changing = 0;
    let reads = |line: &str| line.starts_with("GET ") || line.starts_with("HEAD ");
    for (line, least) in ROUTES.iter().filter(|(line, _)| !reads(line)) {
        let excused = CHANGE_NOTHING.iter().any(|(excused, _)| excused == line);
        changing += usize::from(!excused);
        for (role, token) in &tokens {
            let (bearer, id) = (format!("Bearer {token}"), format!("{line} {role}"));
            let headers = [("authorization", bearer.as_str()), ("x-request-id", id.as_str())];
            let seen = with(&api, &real(line), &headers, &json!({"name": "x"})).await;
            let entries = log(&api, "").await;
            let of_request: Vec<&Value> =
                entries.iter().filter(|entry| entry["request"] == *id).collect();
            assert_eq!(of_request.len(), usize::from(!excused), "{id} {}", seen.status);
            let Some(entry) = of_request.first() else { continue };
            let outcome = if seen.status < 400 { "done" } else { "refused" };
            assert_eq!(entry["outcome"], outcome, "{id} {}: {}", seen.status, seen.body);
            assert_eq!(entry["action"], real(line), "{id}");
            assert_eq!(outcome == "done", entry["reason"] == "", "{entry}");
            if line.ends_with("/sessions") {
                continue;
            }
            assert_eq!(entry["who"], format!("robot$t-{role}"), "{id}");
            assert_eq!((&entry["role"], &entry["how"]), (&json!(role), &json!("token")), "{id}");
            assert!(!entry["noun"].as_str().unwrap().is_empty(), "{id}");
            if least.is_some_and(|least| *role < least) {
                assert_eq!(seen.status, 403, "{id}");
            }
        }
    }
    assert!(changing > 20, "{changing} routes change something");
}

#[tokio::test]
async fn a_change_is_told_with_both_sides_by_whom_and_without_secrets() {
    let host = host().await;
    store_endpoint(&host, "e").await;
    let api = router(host, ApiSettings::default());
    let admin = basic("admin", "right");
    let ask = async |line: &str, body: Value| {
        with(&api, line, &[("authorization", admin.as_str())], &body).await
    };
    let ada = json!({"name": "ada", "password": "hidden-word", "role": "operator"});
    assert_eq!(ask("POST /api/portolan/v1/users", ada).await.status, 201);
    let change = json!({"role": "viewer", "password": "hidden-too"});
    assert_eq!(ask("PUT /api/portolan/v1/users/2", change).await.status, 200);
    let made = ask("POST /api/portolan/v1/tokens", json!({"name": "ci"})).await;
    let secret = body(&made)["secret"].as_str().unwrap().to_owned();
    let policy = json!({"name": "p", "src_registry": {"id": 1}, "dest_registry": {"id": 1}});
    let policies = "/api/v2.0/replication/policies";
    assert_eq!(ask(&format!("POST {policies}"), policy).await.status, 201);
    assert_eq!(ask(&format!("DELETE {policies}/1"), json!(null)).await.status, 200);
    assert_eq!(ask("DELETE /api/v2.0/registries/1", json!(null)).await.status, 200);
    let entries = log(&api, "").await;
    let told: Vec<String> = entries
        .iter()
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap().to_owned();
            let sides = (it.get("before").is_some(), it.get("after").is_some());
            let secrets = it.get("secrets").map(ToString::to_string).unwrap_or_default();
            format!("{} {} {sides:?} {secrets}", text("noun"), text("noun_id"))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    endpoint 1 (true, false) 
    policy 1 (true, false) 
    policy 1 (false, true) 
    token 1 (false, true) 
    user 2 (true, true) {"password":"changed"}
    user 2 (false, true) {"password":"set"}
    "#);
    assert_eq!(
        (&entries[4]["before"]["role"], &entries[4]["after"]["role"]),
        (&json!("operator"), &json!("viewer"))
    );
    let all = Value::Array(entries).to_string();
    for hidden in ["hidden-word", "hidden-too", secret.as_str(), "argon2"] {
        assert!(!all.contains(hidden), "{hidden}");
    }
    assert_eq!(log(&api, "noun=user&id=2").await.len(), 2);
    assert_eq!(log(&api, "who=nobody").await.len(), 0);
}

#[tokio::test]
async fn failed_logins_are_noted_also_where_nothing_would_change() {
    let api = router(host().await, ApiSettings::default());
    let wrong = basic("ada", "guess");
    with(&api, "GET /api/v2.0/registries", &[("authorization", &wrong)], &json!(null)).await;
    with(&api, "GET /api/v2.0/registries", &[], &json!(null)).await;
    let wrong = [("authorization", "Bearer portolan_guess")];
    with(&api, "GET /api/v2.0/registries/7", &wrong, &json!(null)).await;
    let login = json!({"username": "bob", "password": "guess"});
    with(&api, "POST /api/portolan/v1/sessions", &[], &login).await;
    let login = json!({"username": "admin", "password": "right"});
    with(&api, "POST /api/portolan/v1/sessions", &[], &login).await;
    let entries = log(&api, "").await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            ["who", "how", "outcome", "noun", "reason"].map(|key| entry[key].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ["admin", "password", "done", "session", ""],
            ["bob", "password", "refused", "session", "unauthorized"],
            ["", "token", "refused", "endpoint", "unauthorized"],
            ["ada", "password", "refused", "endpoint", "unauthorized"],
        ]
    );
    assert!(!Value::Array(entries).to_string().contains("guess"));
}

#[tokio::test]
async fn sessions_are_noted_and_pages_of_other_sites_are_not() {
    let api = router(host().await, ApiSettings::default());
    let login = json!({"username": "admin", "password": "right"});
    let sessions = "POST /api/portolan/v1/sessions";
    let seen = with(&api, sessions, &[], &login).await;
    let cookie = seen.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let csrf = body(&seen)["csrf"].as_str().unwrap().to_owned();
    let own = [("cookie", cookie), ("x-portolan-csrf", csrf.as_str())];
    let end = "DELETE /api/portolan/v1/sessions/current";
    assert_eq!(with(&api, end, &own, &json!(null)).await.status, 200);
    let admin = basic("admin", "right");
    for line in [end, "DELETE /api/v2.0/registries/9"] {
        let foreign = [("authorization", admin.as_str()), ("sec-fetch-site", "cross-site")];
        assert_eq!(with(&api, line, &foreign, &json!(null)).await.status, 403, "{line}");
    }
    let told: Vec<_> = log(&api, "").await.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(told, [end, sessions]);
}
