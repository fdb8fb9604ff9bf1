//! The router as a client meets it: what is refused before a handler runs, and who is let in.
//! `contract` goes on with what clients of Harbor see.

mod accounts;
mod audit;
mod contract;
mod ended;
mod events;
mod hooks;
mod openapi;
mod origins;
mod plugins;

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use portolan_core::account::Role;
use tower::ServiceExt;

use super::{ApiSettings, Caller, auth, router};
use crate::{builder::HostBuilder, host::Host};

pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// An answer that may be no text, with its bytes.
pub(super) async fn send_raw(router: Router, request: Request<Body>) -> (Seen, Vec<u8>) {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let body = String::from_utf8_lossy(&bytes).into_owned();
    (Seen { status: parts.status.as_u16(), headers: parts.headers, body }, bytes)
}

pub(super) fn request(line: &str) -> axum::http::request::Builder {
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
    let bytes = match parts.headers.get("content-type") {
        // Goes on without end: the first event is enough.
        Some(kind) if kind == "text/event-stream" => first_frame(body).await,
        _ => axum::body::to_bytes(body, 1 << 20).await.unwrap(),
    };
    let is_text =
        parts.headers.get("content-type").is_none_or(|it| it != "application/octet-stream");
    let body = if is_text { String::from_utf8(bytes.to_vec()).unwrap() } else { String::new() };
    Seen { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn first_frame(mut body: Body) -> bytes::Bytes {
    let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    frame.into_data().unwrap()
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

pub(super) async fn api() -> Router {
    router(host().await, ApiSettings::default())
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
async fn pages_of_other_sites_ask_nothing_in_the_name_of_who_looks_at_them() {
    let api = api().await;
    let login = accounts::log_in(&api, "admin", "right").await;
    let basic = accounts::basic("admin", "right");
    let (cookie, password) = (("cookie", login.as_str()), ("authorization", basic.as_str()));
    let nothing = ("x-nothing", "");
    let cases = [
        ("GET /api/v2.0/registries", cookie, "same-origin", 200),
        ("GET /api/v2.0/registries", cookie, "none", 200),
        ("GET /api/v2.0/registries", cookie, "same-site", 403),
        ("GET /api/v2.0/registries", cookie, "cross-site", 403),
        ("HEAD /api/v2.0/registries", cookie, "cross-site", 403),
        ("GET /api/v2.0/registries", password, "cross-site", 403),
        ("GET /api/portolan/v1/events", cookie, "same-origin", 200),
        ("GET /api/portolan/v1/events", cookie, "same-site", 403),
        ("GET /api/portolan/v1/policies/1/plan", cookie, "same-site", 403),
        ("GET /api/portolan/v1/endpoints/1/repositories", cookie, "same-site", 403),
        ("GET /metrics", cookie, "same-site", 403),
        ("GET /v2/", password, "same-site", 403),
        ("GET /docs", cookie, "cross-site", 200),
        ("GET /api/v2.0/ping", nothing, "cross-site", 200),
        ("GET /api/v2.0/registries", nothing, "cross-site", 401),
    ];
    for (line, (name, value), site, status) in cases {
        let request = request(line).header("host", "a").header("sec-fetch-site", site);
        let request = request.header(name, value).body(Body::empty()).unwrap();
        let seen = send(api.clone(), request).await;
        assert_eq!(seen.status, status, "{line} {name} {site}: {}", seen.body);
    }
}
