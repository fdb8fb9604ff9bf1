//! Test Connection, and authority for the registry.

use super::*;

fn with_token(status: u16) -> Exchange {
    Exchange::new("GET", "/v2/").expect_header("Authorization", "Bearer t").answer(status)
}

#[test]
fn good_credentials_are_proven_by_a_token_that_the_registry_takes() {
    let asked = token("").expect_header("Authorization", USER);
    let host = user().exchanges([ping(), asked, with_token(200)]).start();
    let health = HuaweiSwr::check_health(host.endpoint()).expect("healthy");
    assert_eq!((health.authenticated, health.product.as_deref()), (true, Some("Huawei SWR")));
    host.finish();
    let host = ScriptedHost::new(BASE).exchange(ping()).start();
    let health = HuaweiSwr::check_health(host.endpoint()).expect("reachable");
    assert!(!health.authenticated);
}

/// Harbor's adapter calls every endpoint healthy.
#[test]
fn what_is_wrong_is_told_apart() {
    let code = ("SVCSTG.SWR.4010000", "Authenticate Error");
    let wrong: Fits = |e| {
        matches!(e, Error::Unauthenticated(t) if t.contains("`cn-north-4@AK`")
            && t.contains("Authenticate Error") && t.contains("login key") && !t.contains(":key"))
    };
    let mut cases: Vec<(Vec<Exchange>, Fits)> = vec![
        (vec![ping(), fault(token(""), 401, code.0, code.1)], wrong),
        (vec![ping(), fault(token(""), 403, code.0, code.1)], wrong),
        (vec![ping(), token(""), fault(with_token(403), 403, code.0, code.1)], wrong),
        (
            vec![ping(), token("").json(json!({"token": ""}))],
            |e| matches!(e, Error::MalformedResponse(t) if t.contains("no token")),
        ),
        (
            vec![Exchange::new("GET", "/v2/").text("<html>").header("Content-Type", "text/html")],
            |e| matches!(e, Error::MalformedResponse(t) if t.contains("is not a registry")),
        ),
        (vec![Exchange::new("GET", "/v2/").fails("connect", "refused")], |e| {
            matches!(e, Error::Transport(_))
        }),
    ];
    for (exchange, fits) in bad_answers(&token("")) {
        cases.push((vec![ping(), exchange], fits));
    }
    for (exchanges, fits) in cases {
        let shown = format!("{exchanges:?}");
        let host = user().exchanges(exchanges).start();
        let error = HuaweiSwr::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(fits(&error), "{error:?} for {shown}");
    }
}

/// The recorded token, which Harbor asks for without a service and with the actions the other way
/// round: neither has a meaning.
#[test]
fn a_token_is_kept_until_just_before_its_end() {
    const ASKED: &str = "/swr/auth/v2/registry/auth?scope=repository:team/app:pull,push";
    let realm = format!(r#"Bearer realm="{BASE}/swr/auth/v2/registry/auth""#);
    let bare = Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", &realm);
    let recorded = fixtures().get("GET", "/swr/auth").at(ASKED);
    let next = Exchange::new("GET", ASKED).json(json!({"token": "next", "expires_in": 1800}));
    let ping_again = bare.clone();
    let host = user().exchanges([bare, recorded, ping_again, next]).start();
    let push = || {
        let grant = HuaweiSwr::authorize(host.endpoint(), &[Scope::push("team/app")], None);
        let grant = grant.expect("a grant");
        (grant.auth, grant.expires)
    };
    let first = (Auth::Bearer("eyJ.s.w".to_owned()), Some(1_000_001_800));
    assert_eq!(push(), first);
    host.advance(500);
    assert_eq!(push(), first);
    host.advance(1_800 - 500 - 30);
    assert_eq!(push(), (Auth::Bearer("next".to_owned()), Some(1_000_003_570)));
}

/// A registry that moved its realm is believed, as far as the host allows: the address goes out
/// whole, with Basic, and the host refuses one that was not announced over verified TLS.
#[test]
fn another_realm_is_the_hosts_to_allow() {
    let elsewhere = r#"Bearer realm="https://auth.test/t",service="dockyard""#;
    let moved = Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", elsewhere);
    let asked =
        Exchange::new("GET", "https://auth.test/t?service=dockyard&scope=repository:a/b:pull")
            .expect_header("Authorization", USER)
            .fails("denied-by-policy", "not announced");
    let host = user().exchanges([moved, asked]).start();
    let refused = HuaweiSwr::authorize(host.endpoint(), &[Scope::pull("a/b")], None);
    assert!(matches!(refused, Err(Error::Transport(e)) if e.kind == "denied-by-policy"));
}
