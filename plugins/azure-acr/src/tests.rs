//! The adapter against a scripted registry: tokens, health, deletes; listings are in a file of
//! their own.

mod listing;
mod tokens;

use portolan_sdk::{
    Error,
    http::Request,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

/// Whether a call ended as expected.
type Ends = fn(&Result<()>) -> bool;

const BASE: &str = "https://contoso.azurecr.io";
const USER: &str = "Basic YTpi";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/azure-acr.jsonl"))
}

fn user() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("a", "b")
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path)
}

fn refused(exchange: Exchange, status: u16, code: &str, message: &str) -> Exchange {
    let envelope = json!({"errors": [{"code": code, "message": message, "detail": null}]});
    exchange.answer(status).json(envelope)
}

/// `GET /v2/` without credentials.
fn ping() -> Exchange {
    challenged().expect_no_header("Authorization")
}

fn challenged() -> Exchange {
    let challenge =
        r#"Bearer realm="https://contoso.azurecr.io/oauth2/token",service="contoso.azurecr.io""#;
    refused(get("/v2/"), 401, "UNAUTHORIZED", "required").header("WWW-Authenticate", challenge)
}

/// A token for `scope`; empty for one without.
fn token(scope: &str, token: &str) -> Exchange {
    let scope = if scope.is_empty() { String::new() } else { format!("&scope={scope}") };
    get(&format!("/oauth2/token?service=contoso.azurecr.io{scope}"))
        .expect_header("Authorization", USER)
        .json(json!({"access_token": token}))
}

fn with(exchange: Exchange, token: &str) -> Exchange {
    exchange.expect_header("Authorization", &format!("Bearer {token}"))
}

#[test]
fn describes_itself_without_a_host() {
    let info = AzureAcr::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("azure-acr", "Azure ACR"));
    assert_eq!((info.endpoints, info.credentials, info.can_push), (None, None, true));
    assert_eq!((info.min_components, info.max_components), (1, None));
    assert_eq!(info.resources, ["image", "artifact"]);
    let told = [("supported_copy_by_chunk", "true"), ("copies_visibility", "told")];
    assert_eq!(info.extra, told.map(|(name, value)| KeyValue::new(name, value)));
    assert_eq!(info.login_urls, ["/oauth2/token"]);
    assert!(info.allowed_hosts.iter().all(|host| host.uses == ["storage"]));
    assert_eq!(info.allowed_hosts.len(), 6);
    assert!(info.hint.contains("recorded"));
    serde_json::from_str::<Value>(&info.settings_schema).expect("a schema");
}

#[test]
fn health_proves_the_credentials() {
    let named = |exchange: Exchange| exchange.header("Server", "AzureContainerRegistry");
    let pong = || with(get("/v2/"), "t").json(json!({}));
    for (host, exchanges, authenticated, product) in [
        (user(), vec![ping(), token("", "t"), named(pong())], true, true),
        (user(), vec![ping(), token("", "t"), pong()], true, false),
        (ScriptedHost::new(BASE), vec![named(ping())], false, true),
    ] {
        let host = host.exchanges(exchanges).start();
        let health = AzureAcr::check_health(host.endpoint()).expect("healthy");
        assert_eq!((health.authenticated, health.product.is_some()), (authenticated, product));
    }
}

#[test]
fn ill_health_says_what_to_do() {
    let barred = |exchange| {
        let message = "client with IP '203.0.113.9' is not allowed access. Refer \
                       https://aka.ms/acr/firewall to grant access.";
        refused(exchange, 403, "DENIED", message)
    };
    let ours = || token("", "t");
    let pong = || with(get("/v2/"), "t");
    let cases: Vec<(Vec<Exchange>, Fits, &str)> = vec![
        (
            vec![ping(), refused(ours(), 401, "UNAUTHORIZED", "visit https://aka.ms/acr")],
            |e| matches!(e, Error::Unauthenticated(_)),
            "refused the credentials of `a`",
        ),
        (
            vec![ping(), ours(), with(challenged(), "t"), ours()],
            |e| matches!(e, Error::Unauthenticated(_)),
            "does not accept the credentials",
        ),
        (vec![barred(ping())], |e| matches!(e, Error::Forbidden(_)), "203.0.113.9"),
        (vec![ping(), barred(ours())], |e| matches!(e, Error::Forbidden(_)), "networking settings"),
        (
            vec![ping(), ours(), barred(pong())],
            |e| matches!(e, Error::Forbidden(_)),
            "acr/firewall",
        ),
        (
            vec![get("/v2/").json(json!({}))],
            |e| matches!(e, Error::MalformedResponse(_)),
            "`docker-registry`",
        ),
        (
            vec![get("/v2/").header("Content-Type", "text/html").text("<html>")],
            |e| matches!(e, Error::MalformedResponse(_)),
            "a web page",
        ),
        (
            vec![get("/v2/").text("<html>").answered_by("https://login.example/x")],
            |e| matches!(e, Error::MalformedResponse(_)),
            "is not a registry",
        ),
        (
            vec![ping(), ours().text("{\"access_token\":\"ey")],
            |e| matches!(e, Error::MalformedResponse(_)),
            "no usable JSON",
        ),
        (
            vec![ping(), ours().answer(429).header("Retry-After", "10")],
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(10)),
            "429",
        ),
        (
            vec![ping(), ours(), pong().answer(503)],
            |e| matches!(e, Error::Upstream(u) if u.retryable),
            "503",
        ),
        (
            vec![get("/v2/").fails("dns", "no such host")],
            |e| matches!(e, Error::Transport(_)),
            "no",
        ),
    ];
    for (exchanges, fits, words) in cases {
        let shown = format!("{exchanges:?}");
        let host = user().exchanges(exchanges).start();
        let error = AzureAcr::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(fits(&error) && error.text().contains(words), "{error:?} for {shown}");
    }
}

#[test]
fn blobs_go_up_in_chunks_that_the_registry_takes() {
    for (settings, expected) in [
        (json!({}), 4 << 20),
        (json!({"max_chunk_bytes": 8_388_608}), 8 << 20),
        (json!({"max_chunk_bytes": 1_073_741_824}), 16 << 20),
    ] {
        let host = user().settings(&settings).start();
        let target = AzureAcr::locate(host.endpoint(), "team/app").expect("a target");
        assert_eq!((&*target.base_url, &*target.repository), (BASE, "team/app"));
        assert_eq!((&*target.upload, target.max_chunk_bytes), ("chunked", Some(expected)));
        assert!(target.mount);
    }
    let host = user().settings(&json!({"upload": "single-put"})).start();
    let odd = AzureAcr::locate(host.endpoint(), "team/app");
    assert!(matches!(odd, Err(Error::InvalidInput(_))));
}

#[test]
fn nothing_is_prepared_and_nothing_becomes_public() {
    let host = user().start();
    let names = ["team/app".to_owned(), "base".to_owned()];
    assert_eq!(AzureAcr::prepare_targets(host.endpoint(), &names, &[]), [Ok(()), Ok(())]);
    assert!(host.logs().is_empty());
    let public = [KeyValue::new("visibility", "public")];
    assert_eq!(AzureAcr::prepare_targets(host.endpoint(), &names, &public), [Ok(()), Ok(())]);
    assert!(host.logs().iter().any(|line| line.contains("stays private")), "{:?}", host.logs());
}

#[test]
fn a_tag_is_deleted_alone() {
    let rights = || [ping(), token("repository:team/app:delete", "d")];
    let native = || with(fixtures().get("DELETE", "/acr/v1/team/app/_tags/v1"), "d");
    let absent = || native().answer(404).text("404 page not found");
    let plain = || with(Exchange::new("DELETE", "/v2/team/app/manifests/v1"), "d");
    let unknown = || refused(native(), 404, "TAG_UNKNOWN", "the specified tag does not exist");
    let locked = |exchange, status| refused(exchange, status, "UNSUPPORTED", "disallowed");
    let cases: Vec<(Vec<Exchange>, Ends)> = vec![
        (vec![native()], |r| r.is_ok()),
        (vec![unknown()], |r| r.is_ok()),
        (vec![absent(), plain().answer(202)], |r| r.is_ok()),
        (vec![absent(), plain().answer(404)], |r| r.is_ok()),
        (vec![absent(), plain().answer(404).text("<html>no such site</html>")], |r| {
            matches!(r, Err(Error::NotFound(_)))
        }),
        (vec![absent(), plain().answer(405)], |r| matches!(r, Err(Error::Unsupported(_)))),
        (vec![absent(), plain().answer(400)], |r| matches!(r, Err(Error::Unsupported(_)))),
        (
            vec![locked(native(), 405)],
            |r| matches!(r, Err(Error::Conflict(t)) if t.contains("disallowed; it is locked")),
        ),
        (vec![locked(native(), 409)], |r| matches!(r, Err(Error::Conflict(_)))),
        (vec![native().answer(403)], |r| matches!(r, Err(Error::Forbidden(_)))),
        (
            vec![native().answer(429).header("Retry-After", "2")],
            |r| matches!(r, Err(Error::RateLimited(l)) if l.retry_after_seconds == Some(2)),
        ),
        (vec![native().answer(500)], |r| matches!(r, Err(Error::Upstream(_)))),
        (
            vec![native().answer(401), token("", "t")],
            |r| matches!(r, Err(Error::Forbidden(t)) if t.contains("content/delete")),
        ),
    ];
    for (exchanges, fits) in cases {
        let shown = format!("{exchanges:?}");
        let host = user().exchanges(rights()).exchanges(exchanges).start();
        let result = AzureAcr::delete_tag(host.endpoint(), "team/app", "v1");
        assert!(fits(&result), "{result:?} for {shown}");
    }
    let host = user().start();
    let digest = AzureAcr::delete_tag(host.endpoint(), "team/app", "sha256:1");
    assert!(matches!(digest, Err(Error::InvalidInput(_))), "every tag on it would go");
}

#[test]
fn an_artifact_is_deleted_by_its_digest() {
    let path = "/v2/team/app/manifests/sha256:1";
    let cases: [(u16, Ends); 4] = [
        (202, |r| r.is_ok()),
        (404, |r| r.is_ok()),
        (405, |r| matches!(r, Err(Error::Conflict(_)))),
        (403, |r| matches!(r, Err(Error::Forbidden(_)))),
    ];
    for (status, fits) in cases {
        let rights = [ping(), token("repository:team/app:delete", "d")];
        let delete = with(Exchange::new("DELETE", path), "d").answer(status);
        let host = user().exchanges(rights).exchange(delete).start();
        let result = AzureAcr::delete_artifact(host.endpoint(), "team/app", "sha256:1");
        assert!(fits(&result), "{status}: {result:?}");
    }
    let host = user().start();
    let tag = AzureAcr::delete_artifact(host.endpoint(), "team/app", "v1");
    assert!(matches!(tag, Err(Error::InvalidInput(_))));
}

/// Rows that the adapter itself never asks for: the host's uploads, and Microsoft's own clients.
#[test]
fn rows_of_others_mean_what_they_say() {
    let host = user()
        .exchanges([
            fixtures().get("PUT", "/v2/team/app/blobs/uploads/u1"),
            fixtures().get("PUT", "/v2/team/app/manifests/v1"),
            fixtures().get("POST", "/oauth2/exchange"),
        ])
        .start();
    let digest = format!("sha256:{}", "1".repeat(64));
    let put = Request::put("/v2/team/app/blobs/uploads/u1").query("digest", digest);
    let large = put.send().expect("an answer").error();
    assert!(matches!(&large, Error::Upstream(u) if u.status == 413 && !u.retryable), "{large:?}");
    let busy = Request::put("/v2/team/app/manifests/v1").send().expect("an answer").error();
    assert!(matches!(&busy, Error::RateLimited(l) if l.retry_after_seconds == Some(10)));
    let fields = [
        ("grant_type", "access_token"),
        ("service", "contoso.azurecr.io"),
        ("tenant", "409520d4-8100-4d1d-ad47-000000000000"),
        ("access_token", "eyJ.e.n"),
    ];
    let exchanged = Request::post("/oauth2/exchange").form(&fields).send().expect("an answer");
    assert!(exchanged.text().contains("eyJ.r.t"));
    host.finish();
}

fn running(exchanges: impl IntoIterator<Item = Exchange>) -> Running {
    user().exchanges(exchanges).start()
}
