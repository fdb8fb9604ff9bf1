//! The whole flow against a scripted host.

use serde_json::json;

use super::*;
use crate::testing::{Exchange, Running, ScriptedHost};

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

const USER: &str = "Basic dXNlcjpwYXNz";

fn host() -> ScriptedHost {
    ScriptedHost::new("https://r.test").credentials("user", "pass")
}

fn ping() -> Exchange {
    Exchange::new("GET", "/v2/").expect_no_header("Authorization").answer(401).header(
        "WWW-Authenticate",
        r#"Basic realm="x", Bearer realm="https://auth.test/token",service="S""#,
    )
}

fn token(query: &str) -> Exchange {
    Exchange::new("GET", &format!("https://auth.test/token?{query}"))
}

fn pull(host: &Running, repository: &str) -> Result<Grant> {
    Flow::new(host.endpoint()).authorize(&[Scope::pull(repository)], None)
}

fn bearer(grant: Result<Grant>) -> String {
    match grant.map(|grant| grant.auth) {
        Ok(Auth::Bearer(token)) => token,
        other => panic!("no token: {other:?}"),
    }
}

#[test]
fn one_ping_and_one_token_for_many_calls() {
    let asked = "service=S&scope=repository:a:pull";
    let host = host()
        .exchange(ping())
        .exchange(
            token(asked)
                .expect_header("Authorization", USER)
                .json(json!({"token": "one", "expires_in": 300})),
        )
        .exchange(token("service=S&scope=repository:b:pull").json(json!({"access_token": "b"})))
        .exchange(token(asked).json(json!({"token": "two", "expires_in": 300})))
        .start();
    let first = pull(&host, "a").expect("a grant");
    assert_eq!(first.expires, Some(1_000_000_300));
    assert_eq!(bearer(Ok(first)), "one");
    assert_eq!(bearer(pull(&host, "a")), "one");
    assert_eq!(bearer(pull(&host, "b")), "b");
    host.advance(269);
    assert_eq!(bearer(pull(&host, "a")), "one");
    host.advance(1);
    assert_eq!(bearer(pull(&host, "a")), "two");
}

#[test]
fn a_token_lives_a_minute_at_least() {
    for (answer, life) in [
        (json!({"token": "t"}), 60),
        (json!({"token": "t", "expires_in": 5}), 60),
        (json!({"token": "", "access_token": "t", "expires_in": "90"}), 90),
        (json!({"token": "t", "expires_in": 1800, "issued_at": "2001-01-01T00:00:00Z"}), 1800),
        (json!({"token": "t", "expires_in": null, "issued_at": null}), 60),
        (json!({"token": "t", "expires_in": 99_999_999}), 86_400),
    ] {
        let host = host()
            .exchanges([ping(), token("service=S&scope=repository:a:pull").json(answer)])
            .start();
        let grant = pull(&host, "a").expect("a grant");
        assert_eq!(grant.expires, Some(1_000_000_000 + life));
        assert_eq!(bearer(Ok(grant)), "t");
    }
}

#[test]
fn a_provider_that_never_says_has_a_life_of_its_own() {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"nbf":1563788000,"exp":1563790000}"#);
    let jwt = format!("e30.{claims}.s");
    for (answer, life) in [
        (json!({"access_token": "opaque"}), 4500),
        (json!({"access_token": jwt}), 2000),
        (json!({"access_token": jwt, "expires_in": 300}), 300),
    ] {
        let asked = token("service=S&scope=repository:a:pull");
        let host = host().exchanges([ping(), asked.json(answer)]).start();
        let flow = Flow::new(host.endpoint()).token_life(|token| jwt_life(token).unwrap_or(4500));
        let grant = flow.authorize(&[Scope::pull("a")], None).expect("a grant");
        assert_eq!(grant.expires, Some(1_000_000_000 + life));
    }
}

#[test]
fn a_challenge_is_learnt_and_its_scope_joined() {
    let host = host()
        .exchanges([
            ping(),
            token("service=S&scope=repository:a:pull").json(json!({"token": "old"})),
            Exchange::new(
                "GET",
                "https://new.test/t?service=N&scope=repository:a:pull,push&scope=repository:c:pull",
            )
            .json(json!({"token": "new"})),
            Exchange::new("GET", "https://new.test/t?service=N&scope=repository:b:pull")
                .json(json!({"token": "b"})),
        ])
        .start();
    assert_eq!(bearer(pull(&host, "a")), "old");
    let met = parse_challenges(
        r#"Bearer realm="https://new.test/t",service="N",scope="repository:c:pull repository:a:push""#,
    );
    let again = Flow::new(host.endpoint()).authorize(&[Scope::pull("a")], met.first());
    assert_eq!(bearer(again), "new");
    assert_eq!(bearer(pull(&host, "a")), "new");
    assert_eq!(bearer(pull(&host, "b")), "b");
}

#[test]
fn oauth2_puts_the_secret_into_the_body_and_falls_back() {
    let post = Exchange::new("POST", "https://auth.test/token")
        .expect_no_header("Authorization")
        .expect_header("Content-Type", "application/x-www-form-urlencoded")
        .expect_field("grant_type", "password")
        .expect_field("username", "user")
        .expect_field("password", "p&s")
        .expect_field("service", "S")
        .expect_field("client_id", "portolan")
        .expect_field("scope", "repository:a:pull,push repository:b:pull");
    let by_get = token("service=S&scope=repository:a:pull,push&scope=repository:b:pull");
    let form = Form::OAuth2 { client_id: "portolan".to_owned() };
    for (exchanges, expected) in [
        (vec![ping(), post.clone().json(json!({"access_token": "posted"}))], "posted"),
        (
            vec![ping(), post.clone().answer(404), by_get.clone().json(json!({"token": "got"}))],
            "got",
        ),
        (vec![ping(), post.answer(405), by_get.json(json!({"token": "got"}))], "got"),
    ] {
        let host = ScriptedHost::new("https://r.test").credentials("user", "p&s");
        let host = host.exchanges(exchanges).start();
        let flow = Flow::new(host.endpoint()).form(form.clone());
        let grant = flow.authorize(&[Scope::push("a"), Scope::pull("b")], None);
        assert_eq!(bearer(grant), expected);
    }
    let refresh = Exchange::new("POST", "https://auth.test/token")
        .expect_field("grant_type", "refresh_token")
        .expect_field("refresh_token", "r");
    let any_name = Form::RefreshToken { client_id: "portolan".to_owned() };
    for (user, form) in [("<token>", form), ("0000", any_name)] {
        let answer = refresh.clone().json(json!({"access_token": "refreshed"}));
        let host = ScriptedHost::new("https://r.test")
            .credentials(user, "r")
            .exchanges([ping(), answer])
            .start();
        assert_eq!(bearer(Flow::new(host.endpoint()).form(form).authorize(&[], None)), "refreshed");
    }
}

#[test]
fn a_temporary_login_takes_the_place_of_the_credentials() {
    let temporary = || Auth::temporary("cr_temp_user", "a:b");
    let sent = "Basic Y3JfdGVtcF91c2VyOmE6Yg==";
    let asked = token("service=S&scope=repository:a:pull").expect_header("Authorization", sent);
    let host = host().exchanges([ping(), asked.json(json!({"token": "t"}))]).start();
    let form = Form::OAuth2 { client_id: "portolan".to_owned() };
    let flow = Flow::new(host.endpoint()).form(form).login(temporary());
    assert_eq!(bearer(flow.authorize(&[Scope::pull("a")], None)), "t");
    let basic = parse_challenges("Basic realm=x");
    let grant = flow.authorize(&[Scope::pull("a")], basic.first());
    assert_eq!(grant.map(|grant| grant.auth), Ok(temporary()));
}

/// Harbor 2.x asks whoever sent a token that it refuses for the password.
#[test]
fn where_tokens_are_always_to_be_had_a_refused_one_is_replaced_by_another() {
    let asked = |token: &str| {
        Exchange::new("GET", "/service/token?service=S&scope=repository:a:pull")
            .json(json!({"token": token}))
    };
    let host = host().exchanges([ping(), asked("old"), asked("new")]).start();
    let flow = Flow::new(host.endpoint()).realm("/service/token");
    let basic = parse_challenges("Basic realm=\"harbor\"");
    for (met, expected) in [(None, "old"), (basic.first(), "new"), (None, "new")] {
        assert_eq!(bearer(flow.authorize(&[Scope::pull("a")], met)), expected);
    }
    host.finish();
}

#[test]
fn anonymous_basic_and_open_registries() {
    let basic = || Exchange::new("GET", "/v2/").answer(401).header("www-authenticate", "basic");
    let open = Exchange::new("GET", "/v2/").json(json!({}));
    let with = host().exchange(basic()).start();
    assert_eq!(pull(&with, "a").map(|g| g.auth), Ok(Auth::Basic));
    with.finish();
    let without = ScriptedHost::new("https://r.test").exchange(basic()).start();
    let refused = pull(&without, "a").expect_err("no credentials");
    assert!(matches!(&refused, Error::Unauthenticated(text) if text.contains("has none")));
    without.finish();
    let opened = host().exchange(open).start();
    assert_eq!(pull(&opened, "a").map(|g| g.auth), Ok(Auth::Anonymous));
    assert_eq!(pull(&opened, "a").map(|g| g.auth), Ok(Auth::Anonymous));
    opened.finish();
    let anonymous = ScriptedHost::new("https://r.test")
        .exchanges([
            ping(),
            token("service=S&scope=repository:a:pull")
                .expect_no_header("Authorization")
                .json(json!({"token": "t"})),
        ])
        .start();
    assert_eq!(bearer(pull(&anonymous, "a")), "t");
}

#[test]
fn a_relative_realm_is_taken_where_the_registry_answered() {
    let relative = Exchange::new("GET", "/v2/")
        .answer(401)
        .header("WWW-Authenticate", "Bearer realm=\"/auth?x=1\"")
        .answered_by("https://moved.test:8443/v2/");
    let asked = Exchange::new("GET", "https://moved.test:8443/auth?x=1&scope=repository:a:pull");
    let host = host().exchanges([relative, asked.json(json!({"token": "t"}))]).start();
    assert_eq!(bearer(pull(&host, "a")), "t");
}

#[test]
fn failures_say_what_failed() {
    let asked = || token("service=S&scope=repository:a:pull");
    let cases: Vec<(Exchange, Fits)> = vec![
        (asked().answer(401), |e| matches!(e, Error::Unauthenticated(t) if t.contains("`user`"))),
        (asked().answer(403), |e| matches!(e, Error::Forbidden(_))),
        (asked().answer(429).header("Retry-After", "3"), |e| matches!(e, Error::RateLimited(_))),
        (asked().answer(503), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (asked().answer(302), |e| matches!(e, Error::MalformedResponse(_))),
        (
            asked().text("<html>"),
            |e| matches!(e, Error::MalformedResponse(t) if t.contains("web page")),
        ),
        (asked().text("{\"token\":\"tr"), |e| matches!(e, Error::MalformedResponse(_))),
        (
            asked().json(json!({})),
            |e| matches!(e, Error::MalformedResponse(t) if t.contains("no token")),
        ),
        (asked().fails("denied-by-policy", "no"), |e| matches!(e, Error::Transport(_))),
    ];
    for (exchange, fits) in cases {
        let shown = format!("{exchange:?}");
        let host = host().exchanges([ping(), exchange]).start();
        let error = pull(&host, "a").expect_err("an error");
        assert!(fits(&error), "{error:?} for {shown}");
        assert!(!error.text().contains("pass"));
    }
}

#[test]
fn own_requests_answer_a_new_challenge_once() {
    let list = Exchange::new("GET", "/v2/_catalog");
    let challenged = list
        .clone()
        .expect_header("Authorization", "Bearer stale")
        .answer(401)
        .header("WWW-Authenticate", r#"Bearer realm="https://auth.test/token",service="S""#);
    let asked = || token("service=S&scope=registry:catalog:*");
    let host = host()
        .exchanges([
            ping(),
            asked().json(json!({"token": "stale"})),
            challenged,
            asked().json(json!({"token": "fresh"})),
            list.expect_header("Authorization", "Bearer fresh").answer(401),
        ])
        .start();
    let flow = Flow::new(host.endpoint());
    let answer = flow.send(Request::get("/v2/_catalog"), &[CATALOG.to_owned()]);
    assert_eq!(answer.expect("an answer").status(), 401);
}

#[test]
fn a_registry_is_told_from_other_servers() {
    let at = |status| Exchange::new("GET", "/v2/").answer(status);
    let version = ("Docker-Distribution-Api-Version", "registry/2.0");
    for (exchange, expected) in [
        (at(200).json(json!({})), true),
        (at(200).header(version.0, version.1), true),
        (at(200).text("<!doctype html>").header(version.0, version.1), false),
        (at(200).text("ok"), false),
        (at(200).json(json!([])), false),
        (at(401).header("WWW-Authenticate", "Basic"), true),
        (at(401).header(version.0, version.1), true),
        (at(401).text("log in"), false),
        (at(403).json(json!({"errors": [{"code": "DENIED"}]})), true),
        (at(404).text("404 page not found"), false),
        (at(302), false),
    ] {
        let shown = format!("{exchange:?}");
        let host = ScriptedHost::new("https://r.test").exchange(exchange).start();
        let probe = Flow::new(host.endpoint()).probe().expect("an answer");
        assert_eq!(probe.is_registry(), expected, "{shown}");
    }
}
