//! Authority for the distribution API.

use super::*;

const SERVICE: &str = "registry.aliyuncs.com:cn-hangzhou:26842";

fn login(seconds: u64) -> Exchange {
    let data = json!({"authorizationToken": "eyJ0aW1l:0705", "tempUserName": "cr_temp_user",
        "expireDate": (1_000_000_000 + seconds) * 1000});
    at("GET", "/tokens").json(json!({"data": data, "requestId": "1"}))
}

fn token(repository: &str) -> Exchange {
    let url = format!(
        "https://dockerauth.cn-hangzhou.aliyuncs.com/auth?service={SERVICE}\
         &scope=repository:{repository}:pull"
    );
    Exchange::new("GET", &url)
        .expect_header("Authorization", LOGINS[0])
        .json(json!({"token": repository, "expires_in": 300}))
}

fn pull(host: &Running, repository: &str) -> Result<Auth> {
    AliAcr::authorize(host.endpoint(), &[Scope::pull(repository)], None).map(|grant| grant.auth)
}

fn bearer(token: &str) -> Result<Auth> {
    Ok(Auth::Bearer(token.to_owned()))
}

#[test]
fn one_login_and_one_token_serve_until_shortly_before_their_end() {
    let host = personal()
        .exchanges([
            login(3600),
            token("a/b"),
            token("c/d"),
            token("a/b"),
            // The challenge is believed for ten minutes, the login for an hour but two minutes.
            ping(PERSONAL),
            login(7200),
            token("a/b"),
        ])
        .start();
    assert_eq!(pull(&host, "a/b"), bearer("a/b"));
    assert_eq!(pull(&host, "a/b"), bearer("a/b"));
    assert_eq!(pull(&host, "c/d"), bearer("c/d"));
    host.advance(271);
    assert_eq!(pull(&host, "a/b"), bearer("a/b"));
    host.advance(3600 - 120 - 271);
    assert_eq!(pull(&host, "a/b"), bearer("a/b"));
}

/// A clock that is hours wrong on either side must not make every call ask for a login.
#[test]
fn a_login_that_seems_expired_is_kept_for_a_minute() {
    let past = at("GET", "/tokens").json(json!({"data": {"authorizationToken": "eyJ0aW1l:0705",
        "tempUserName": "cr_temp_user", "expireDate": 1}}));
    let host = personal().exchanges([past, token("a/b"), token("c/d")]).start();
    assert_eq!(pull(&host, "a/b"), bearer("a/b"));
    assert_eq!(pull(&host, "c/d"), bearer("c/d"));
}

#[test]
fn a_login_that_is_refused_is_asked_for_once_more() {
    let refused = || token("c/d").answer(401);
    let host = personal()
        .exchanges([login(3600), token("a/b"), refused(), login(3600), token("c/d")])
        .start();
    assert_eq!(pull(&host, "a/b"), bearer("a/b"));
    assert_eq!(pull(&host, "c/d"), bearer("c/d"));
    host.finish();
    let host = personal().exchanges([login(3600), refused()]).start();
    assert!(matches!(pull(&host, "c/d"), Err(Error::Unauthenticated(_))));
}

#[test]
fn a_challenge_that_the_host_met_is_learnt() {
    let met = portolan_sdk::token::parse_challenges(
        r#"Bearer realm="https://dockerauth.aliyuncs.com/auth",service="S",scope="repository:a/b:pull""#,
    );
    let url = "https://dockerauth.aliyuncs.com/auth?service=S&scope=repository:a/b:pull";
    let new = Exchange::new("GET", url).json(json!({"token": "new"}));
    let host = personal().exchanges([login(3600), new]).start();
    let grant = AliAcr::authorize(host.endpoint(), &[Scope::pull("a/b")], met.first());
    assert_eq!(grant.map(|grant| grant.auth), bearer("new"));
    host.finish();
    // Even to a Basic challenge the AccessKey secret is not sent.
    let basic = portolan_sdk::token::parse_challenges("Basic realm=x");
    let host = personal().exchange(login(3600)).start();
    let grant = AliAcr::authorize(host.endpoint(), &[Scope::pull("a/b")], basic.first());
    let expected = Auth::temporary("cr_temp_user", "eyJ0aW1l:0705");
    assert_eq!(grant.map(|grant| grant.auth), Ok(expected));
}

#[test]
fn without_a_key_the_token_is_an_anonymous_one() {
    let url = format!(
        "https://dockerauth.cn-hangzhou.aliyuncs.com/auth?service={SERVICE}&scope=repository:a/b:pull"
    );
    let anonymous = Exchange::new("GET", &url)
        .expect_no_header("Authorization")
        .json(json!({"token": "public"}));
    let host = ScriptedHost::new(PERSONAL).exchanges([ping(PERSONAL), anonymous]).start();
    assert_eq!(pull(&host, "a/b"), bearer("public"));
}

#[test]
fn a_secret_never_leaves_by_itself() {
    let host = personal().exchanges([login(3600), token("a/b")]).start();
    assert_eq!(pull(&host, "a/b"), bearer("a/b"));
    let seen = host.requests().join("\n");
    assert!(!seen.contains("the-secret"), "{seen}");
    assert_eq!(seen.matches("[Basic]").count(), 1, "{seen}");
}
