//! The adapter against a scripted SWR.

mod management;
mod repositories;
mod signed;
mod tokens;

use portolan_sdk::{
    Auth, UpstreamError,
    http::Request,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

const BASE: &str = "https://swr.cn-north-4.myhuaweicloud.com";
/// `cn-north-4@AK` with the login key `key`.
const USER: &str = "Basic Y24tbm9ydGgtNEBBSzprZXk=";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/huawei-SWR.jsonl"))
}

fn user() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("cn-north-4@AK", "key")
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path).expect_header("Authorization", USER)
}

/// `/v2/` as it answers without a token.
fn ping() -> Exchange {
    let challenge =
        format!(r#"Bearer realm="{BASE}/swr/auth/v2/registry/auth",service="dockyard""#);
    let ping = Exchange::new("GET", "/v2/").expect_no_header("Authorization");
    ping.answer(401).header("WWW-Authenticate", &challenge)
}

fn token(query: &str) -> Exchange {
    Exchange::new("GET", &format!("{BASE}/swr/auth/v2/registry/auth?service=dockyard{query}"))
        .json(json!({"token": "t", "expires_in": 1800}))
}

/// An error as SWR writes it.
fn fault(exchange: Exchange, status: u16, code: &str, text: &str) -> Exchange {
    let errors = json!({"errors": [{"errorCode": code, "errorMessage": text}]});
    exchange.answer(status).json(errors)
}

/// What every listing and every management call must make of a bad answer.
fn bad_answers(asked: &Exchange) -> Vec<(Exchange, Fits)> {
    let asked = || asked.clone();
    let limited = asked().answer(429).header("Retry-After", "7");
    let page = asked().header("Content-Type", "text/html").text("<html>log in</html>");
    vec![
        (
            fault(asked(), 401, "SVCSTG.SWR.4010000", "Authenticate Error"),
            |e| matches!(e, Error::Unauthenticated(t) if t.contains("4010000: Authenticate Error")),
        ),
        (limited, |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7))),
        (asked().answer(503), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (page, |e| matches!(e, Error::MalformedResponse(t) if t.contains("web page"))),
        (asked().text("[{\"name\":"), |e| matches!(e, Error::MalformedResponse(_))),
        (asked().fails("denied-by-policy", "another host"), |e| matches!(e, Error::Transport(_))),
    ]
}

#[test]
fn describes_itself_without_a_host() {
    let info = HuaweiSwr::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("huawei-SWR", "Huawei SWR"));
    assert_eq!((info.min_components, info.max_components, info.can_push), (2, None, true));
    assert!((info.endpoints.is_none(), info.credentials.is_none()) == (true, true));
    assert_eq!(info.resources, ["image"]);
    let hosts: Vec<_> = info.allowed_hosts.iter().map(|h| (&*h.pattern, &*h.uses[0])).collect();
    let expected = [
        ("https://swr-api.{R}.myhuaweicloud.com", "signed"),
        ("https://*.obs.{R}.myhuaweicloud.com", "storage"),
    ];
    assert_eq!(hosts, expected);
    assert!(info.hint.contains("login key") && info.hint.contains("recorded"), "{}", info.hint);
    let schema: Value = serde_json::from_str(&info.settings_schema).expect("JSON");
    let names: Vec<&String> = schema["properties"].as_object().expect("an object").keys().collect();
    assert_eq!(names, ["max_chunk_bytes", "secret_is"]);
}

/// SWR answers 400 to an index of OCI, so the host is told before a byte is copied.
#[test]
fn an_index_of_oci_is_not_accepted() {
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    let host = user().exchange(fixtures().get("PUT", "/v2/team/app/manifests/v1")).start();
    let push = Request::put("/v2/team/app/manifests/v1").body(INDEX, b"{}".to_vec());
    let refused = push.send().expect("an answer").error();
    assert!(
        refused.text().ends_with("Invalid image, fail to parse 'manifest.json'"),
        "{refused:?}"
    );
    host.finish();
    let accepted = HuaweiSwr::describe().accepted_manifests;
    assert!(!accepted.iter().any(|kind| kind == INDEX));
    assert!(
        accepted.iter().any(|kind| kind.ends_with("docker.distribution.manifest.list.v2+json"))
    );
}

#[test]
fn nothing_is_mounted_and_a_proxy_may_ask_for_chunks() {
    for (settings, upload, chunk) in [
        (json!({}), "single-put", None),
        (json!({"max_chunk_bytes": 1_048_576}), "chunked", Some(1_048_576)),
    ] {
        let host = user().settings(&settings).start();
        let target = HuaweiSwr::locate(host.endpoint(), "team/app").expect("a target");
        assert_eq!((&*target.base_url, &*target.repository), (BASE, "team/app"));
        assert_eq!((&*target.upload, target.max_chunk_bytes), (upload, chunk));
        assert!(!target.mount);
        let short = HuaweiSwr::locate(host.endpoint(), "app").expect_err("no organisation");
        assert!(matches!(short, Error::InvalidInput(_)), "{short:?}");
    }
    let host = user().settings(&json!({"secret_is": "sk"})).start();
    assert!(HuaweiSwr::locate(host.endpoint(), "team/app").is_err());
}
