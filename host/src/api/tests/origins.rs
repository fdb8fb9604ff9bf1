//! Where a request came from: trusted proxies, client certificates, TLS, other sites; and what
//! every answer tells browsers.

use std::net::IpAddr;

use axum::{Router, body::Body};
use portolan_core::account::Role;
use serde_json::json;

use super::{Seen, host, request, send};
use crate::api::{ApiSettings, CertificateName, Peer, ProxyAuth, Secure, router};

const PROXY: &str = "10.0.0.1";
const STRANGER: &str = "192.0.2.1";
const ADA: (&str, &str) = ("x-remote-user", "ada");
const CURRENT: &str = "GET /api/v2.0/users/current";

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn behind_a_proxy() -> Router {
    let proxy_auth = ProxyAuth {
        header: "x-remote-user".parse().unwrap(),
        role_header: None,
        roles: [].into(),
        default_role: Some(Role::Operator),
    };
    let settings = ApiSettings {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        proxy_auth: Some(proxy_auth),
        certificate_users: true,
        ..ApiSettings::default()
    };
    router(host().await, settings)
}

/// A request as a listener hands it on.
struct From<'a> {
    peer: &'a str,
    certificate: Option<&'a str>,
    secure: bool,
}

impl From<'_> {
    async fn ask(&self, api: &Router, line: &str, headers: &[(&str, &str)], body: &str) -> Seen {
        let mut request = request(line).header("host", "portolan.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        let extensions = request.extensions_mut();
        extensions.insert(Peer(self.peer.parse::<IpAddr>().unwrap()));
        if let Some(name) = self.certificate {
            extensions.insert(CertificateName(name.into()));
        }
        if self.secure {
            extensions.insert(Secure);
        }
        send(api.clone(), request).await
    }
}

const fn from(peer: &str) -> From<'_> {
    From { peer, certificate: None, secure: false }
}

#[tokio::test]
async fn a_proxy_names_users_and_nobody_else_does() {
    let api = behind_a_proxy().await;
    let named = from(PROXY).ask(&api, CURRENT, &[ADA], "").await;
    assert!(named.status == 200 && named.body.contains("\"username\":\"ada\""), "{}", named.body);
    assert!(named.body.contains("\"user_id\":0"), "{}", named.body);
    let who = "GET /api/portolan/v1/sessions/current";
    let who = from(PROXY).ask(&api, who, &[ADA], "").await;
    let who: serde_json::Value = serde_json::from_str(&who.body).unwrap();
    assert_eq!(who, json!({"name": "ada", "role": "operator", "kind": "proxy"}));
    let users = from(PROXY).ask(&api, "GET /api/portolan/v1/users", &[ADA], "").await;
    assert_eq!(users.status, 403, "an operator is no administrator");
    let own = "PUT /api/portolan/v1/users/current/password";
    let own = from(PROXY).ask(&api, own, &[ADA], "{}").await;
    assert_eq!(own.status, 412, "{}", own.body);
    // What the proxy passes on besides does not matter.
    let password = ("authorization", "Basic YWRhOnNlY3JldA==");
    assert_eq!(from(PROXY).ask(&api, CURRENT, &[ADA, password], "").await.status, 200);
    assert_eq!(from(PROXY).ask(&api, CURRENT, &[], "").await.status, 401);
    let forwarded = ("x-forwarded-for", PROXY);
    assert_eq!(from(STRANGER).ask(&api, CURRENT, &[ADA, forwarded], "").await.status, 401);
}

#[tokio::test]
async fn guessers_behind_a_proxy_are_told_apart() {
    let api = behind_a_proxy().await;
    let wrong = ("authorization", "Basic YWRtaW46d3Jvbmc=");
    let ask = async |client| {
        from(PROXY).ask(&api, CURRENT, &[wrong, ("x-forwarded-for", client)], "").await.status
    };
    for _ in 0..5 {
        assert_eq!(ask("198.51.100.7, 192.0.2.1").await, 401);
    }
    assert_eq!(ask("203.0.113.9, 192.0.2.1").await, 429, "what the client says is not believed");
    assert_eq!(ask("192.0.2.2").await, 401);
}

#[tokio::test]
async fn a_certificate_logs_in_its_user_where_nothing_else_is_presented() {
    let api = behind_a_proxy().await;
    let shows = |name| From { peer: STRANGER, certificate: Some(name), secure: true };
    let cases: [(&str, Headers<'_>, u16); 4] = [
        ("admin", &[], 200),
        ("nobody", &[], 401),
        ("admin", &[("authorization", "Basic !!!")], 401),
        ("admin", &[("authorization", "Basic YWRtaW46d3Jvbmc=")], 401),
    ];
    for (name, headers, status) in cases {
        let seen = shows(name).ask(&api, CURRENT, headers, "").await;
        assert_eq!(seen.status, status, "{name} {headers:?}: {}", seen.body);
    }
    let unwanted = router(host().await, ApiSettings::default());
    assert_eq!(shows("admin").ask(&unwanted, CURRENT, &[], "").await.status, 401);
}

#[tokio::test]
async fn pages_of_other_sites_cannot_use_what_a_browser_brings_along() {
    let api = behind_a_proxy().await;
    let stop = "PUT /api/v2.0/replication/executions/1";
    let cases = [
        ("https://evil.example.com", 403),
        ("null", 403),
        ("https://portolan.example.com:8443", 403),
        ("https://portolan.example.com", 404),
    ];
    for (origin, status) in cases {
        let seen = from(PROXY).ask(&api, stop, &[ADA, ("origin", origin)], "").await;
        assert_eq!(seen.status, status, "{origin}: {}", seen.body);
    }
}

#[tokio::test]
async fn cookies_and_hsts_follow_the_way_people_come() {
    let api = behind_a_proxy().await;
    let https = ("x-forwarded-proto", "https");
    let login = r#"{"username": "admin", "password": "right"}"#;
    let own_tls = From { peer: STRANGER, certificate: None, secure: true };
    let cases: [(From<'_>, Headers<'_>, bool); 5] = [
        (from(PROXY), &[https], true),
        (from(PROXY), &[], false),
        (from(PROXY), &[("x-forwarded-proto", "https, http")], false),
        (from(STRANGER), &[https], false),
        (own_tls, &[], true),
    ];
    for (from, headers, secure) in cases {
        let seen = from.ask(&api, "POST /api/portolan/v1/sessions", headers, login).await;
        let cookie = seen.headers["set-cookie"].to_str().unwrap();
        assert_eq!(cookie.starts_with("__Host-"), secure, "{} {headers:?}: {cookie}", from.peer);
        assert_eq!(cookie.contains("; Secure"), secure, "{} {headers:?}: {cookie}", from.peer);
        let hsts = seen.headers.contains_key("strict-transport-security");
        assert_eq!(hsts, secure, "{} {headers:?}", from.peer);
        let cookie = cookie.split(';').next().unwrap();
        let again = [headers, &[("cookie", cookie)]].concat();
        let seen = from.ask(&api, "GET /api/portolan/v1/sessions/current", &again, "").await;
        assert_eq!(seen.status, 200, "{} {headers:?}", from.peer);
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let api = behind_a_proxy().await;
    for line in [CURRENT, "GET /api/v2.0/ping", "GET /nothing", "PATCH /api/v2.0/ping"] {
        let seen = from(STRANGER).ask(&api, line, &[], "").await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(seen.headers[name], value, "{line}");
        }
        assert!(!seen.headers.contains_key("strict-transport-security"), "{line}");
    }
}
