//! The router as a client meets it: what is refused before a handler runs, and who is let in.
//! `nouns` goes on with what the handlers do.

mod accounts;
mod nouns;
mod openapi;

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use base64::Engine;
use portolan_core::account::Role;
use tower::ServiceExt;

use super::{ApiSettings, Caller, auth, router};
use crate::{builder::HostBuilder, host::Host};

struct Seen {
    status: u16,
    headers: HeaderMap,
    body: String,
}

fn request(line: &str) -> axum::http::request::Builder {
    let (method, uri) = line.split_once(' ').unwrap();
    Request::builder().method(method).uri(uri)
}

/// Sends a request; what it is answered must be as the API's description says.
async fn send(router: Router, request: Request<Body>) -> Seen {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let sent = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let request = Request::from_parts(parts, Body::from(sent.clone()));
    let seen = answered(router, request).await;
    openapi::described::DESCRIBED.hold(&method, &path, &sent, &seen);
    seen
}

async fn answered(router: Router, request: Request<Body>) -> Seen {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let is_text =
        parts.headers.get("content-type").is_none_or(|it| it != "application/octet-stream");
    let body = if is_text { String::from_utf8(bytes.to_vec()).unwrap() } else { String::new() };
    Seen { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// A host in memory without adapters or endpoints; the administrator's password is `right`.
pub(super) async fn host() -> Host {
    with_admin(HostBuilder::in_memory().build().await.unwrap()).await
}

/// The same for another host.
async fn with_admin(host: Host) -> Host {
    // Hashing is slow on purpose; once is enough for all tests.
    static HASH: LazyLock<String> = LazyLock::new(|| auth::hash_password("right").unwrap());
    host.create_user(auth::ADMIN.parse().unwrap(), Role::Admin, HASH.clone()).await.unwrap();
    host
}

async fn api() -> Router {
    router(host().await, ApiSettings::default())
}

async fn ask(line: &str) -> Seen {
    send(api().await, request(line).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn ping_is_four_letters() {
    let seen = ask("GET /api/v2.0/ping").await;
    assert_eq!((seen.status, seen.body.as_str()), (200, "Pong"));
    assert_eq!(seen.headers["content-type"], "text/plain");
    let seen = ask("GET //api///v2.0/ping").await;
    assert_eq!(seen.body, "Pong");
    assert_eq!(ask("GET /api/version").await.body, "{\"version\":\"v2.0\"}\n");
}

#[tokio::test]
async fn what_is_refused_before_anybody_logs_in() {
    let cases = [
        ("GET /api/v2.0/nothing", 404, "NOT_FOUND", "path /api/v2.0/nothing was not found"),
        ("GET /", 404, "NOT_FOUND", "path / was not found"),
        ("GET /api/v2.0/replication/executions/1/tasks/1", 404, "NOT_FOUND", "tasks/1"),
        ("DELETE /api/v2.0/registries", 405, "METHOD_NOT_ALLOWED", "DELETE is not allowed"),
        ("POST /api/v2.0/registries/1", 405, "METHOD_NOT_ALLOWED", "GET,HEAD,PUT,DELETE"),
        ("PATCH /api/v2.0/ping", 405, "METHOD_NOT_ALLOWED", "PATCH is not allowed"),
        ("GET /api/v2.0/registries/abc", 422, "UNPROCESSABLE_ENTITY", "int64: \\\"abc\\\""),
        ("GET /api/v2.0/registries/ping", 422, "UNPROCESSABLE_ENTITY", "int64: \\\"ping\\\""),
        ("GET /api/v2.0/registries?page_size=101", 422, "UNPROCESSABLE_ENTITY", "page_size in q"),
        ("GET /api/v2.0/registries?page=x", 422, "UNPROCESSABLE_ENTITY", "page in query"),
        ("GET /api/v2.0/replication/executions?policy_id=x", 422, "UNPROCESSABLE_ENTITY", "id in"),
        ("POST /api/v2.0/registries", 422, "UNPROCESSABLE_ENTITY", "registry in body is required"),
        ("PUT /api/v2.0/registries/1", 422, "UNPROCESSABLE_ENTITY", "registry in body is"),
        ("POST /api/v2.0/registries/ping", 422, "UNPROCESSABLE_ENTITY", "registry in body is"),
        ("POST /api/v2.0/replication/policies", 422, "UNPROCESSABLE_ENTITY", "policy in body is"),
        ("POST /api/v2.0/replication/executions", 422, "UNPROCESSABLE_ENTITY", "execution in b"),
        ("GET /api/v2.0/registries", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/registries/1", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/registries?q=,", 401, "UNAUTHORIZED", "unauthorized"),
        ("DELETE /api/v2.0/registries/1", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/registries/1/info", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/adapters", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/adapterinfos", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/policies", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/policies/1", 401, "UNAUTHORIZED", "unauthorized"),
        ("DELETE /api/v2.0/replication/policies/1", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/executions", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/executions/1", 401, "UNAUTHORIZED", "unauthorized"),
        ("PUT /api/v2.0/replication/executions/1", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/executions/1/tasks", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/v2.0/replication/executions/1/tasks/1/log", 401, "UNAUTHORIZED", "unauth"),
        ("GET /api/v2.0/users/current", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/portolan/v1/plugins", 401, "UNAUTHORIZED", "unauthorized"),
        ("POST /api/portolan/v1/plugins", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/portolan/v1/version", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/portolan/v1/executions/1/tasks/1/log", 401, "UNAUTHORIZED", "unauthorized"),
        ("GET /api/portolan/v1/plugins/x", 422, "UNPROCESSABLE_ENTITY", "digest in path"),
    ];
    let api = api().await;
    for (line, status, code, message) in cases {
        let seen = send(api.clone(), request(line).body(Body::empty()).unwrap()).await;
        assert_eq!(seen.status, status, "{line}: {}", seen.body);
        assert!(seen.body.starts_with(&format!("{{\"errors\":[{{\"code\":\"{code}\"")), "{line}");
        assert!(seen.body.contains(message), "{line}: {}", seen.body);
        assert!(seen.body.ends_with("]}\n"), "{line}");
        assert_eq!(seen.headers["content-type"], "application/json; charset=utf-8", "{line}");
        assert_eq!(seen.headers["x-request-id"].len(), 36, "{line}");
        assert!(!seen.headers.contains_key("allow"), "{line}");
        assert!(!seen.headers.contains_key("www-authenticate"), "{line}");
    }
}

#[tokio::test]
async fn bodies_are_bound_before_anybody_logs_in() {
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    let path = "POST /api/v2.0/registries";
    let big = format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20));
    let cases = [
        (path, json, "{", 422, "parsing registry body from"),
        (path, json, "{\"insecure\":\"yes\"}", 422, "parsing registry body"),
        (path, json, "{\"creation_time\":\"yesterday\"}", 422, "no date-time"),
        (path, json, "[]", 422, "parsing registry body"),
        (path, form, "name=a", 422, "unsupported media type"),
        (path, json, big.as_str(), 413, "REQUEST_ENTITY_TOO_LARGE"),
        (path, json, "null", 401, "unauthorized"),
        (path, json, "{\"unknown\":1,\"id\":\"x\",\"url\":null}", 401, "unauthorized"),
        ("POST /api/v2.0/replication/executions", json, "{\"policy_id\":1.5}", 422, "execution"),
        ("GET /api/v2.0/registries", json, "null", 401, "unauthorized"),
        ("PUT /api/v2.0/replication/executions/1", json, "{}", 401, "unauthorized"),
        ("DELETE /api/v2.0/registries/1", json, "null", 401, "unauthorized"),
    ];
    let api = api().await;
    for (line, kind, body, status, expected) in cases {
        let request = request(line).header("content-type", kind).body(Body::from(body.to_owned()));
        let seen = send(api.clone(), request.unwrap()).await;
        assert_eq!(seen.status, status, "{line} {body:.40}: {}", seen.body);
        assert!(seen.body.contains(expected), "{line} {body:.40}: {}", seen.body);
    }
}

#[tokio::test]
async fn accept_is_obeyed() {
    let cases = [
        ("GET /api/v2.0/ping", "application/json", 422),
        ("GET /api/v2.0/ping", "text/plain", 200),
        ("GET /api/v2.0/health", "text/plain", 422),
        ("GET /api/v2.0/health", "*/*", 200),
        ("GET /api/v2.0/replication/executions/1/tasks/1/log", "application/json", 422),
    ];
    let api = api().await;
    for (line, accept, status) in cases {
        let request = request(line).header("accept", accept).body(Body::empty());
        assert_eq!(send(api.clone(), request.unwrap()).await.status, status, "{line} {accept}");
    }
}

#[tokio::test]
async fn request_ids_are_echoed_or_made() {
    let api = api().await;
    for (given, expected) in [("abc", Some("abc")), ("", None)] {
        let request = request("GET /api/v2.0/ping").header("x-request-id", given);
        let seen = send(api.clone(), request.body(Body::empty()).unwrap()).await;
        let id = seen.headers["x-request-id"].to_str().unwrap();
        match expected {
            Some(expected) => assert_eq!(id, expected),
            None => assert_eq!(id.len(), 36),
        }
    }
}

#[tokio::test]
async fn pages_of_other_sites_get_nothing() {
    let cases = [
        ("GET /api/v2.0/ping", Caller::Loopback, "localhost:8282", "", 200),
        ("GET /api/v2.0/ping", Caller::Loopback, "[::1]:8282", "", 200),
        ("GET /api/v2.0/ping", Caller::Loopback, "evil.example.com", "", 421),
        ("GET /api/v2.0/ping", Caller::Network, "evil.example.com", "", 200),
        ("GET /api/v2.0/ping", Caller::Loopback, "localhost", "cross-site", 200),
        ("PUT /api/v2.0/replication/executions/1", Caller::Network, "a", "cross-site", 403),
        ("PUT /api/v2.0/replication/executions/1", Caller::Network, "a", "same-origin", 401),
    ];
    let api = api().await;
    for (line, caller, host, site, status) in cases {
        let request = request(line).header("host", host).header("sec-fetch-site", site);
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(caller);
        let seen = send(api.clone(), request).await;
        assert_eq!(seen.status, status, "{line} {host} {site}");
    }
}

#[tokio::test]
async fn who_is_let_in() {
    let api = api().await;
    let cases = [
        ("GET /api/v2.0/users/current", Some("admin:right"), 200),
        ("GET /api/v2.0/users/current", Some("admin:right"), 200),
        ("GET /api/v2.0/users/current", Some("admin:wrong"), 401),
        ("GET /api/v2.0/users/current", Some("root:right"), 401),
        ("GET /api/v2.0/users/current", None, 401),
        ("GET /api/v2.0/ping", Some("admin:wrong"), 200),
        ("GET /api/v2.0/health", Some("admin:wrong"), 200),
        ("GET /api/v2.0/systeminfo", Some("admin:wrong"), 200),
        ("GET /api/portolan/v1/version", Some("admin:right"), 200),
    ];
    for (line, login, status) in cases {
        let mut request = request(line);
        if let Some(login) = login {
            let encoded = base64::engine::general_purpose::STANDARD.encode(login);
            request = request.header("authorization", format!("Basic {encoded}"));
        }
        let seen = send(api.clone(), request.body(Body::empty()).unwrap()).await;
        assert_eq!(seen.status, status, "{line} {login:?}: {}", seen.body);
    }
}
