//! Who may do what: every route with every role, passwords, tokens and console sessions.

use std::collections::BTreeSet;

use axum::{Router, body::Body};
use portolan_core::{
    account::Role::{self, Admin, Operator, Viewer},
    secret::Secret,
};
use serde_json::{Value, json};

use super::{Seen, host, request, send};
use crate::{
    TokenSpec,
    api::{ApiSettings, auth, router},
    host::Host,
};

/// Every route, and the least role it needs; `None` is everybody.
pub(super) const ROUTES: &[(&str, Option<Role>)] = &[
    ("GET /", None),
    ("GET /console/{release}/{*file}", None),
    ("GET /openapi.json", None),
    ("GET /docs", None),
    ("GET /api/version", None),
    ("GET /api/v2.0/ping", None),
    ("GET /api/v2.0/health", None),
    ("GET /api/v2.0/systeminfo", None),
    ("GET /v2/", Some(Viewer)),
    ("GET /api/v2.0/systeminfo/volumes", Some(Admin)),
    ("GET /api/v2.0/systeminfo/getcert", None),
    ("GET /api/v2.0/users/current", Some(Viewer)),
    ("GET /api/v2.0/users/current/permissions", Some(Viewer)),
    ("GET /api/v2.0/permissions", Some(Admin)),
    ("GET /api/v2.0/configurations", Some(Admin)),
    ("PUT /api/v2.0/configurations", Some(Admin)),
    ("GET /api/v2.0/schedules", Some(Viewer)),
    ("GET /api/v2.0/schedules/{job_type}/paused", Some(Viewer)),
    ("GET /api/v2.0/statistics", Some(Viewer)),
    ("GET /api/v2.0/projects", None),
    ("HEAD /api/v2.0/projects", None),
    ("POST /api/v2.0/projects", Some(Admin)),
    ("GET /api/v2.0/repositories", None),
    ("GET /api/v2.0/labels", Some(Viewer)),
    ("GET /api/v2.0/registries", Some(Viewer)),
    ("POST /api/v2.0/registries", Some(Admin)),
    ("POST /api/v2.0/registries/ping", Some(Admin)),
    ("GET /api/v2.0/registries/{id}", Some(Viewer)),
    ("PUT /api/v2.0/registries/{id}", Some(Admin)),
    ("DELETE /api/v2.0/registries/{id}", Some(Admin)),
    ("GET /api/v2.0/registries/{id}/info", Some(Viewer)),
    ("GET /api/v2.0/replication/adapters", Some(Viewer)),
    ("GET /api/v2.0/replication/adapterinfos", Some(Viewer)),
    ("GET /api/v2.0/replication/policies", Some(Viewer)),
    ("POST /api/v2.0/replication/policies", Some(Admin)),
    ("GET /api/v2.0/replication/policies/{id}", Some(Viewer)),
    ("PUT /api/v2.0/replication/policies/{id}", Some(Admin)),
    ("DELETE /api/v2.0/replication/policies/{id}", Some(Admin)),
    ("GET /api/v2.0/replication/executions", Some(Viewer)),
    ("POST /api/v2.0/replication/executions", Some(Operator)),
    ("GET /api/v2.0/replication/executions/{id}", Some(Viewer)),
    ("PUT /api/v2.0/replication/executions/{id}", Some(Operator)),
    ("GET /api/v2.0/replication/executions/{id}/tasks", Some(Viewer)),
    ("GET /api/v2.0/replication/executions/{id}/tasks/{task_id}/log", Some(Viewer)),
    ("GET /metrics", Some(Viewer)),
    ("GET /api/portolan/v1/version", Some(Viewer)),
    ("GET /api/portolan/v1/executions/{id}/tasks/{task_id}/log", Some(Viewer)),
    ("POST /api/portolan/v1/executions/{id}/retry", Some(Operator)),
    ("GET /api/portolan/v1/executions/{id}/events", Some(Viewer)),
    ("GET /api/portolan/v1/events", Some(Viewer)),
    ("GET /api/portolan/v1/audit", Some(Admin)),
    ("POST /api/portolan/v1/backup", Some(Admin)),
    ("POST /api/portolan/v1/key/rotate", Some(Admin)),
    ("GET /api/portolan/v1/policies/{id}/plan", Some(Viewer)),
    ("POST /api/portolan/v1/policies/{id}/plan", Some(Viewer)),
    ("POST /api/portolan/v1/plans", Some(Viewer)),
    ("GET /api/portolan/v1/endpoints", Some(Viewer)),
    ("POST /api/portolan/v1/endpoints", Some(Admin)),
    ("GET /api/portolan/v1/endpoints/{id}", Some(Viewer)),
    ("PUT /api/portolan/v1/endpoints/{id}", Some(Admin)),
    ("GET /api/portolan/v1/endpoints/{id}/repositories", Some(Viewer)),
    ("GET /api/portolan/v1/endpoints/{id}/repositories/{name}/artifacts", Some(Viewer)),
    ("GET /api/portolan/v1/endpoints/{id}/repositories/{name}/artifacts/{reference}", Some(Viewer)),
    ("GET /api/portolan/v1/endpoints/{id}/webhook", Some(Operator)),
    ("GET /api/portolan/v1/endpoints/{id}/limits", Some(Viewer)),
    ("POST /hooks/{id}", None),
    ("POST /hooks/{id}/{token}", None),
    ("GET /api/portolan/v1/plugins", Some(Viewer)),
    ("POST /api/portolan/v1/plugins", Some(Admin)),
    ("GET /api/portolan/v1/plugins/{digest}", Some(Viewer)),
    ("DELETE /api/portolan/v1/plugins/{digest}", Some(Admin)),
    ("POST /api/portolan/v1/plugins/{digest}/approve", Some(Admin)),
    ("POST /api/portolan/v1/plugins/{digest}/revoke", Some(Admin)),
    ("GET /api/portolan/v1/users", Some(Admin)),
    ("POST /api/portolan/v1/users", Some(Admin)),
    ("PUT /api/portolan/v1/users/{id}", Some(Admin)),
    ("DELETE /api/portolan/v1/users/{id}", Some(Admin)),
    ("PUT /api/portolan/v1/users/current/password", Some(Viewer)),
    ("GET /api/portolan/v1/tokens", Some(Admin)),
    ("POST /api/portolan/v1/tokens", Some(Admin)),
    ("DELETE /api/portolan/v1/tokens/{id}", Some(Admin)),
    ("POST /api/portolan/v1/sessions", None),
    ("GET /api/portolan/v1/sessions/current", Some(Viewer)),
    ("DELETE /api/portolan/v1/sessions/current", Some(Viewer)),
];

/// A token's text for each role: `portolan_ROLE`.
pub(super) async fn tokens(host: &Host) -> Vec<(Role, String)> {
    let mut made = Vec::new();
    for role in [Viewer, Operator, Admin] {
        let text = format!("portolan_{role}");
        let spec = TokenSpec {
            name: format!("t-{role}").parse().unwrap(),
            role,
            created_by: "admin".to_owned(),
            expires: None,
            digest: auth::digest(&Secret::new(text.clone())),
        };
        host.create_token(spec).await.unwrap();
        made.push((role, text));
    }
    made
}

pub(super) async fn with(api: &Router, line: &str, headers: &[(&str, &str)], body: &Value) -> Seen {
    let mut request = request(line).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(api.clone(), request.body(Body::from(body.to_string())).unwrap()).await
}

/// The cookie of a new session.
pub(super) async fn log_in(api: &Router, name: &str, password: &str) -> String {
    let login = json!({"username": name, "password": password});
    let seen = with(api, "POST /api/portolan/v1/sessions", &[], &login).await;
    let cookie = seen.headers["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

pub(super) fn real(line: &str) -> String {
    let digest = format!("sha256:{}", "0".repeat(64));
    let line = line.replace("{id}", "987").replace("{task_id}", "1").replace("{job_type}", "all");
    let line = line.replace("{digest}", &digest).replace("{token}", "t");
    line.replace("{name}", "a%2Fb").replace("{reference}", "1.0")
}

#[tokio::test]
async fn every_route_asks_for_its_role() {
    let host = host().await;
    let tokens = tokens(&host).await;
    let api = router(host, ApiSettings::default());
    for (line, least) in ROUTES {
        let path = real(line);
        let anonymous = with(&api, &path, &[], &json!({})).await.status;
        // These look at proofs of their own.
        let own = line.ends_with("/sessions") || line.contains(" /hooks/");
        let refused = least.is_some() || own;
        assert_eq!(anonymous == 401, refused, "{line} {anonymous}");
        for (role, token) in &tokens {
            let bearer = format!("Bearer {token}");
            let seen = with(&api, &path, &[("authorization", &bearer)], &json!({})).await;
            let forbidden = least.is_some_and(|least| *role < least);
            assert_eq!(seen.status == 403, forbidden, "{line} {role}: {}", seen.body);
            assert!(seen.status != 401 || own, "{line} {role}");
            if forbidden {
                assert!(seen.body.contains(&format!("robot$t-{role}")), "{}", seen.body);
            }
        }
    }
}

/// A route without a row above would be one that nobody asked whether it may be used.
#[test]
fn every_route_is_in_the_table() {
    let sources = [
        ("v2(\"", "/api/v2.0", include_str!("../harbor.rs")),
        ("v1(\"", "/api/portolan/v1", include_str!("../admin.rs")),
        ("route(\"", "", include_str!("../harbor.rs")),
        ("route(\"", "", include_str!("../admin.rs")),
        ("route(\"", "", include_str!("../openapi.rs")),
        ("route(\"", "", include_str!("../console.rs")),
        ("route(\"", "", include_str!("../hooks.rs")),
    ];
    let known: BTreeSet<&str> =
        ROUTES.iter().filter_map(|(line, _)| Some(line.split_once(' ')?.1)).collect();
    let mut found = 0;
    for (mark, prefix, source) in sources {
        for rest in source.split(mark).skip(1) {
            let path = format!("{prefix}{}", rest.split('"').next().unwrap());
            assert!(known.contains(path.as_str()), "add {path} to ROUTES, with each method it has");
            found += 1;
        }
    }
    assert!(found > 25, "{found} routes are read from the sources");
}

pub(super) fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

pub(super) fn body(seen: &Seen) -> Value {
    serde_json::from_str(&seen.body).unwrap_or_else(|error| panic!("{error}: {}", seen.body))
}

#[tokio::test]
async fn users_are_made_changed_and_deleted() {
    let api = router(host().await, ApiSettings::default());
    let admin = basic("admin", "right");
    let ask = async |line: &str, who: &str, body: Value| {
        with(&api, line, &[("authorization", who)], &body).await
    };
    let ada = json!({"name": "ada", "password": "first", "role": "operator"});
    let made = ask("POST /api/portolan/v1/users", &admin, ada.clone()).await;
    assert_eq!((made.status, &body(&made)["role"]), (201, &json!("operator")));
    assert_eq!(made.headers["location"], "/api/portolan/v1/users/2");
    assert!(!made.body.contains("argon2") && !made.body.contains("first"));
    let cases = [
        (ada, 409, "taken"),
        (json!({"name": "Bob", "password": "x"}), 400, "no name"),
        (json!({"name": "bob", "password": ""}), 400, "1 to 1024"),
        (json!({"name": "bob", "password": "x", "role": "king"}), 422, "unknown variant `king`"),
    ];
    for (user, status, words) in cases {
        let seen = ask("POST /api/portolan/v1/users", &admin, user).await;
        assert_eq!(seen.status, status, "{}", seen.body);
        assert!(seen.body.contains(words), "{}", seen.body);
    }
    let mine = ask("GET /api/v2.0/users/current", &basic("ada", "first"), json!(null)).await;
    let mine = body(&mine);
    assert_eq!((&mine["username"], &mine["user_id"]), (&json!("ada"), &json!(2)));
    assert_eq!(mine["sysadmin_flag"], false);
    let own = "PUT /api/portolan/v1/users/current/password";
    let change = json!({"old_password": "wrong", "new_password": "second"});
    assert_eq!(ask(own, &basic("ada", "first"), change).await.status, 400);
    let change = json!({"old_password": "first", "new_password": "second"});
    assert_eq!(ask(own, &basic("ada", "first"), change).await.status, 200);
    let old = ask("GET /api/v2.0/registries", &basic("ada", "first"), json!(null)).await;
    let new = ask("GET /api/v2.0/registries", &basic("ada", "second"), json!(null)).await;
    assert_eq!((old.status, new.status), (401, 200));
    let last = ask("DELETE /api/portolan/v1/users/1", &admin, json!(null)).await;
    assert_eq!(last.status, 412, "{}", last.body);
    let role = ask("PUT /api/portolan/v1/users/2", &admin, json!({"role": "admin"})).await;
    assert_eq!((role.status, &body(&role)["role"]), (200, &json!("admin")));
    assert_eq!(ask("DELETE /api/portolan/v1/users/1", &admin, json!(null)).await.status, 200);
    assert_eq!(ask("GET /api/v2.0/registries", &admin, json!(null)).await.status, 401);
}

#[tokio::test]
async fn tokens_are_shown_once_and_work_in_both_forms_until_they_end() {
    let api = router(host().await, ApiSettings::default());
    let admin = basic("admin", "right");
    let ask = async |line: &str, who: &str, body: Value| {
        with(&api, line, &[("authorization", who)], &body).await
    };
    let made = ask("POST /api/portolan/v1/tokens", &admin, json!({"name": "ci"})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let secret = body(&made)["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("portolan_") && secret.len() == 73, "{secret}");
    for who in [format!("Bearer {secret}"), basic("robot$ci", &secret)] {
        assert_eq!(ask("GET /api/v2.0/registries", &who, json!(null)).await.status, 200);
        let current = ask("GET /api/v2.0/users/current", &who, json!(null)).await;
        assert_eq!(current.status, 412, "{}", current.body);
    }
    let wrong = ask("GET /api/v2.0/registries", "Bearer portolan_wrong", json!(null)).await;
    assert_eq!(wrong.status, 401);
    let listed = ask("GET /api/portolan/v1/tokens", &admin, json!(null)).await;
    assert!(!listed.body.contains(&secret) && listed.body.contains("last_used"));
    assert!(body(&listed)[0]["last_used"].is_string(), "{}", listed.body);
    let past = json!({"name": "old", "expires": "2020-01-01T00:00:00Z"});
    assert_eq!(ask("POST /api/portolan/v1/tokens", &admin, past).await.status, 400);
    assert_eq!(ask("DELETE /api/portolan/v1/tokens/1", &admin, json!(null)).await.status, 200);
    let gone = ask("GET /api/v2.0/registries", &format!("Bearer {secret}"), json!(null)).await;
    assert_eq!(gone.status, 401);
}

#[tokio::test]
async fn a_console_session_changes_things_only_with_its_second_proof() {
    let https = Some("https://portolan.example.com".to_owned());
    let settings = ApiSettings { external_url: https, ..ApiSettings::default() };
    let api = router(host().await, settings);
    let login = |password: &str| json!({"username": "admin", "password": password});
    let sessions = "POST /api/portolan/v1/sessions";
    assert_eq!(with(&api, sessions, &[], &login("wrong")).await.status, 401);
    let seen = with(&api, sessions, &[], &login("right")).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    let cookie = seen.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; Secure") && cookie.contains("HttpOnly"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let csrf = body(&seen)["csrf"].as_str().unwrap().to_owned();
    let only = [("cookie", cookie)];
    let both = [("cookie", cookie), ("x-portolan-csrf", csrf.as_str())];
    assert_eq!(with(&api, "GET /api/v2.0/registries", &only, &json!(null)).await.status, 200);
    let token = json!({"name": "ci"});
    assert_eq!(with(&api, "POST /api/portolan/v1/tokens", &only, &token).await.status, 401);
    assert_eq!(with(&api, "POST /api/portolan/v1/tokens", &both, &token).await.status, 201);
    let current = "GET /api/portolan/v1/sessions/current";
    let seen = with(&api, current, &only, &json!(null)).await;
    assert_eq!(body(&seen), json!({"name": "admin", "role": "admin", "kind": "user"}));
    let ended = with(&api, "DELETE /api/portolan/v1/sessions/current", &both, &json!(null)).await;
    assert!(ended.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(with(&api, current, &only, &json!(null)).await.status, 401);
}

#[tokio::test]
async fn wrong_passwords_are_slowed_down() {
    let api = router(host().await, ApiSettings::default());
    let wrong = basic("admin", "wrong");
    let ask = async |who: &str| {
        with(&api, "GET /api/v2.0/registries", &[("authorization", who)], &json!(null)).await
    };
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(ask(&wrong).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    let even_right = ask(&basic("admin", "right")).await;
    assert_eq!(even_right.status, 429, "a guesser must not learn that it was right");
    assert!(even_right.body.contains("TOO_MANY_REQUEST"), "{}", even_right.body);
    assert_eq!(ask(&basic("nobody", "x")).await.status, 401);
    let public = with(&api, "GET /api/v2.0/ping", &[("authorization", &wrong)], &json!(null)).await;
    assert_eq!(public.status, 200);
}

#[tokio::test]
async fn passwords_guessed_at_once_count_like_those_guessed_in_turn() {
    let api = router(host().await, ApiSettings::default());
    let wrong = basic("admin", "wrong");
    let (headers, nothing) = ([("authorization", wrong.as_str())], json!(null));
    let guesses = (0..24).map(|_| with(&api, "GET /api/v2.0/registries", &headers, &nothing));
    let seen = futures_util::future::join_all(guesses).await;
    let looked_at = seen.iter().filter(|seen| seen.status == 401).count();
    // Two are hashed at once: the last that is free, and one beside it.
    assert!((5..=6).contains(&looked_at), "{looked_at}");
    assert!(seen.iter().all(|seen| [401, 429].contains(&seen.status)));
}

#[tokio::test]
async fn logins_are_short() {
    let api = router(host().await, ApiSettings::default());
    for (length, status) in [(1_000, 401), (9_000, 413)] {
        let login = json!({"username": "admin", "password": "x".repeat(length)});
        let seen = with(&api, "POST /api/portolan/v1/sessions", &[], &login).await;
        assert_eq!(seen.status, status, "{}", seen.body);
    }
}
