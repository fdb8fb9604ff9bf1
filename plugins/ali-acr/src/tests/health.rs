//! Test Connection, and how failures are told apart.

use super::*;

/// The login as recorded, by edition.
fn login(base: &str) -> Exchange {
    let action = if base == PERSONAL { "/tokens" } else { "/?Action=GetAuthorizationToken" };
    fixtures().get("GET", &format!("{MANAGEMENT}{action}"))
}

fn token(base: &str) -> Exchange {
    let (realm, service, basic) = if base == PERSONAL {
        ("dockerauth", "registry.aliyuncs.com:cn-hangzhou:26842", LOGINS[0])
    } else {
        let service = "registry.aliyuncs.com:cn-hangzhou:china:cri-abcdefgh12345678";
        ("dockerauth-ee", service, LOGINS[1])
    };
    let url = format!("https://{realm}.cn-hangzhou.aliyuncs.com/auth?service={service}");
    Exchange::new("GET", &url).expect_header("Authorization", basic).json(json!({"token": "t"}))
}

fn pong() -> Exchange {
    Exchange::new("GET", "/v2/").expect_header("Authorization", "Bearer t")
}

#[test]
fn both_editions_are_known_and_prove_the_key() {
    for (base, edition, scheme) in
        [(PERSONAL, "personal", "[acs]"), (ENTERPRISE, "enterprise", "[ACS3-HMAC-SHA256]")]
    {
        let host = known(base).exchanges([login(base), token(base), pong()]).start();
        let health = AliAcr::check_health(host.endpoint()).expect("healthy");
        assert!(health.authenticated);
        assert_eq!(health.details[0], KeyValue::new("edition", edition));
        assert_eq!(health.details[1], KeyValue::new("region", "cn-hangzhou"));
        assert!(host.requests()[1].ends_with(scheme), "{:?}", host.requests());
    }
}

#[test]
fn an_address_of_the_management_leads_to_the_registry() {
    let host = ScriptedHost::new(MANAGEMENT).credentials("id", "secret").exchanges([
        ping(PERSONAL),
        login(PERSONAL),
        token(PERSONAL),
        pong().at(&format!("{PERSONAL}/v2/")),
    ]);
    let host = host.start();
    assert!(AliAcr::check_health(host.endpoint()).is_ok_and(|health| health.authenticated));
}

#[test]
fn without_a_key_reachable_is_enough_but_nothing_is_listed() {
    let host = ScriptedHost::new(PERSONAL).exchange(ping(PERSONAL)).start();
    let health = AliAcr::check_health(host.endpoint()).expect("reachable");
    assert!(!health.authenticated);
    let (filter, page) = (RepositoryFilter::all(), PageRequest::first());
    let error = AliAcr::list_repositories(host.endpoint(), &filter, &page).expect_err("no key");
    assert!(matches!(&error, Error::Unauthenticated(t) if t.contains("AccessKey")), "{error:?}");
}

#[test]
fn refusals_say_what_to_do() {
    let tokens = || at("GET", "/tokens");
    let cases: [(Exchange, Fits); 12] = [
        (
            no(tokens(), 404, "InvalidAccessKeyId.NotFound"),
            |e| matches!(e, Error::Unauthenticated(t) if t.contains("`LTAI-id` is none")),
        ),
        (
            no(tokens(), 400, "SignatureDoesNotMatch"),
            |e| matches!(e, Error::Unauthenticated(t) if t.contains("secret is not that of `LTAI-id`")),
        ),
        (
            no(tokens(), 400, "InvalidTimeStamp.Expired"),
            |e| matches!(e, Error::Unauthenticated(t) if t.contains("clock")),
        ),
        (
            no(tokens(), 403, "Forbidden.RAM"),
            |e| matches!(e, Error::Forbidden(t) if t.contains("RAM user")),
        ),
        (
            no(tokens(), 400, "Throttling.User").header("Retry-After", "3"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(3)),
        ),
        (
            no(tokens(), 429, "").header("Retry-After", "7"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7)),
        ),
        (
            no(tokens(), 400, "SignatureNonceUsed"),
            |e| matches!(e, Error::Upstream(u) if u.retryable),
        ),
        (
            no(tokens(), 503, "ServiceUnavailable"),
            |e| matches!(e, Error::Upstream(u) if u.retryable),
        ),
        (
            tokens().text("<html>busy"),
            |e| matches!(e, Error::MalformedResponse(t) if t.contains("web page")),
        ),
        (tokens().text(r#"{"data":{"authorizationTo"#), |e| {
            matches!(e, Error::MalformedResponse(_))
        }),
        (
            tokens().answer(302).header("Location", "https://evil.test/"),
            |e| matches!(e, Error::MalformedResponse(t) if t.contains("redirect")),
        ),
        (tokens().fails("timeout", "no answer"), |e| matches!(e, Error::Transport(_))),
    ];
    for (exchange, fits) in cases {
        let host = personal().exchange(exchange).start();
        let error = AliAcr::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(fits(&error), "{error:?}");
    }
}

/// The recorded refusal: a wrong signature at the list of namespaces.
#[test]
fn a_wrong_signature_is_logged_with_what_the_server_said() {
    let host =
        personal().exchange(fixtures().get("GET", &format!("{MANAGEMENT}/namespace"))).start();
    let (filter, page) = (RepositoryFilter::all(), PageRequest::first());
    let error = AliAcr::list_repositories(host.endpoint(), &filter, &page).expect_err("refused");
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    assert!(host.logs()[0].contains("not matched with our calculation"), "{:?}", host.logs());
}

#[test]
fn a_login_that_the_registry_does_not_take_is_told_apart() {
    let no = Exchange::new("GET", "/v2/").answer(403);
    let host = enterprise().exchanges([login(ENTERPRISE), token(ENTERPRISE), no]).start();
    let error = AliAcr::check_health(host.endpoint()).expect_err("unhealthy");
    assert!(matches!(&error, Error::Unauthenticated(t) if t.contains("another account")));
    host.finish();
    let refused = token(ENTERPRISE).answer(401);
    let host = enterprise().exchanges([login(ENTERPRISE), refused]).start();
    let error = AliAcr::check_health(host.endpoint()).expect_err("unhealthy");
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
}

#[test]
fn others_and_examples_are_not_taken_for_alibaba() {
    let challenge = |service: &str| {
        let value = format!("Bearer realm=\"https://a.test/t\",service=\"{service}\"");
        Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", &value)
    };
    let get = || Exchange::new("GET", "/v2/");
    let foreign: Fits =
        |e| matches!(e, Error::MalformedResponse(t) if t.contains("`docker-registry`"));
    let cases: [(Exchange, Fits); 8] = [
        (challenge("harbor-registry"), foreign),
        (challenge("registry.aliyuncs.com"), foreign),
        (challenge("registry.aliyuncs.com:evil.test/:1"), foreign),
        (get().answer(401).header("WWW-Authenticate", "Basic realm=x"), foreign),
        (get().json(json!({})), foreign),
        (
            get().text("<html>").header("Content-Type", "text/html"),
            |e| matches!(e, Error::MalformedResponse(t) if t.contains("not a registry")),
        ),
        (get().answer(503), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (get().fails("dns", "no such host"), |e| matches!(e, Error::Transport(_))),
    ];
    for (exchange, fits) in cases {
        let host = ScriptedHost::new("https://r.test").credentials("id", "secret");
        let host = host.exchange(exchange).start();
        let error = AliAcr::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(fits(&error), "{error:?}");
    }
    let host = ScriptedHost::new("https://instanceName-registry.us-east-1.cr.aliyuncs.com").start();
    let error = AliAcr::check_health(host.endpoint()).expect_err("an example");
    assert!(matches!(&error, Error::InvalidInput(t) if t.contains("`instanceName`")));
}

/// Inside a VPC the inner address is asked first, and what answered is remembered.
#[test]
fn the_management_is_looked_for_at_both_addresses() {
    let vpc = "https://registry-vpc.cn-hangzhou.aliyuncs.com";
    let inner = |path: &str| {
        Exchange::new("GET", &format!("https://cr-vpc.cn-hangzhou.aliyuncs.com{path}"))
    };
    let namespaces = json!({"data": {"namespaces": []}});
    let host = ScriptedHost::new(vpc).credentials("id", "secret").exchanges([
        ping(PERSONAL).at("/v2/"),
        inner("/namespace").fails("connect", "no route"),
        at("GET", "/namespace").json(namespaces.clone()),
        at("GET", "/repos/a?Page=1&PageSize=100").json(json!({"data": {"total": 0}})),
    ]);
    let host = host.start();
    let list = |prefix: Option<&str>| {
        let filter =
            RepositoryFilter { prefix: prefix.map(str::to_owned), ..RepositoryFilter::all() };
        AliAcr::list_repositories(host.endpoint(), &filter, &PageRequest::first())
    };
    assert_eq!(list(None), Ok(Page::empty()));
    assert_eq!(list(Some("a/")), Ok(Page::empty()));
}
