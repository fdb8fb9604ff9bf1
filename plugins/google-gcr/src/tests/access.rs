//! Test Connection and tokens.

use portolan_sdk::{Action, Auth, Challenge, KeyValue};

use super::*;

fn with_token(base: &str) -> Exchange {
    get(&format!("{base}/v2/")).expect_header("Authorization", "Bearer t")
}

fn refused(status: u16, code: &str, message: &str) -> Exchange {
    let errors = json!({"errors": [{"code": code, "message": message}]});
    token(PKG, &[]).answer(status).json(errors)
}

#[test]
fn credentials_are_proved_and_none_are_needed_for_what_is_public() {
    let recorded = || fixtures().get("GET", "https://us-docker.pkg.dev/v2/");
    for (host, exchanges, authenticated, project) in [
        (key_file(PKG), vec![recorded(), token(PKG, &[]), with_token(PKG)], true, Some("proj")),
        (login(GCR), vec![challenge(GCR), token(GCR, &[]), with_token(GCR)], true, None),
        (ScriptedHost::new(PKG), vec![recorded()], false, None),
    ] {
        let host = host.exchanges(exchanges).start();
        let health = GoogleGcr::check_health(host.endpoint()).expect("healthy");
        let shown = health.details.iter().find(|it| it.key == "project").map(|it| &*it.value);
        assert_eq!((health.authenticated, shown), (authenticated, project));
    }
}

#[test]
fn ill_health_says_what_to_do() {
    let probe = || challenge(PKG);
    let page = || get(&format!("{PKG}/v2/")).header("Content-Type", "text/html").text("<html>");
    let wrong = || refused(401, "UNAUTHORIZED", "Not Authorized.");
    let old = "Invalid JWT Signature.";
    let cases: Vec<(ScriptedHost, Vec<Exchange>, &str)> = vec![
        (key_file(PKG), vec![probe(), wrong()], "whether the key `k1` of `robot@proj"),
        (key_file(PKG), vec![probe(), refused(400, "invalid_grant", old)], old),
        (login(PKG), vec![probe(), wrong()], "the access secret is not the JSON key file"),
        (
            ScriptedHost::new(PKG).credentials("user", "word"),
            vec![probe(), get(&format!("{PKG}/v2/token?service=us-docker.pkg.dev")).answer(401)],
            "the access key `user`",
        ),
        (
            key_file(PKG),
            vec![probe(), token(PKG, &[]), with_token(PKG).answer(401)],
            "the key `k1`",
        ),
        (key_file(PKG), vec![page()], "is not a registry"),
        (key_file(PKG), vec![page().answered_by("https://sso.test/login")], "is not a registry"),
        (key_file(PKG), vec![probe(), page_at_token()], "a web page where JSON was expected"),
        (key_file(PKG), vec![probe(), token(PKG, &[]).text(r#"{"token":"t"#)], "no usable JSON"),
        (key_file(PKG), vec![probe(), token(PKG, &[]).answer(503)], "answered 503"),
        (key_file(PKG), vec![get("/v2/").fails("tls", "bad certificate")], "bad certificate"),
    ];
    for (host, exchanges, expected) in cases {
        let host = host.exchanges(exchanges).start();
        let error = GoogleGcr::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(error.text().contains(expected), "{error:?}");
    }
    let limited = token(PKG, &[]).answer(429).header("Retry-After", "9");
    let host = key_file(PKG).exchanges([probe(), limited]).start();
    let error = GoogleGcr::check_health(host.endpoint()).expect_err("too much");
    assert!(matches!(error, Error::RateLimited(limit) if limit.retry_after_seconds == Some(9)));
}

fn page_at_token() -> Exchange {
    token(PKG, &[]).header("Content-Type", "text/html").text("<html>")
}

#[test]
fn tokens_are_kept_until_shortly_before_they_expire() {
    let recorded = || {
        let row = fixtures().get("GET", "https://us-docker.pkg.dev/v2/token");
        row.expect_header("Authorization", BASIC)
    };
    let host =
        key_file(PKG).exchanges([challenge(PKG), recorded(), challenge(PKG), recorded()]).start();
    let pull = || {
        let scopes = [Scope::pull("proj/repo/app")];
        GoogleGcr::authorize(host.endpoint(), &scopes, None).expect("a grant").auth
    };
    assert_eq!(pull(), Auth::Bearer("ya29.x".to_owned()));
    host.advance(3500);
    // How the registry wants to be asked is looked at again now and then.
    pull();
    assert_eq!(host.requests().len(), 3);
    host.advance(90);
    pull();
    assert_eq!(host.requests().len(), 4);
}

#[test]
fn deletes_are_asked_for_as_writes() {
    let scope = Scope { repository: "proj/app".to_owned(), actions: vec![Action::Delete] };
    let host = key_file(GCR)
        .exchanges([challenge(GCR), token(GCR, &["repository:proj/app:pull,push"])])
        .start();
    assert!(GoogleGcr::authorize(host.endpoint(), &[scope], None).is_ok());
}

#[test]
fn a_token_that_expired_is_fetched_anew() {
    let met = Challenge {
        scheme: "Bearer".to_owned(),
        params: vec![
            KeyValue::new("realm", format!("{GCR}/v2/token")),
            KeyValue::new("service", "gcr.io"),
            KeyValue::new("error", "invalid_token"),
        ],
    };
    let ask = || token(GCR, &["repository:proj/app:pull"]);
    let host = key_file(GCR).exchanges([challenge(GCR), ask(), ask()]).start();
    let scopes = [Scope::pull("proj/app")];
    assert!(GoogleGcr::authorize(host.endpoint(), &scopes, None).is_ok());
    assert!(GoogleGcr::authorize(host.endpoint(), &scopes, Some(&met)).is_ok());
    host.finish();
    // Without credentials what is private says what is missing.
    let denied = get(&format!("{GCR}/v2/token?service=gcr.io&scope=repository:proj/app:pull"));
    let denied = denied.expect_no_header("Authorization").answer(401);
    let host = ScriptedHost::new(GCR).exchanges([challenge(GCR), denied]).start();
    let error = GoogleGcr::authorize(host.endpoint(), &scopes, None).expect_err("none");
    assert!(matches!(error, Error::Unauthenticated(text) if text.contains("JSON key file")));
}
