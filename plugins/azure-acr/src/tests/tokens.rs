//! Tokens: kept as long as they live, never for another address, replaced when they are refused.

use portolan_sdk::{Auth, token::parse_challenges};

use super::*;

fn pull(host: &Running, challenge: Option<&Challenge>) -> Result<Grant> {
    AzureAcr::authorize(host.endpoint(), &[Scope::pull("team/app")], challenge)
}

fn bearer(grant: Result<Grant>) -> String {
    match grant.map(|grant| grant.auth) {
        Ok(Auth::Bearer(token)) => token,
        other => panic!("no token: {other:?}"),
    }
}

/// Harbor asks for a token with each request, since the answers have no `issued_at`.
#[test]
fn a_token_is_kept_until_just_before_its_end() {
    let asked = || token("repository:team/app:pull", "one");
    // {"nbf":1000,"exp":2200}
    let short = "e30.eyJuYmYiOjEwMDAsImV4cCI6MjIwMH0.s";
    let host = running([
        ping(),
        asked(),
        ping(),
        token("repository:team/app:pull", short),
        ping(),
        token("repository:team/app:pull", "three"),
    ]);
    let first = pull(&host, None).expect("a grant");
    assert_eq!(first.expires, Some(1_000_004_500));
    host.advance(4469);
    assert_eq!(bearer(pull(&host, None)), "one");
    host.advance(1);
    assert_eq!(pull(&host, None).map(|grant| grant.expires), Ok(Some(1_000_005_670)));
    host.advance(1170);
    assert_eq!(bearer(pull(&host, None)), "three");
}

/// Harbor keeps the first token service for as long as the adapter lives.
#[test]
fn a_refused_token_and_a_moved_service_are_noticed() {
    let moved = "https://contoso2.azurecr.io/oauth2/token?service=S&scope=repository:team/app:pull";
    let host = running([
        ping(),
        token("repository:team/app:pull", "old"),
        get(moved).expect_header("Authorization", USER).json(json!({"access_token": "new"})),
    ]);
    assert_eq!(bearer(pull(&host, None)), "old");
    let met = r#"Bearer realm="https://contoso2.azurecr.io/oauth2/token",service="S""#;
    let challenge = parse_challenges(met).remove(0);
    assert_eq!(bearer(pull(&host, Some(&challenge))), "new");
    assert_eq!(bearer(pull(&host, None)), "new");
}

#[test]
fn writing_mounting_and_deleting_ask_for_what_they_need() {
    let scopes = "repository:base:pull&scope=repository:team/app:pull,push";
    let host = running([ping(), token(scopes, "mount")]);
    let asked = [Scope::pull("base"), Scope::push("team/app")];
    assert_eq!(bearer(AzureAcr::authorize(host.endpoint(), &asked, None)), "mount");
}

/// Harbor does not look at the status of the token service's answer.
#[test]
fn what_the_token_service_refuses_is_told() {
    let asked = || token("repository:team/app:pull", "t");
    let cases: Vec<(Exchange, Fits)> = vec![
        (
            refused(asked(), 401, "UNAUTHORIZED", "authentication required"),
            |e| matches!(e, Error::Unauthenticated(t) if t.contains("`a`")),
        ),
        (
            refused(asked(), 403, "DENIED", "client with IP '203.0.113.9' is not allowed access"),
            |e| matches!(e, Error::Forbidden(t) if t.contains("203.0.113.9")),
        ),
        (
            asked().answer(429).header("Retry-After", "10"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(10)),
        ),
        (asked().answer(502).text("<html>"), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (asked().text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        (asked().text("{\"access_token\":"), |e| matches!(e, Error::MalformedResponse(_))),
        (asked().json(json!({"access_token": ""})), |e| matches!(e, Error::MalformedResponse(_))),
        (asked().answer(302), |e| matches!(e, Error::MalformedResponse(_))),
    ];
    for (exchange, fits) in cases {
        let shown = format!("{exchange:?}");
        let host = running([ping(), exchange]);
        let error = pull(&host, None).expect_err("no grant");
        assert!(fits(&error), "{error:?} for {shown}");
    }
}

#[test]
fn a_refresh_token_goes_in_a_body_and_to_the_registry_alone() {
    const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
    let elsewhere = r#"Bearer realm="https://evil.example/token",service="contoso.azurecr.io""#;
    let post = || {
        Exchange::new("POST", "/oauth2/token")
            .expect_no_header("Authorization")
            .expect_field("grant_type", "refresh_token")
            .expect_field("service", "contoso.azurecr.io")
            .expect_field("scope", "repository:team/app:pull")
            .expect_field("refresh_token", "eyJ.r.t")
    };
    for challenged in [ping(), get("/v2/").answer(401).header("WWW-Authenticate", elsewhere)] {
        let answer = post().json(json!({"access_token": "eyJ.a.b"}));
        let host = ScriptedHost::new(BASE)
            .credentials(NOBODY, "eyJ.r.t")
            .exchanges([challenged, answer])
            .start();
        assert_eq!(bearer(pull(&host, None)), "eyJ.a.b");
    }
    let expired = refused(post(), 401, "UNAUTHORIZED", "authentication required");
    let host =
        ScriptedHost::new(BASE).credentials(NOBODY, "eyJ.r.t").exchanges([ping(), expired]).start();
    assert!(matches!(pull(&host, None), Err(Error::Unauthenticated(_))));
}
