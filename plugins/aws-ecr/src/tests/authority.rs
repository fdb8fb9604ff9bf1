//! Tokens: kept, renewed, never in a loop.

use super::*;

fn authorize(host: &Running, challenge: Option<&Challenge>) -> Grant {
    AwsEcr::authorize(host.endpoint(), &[Scope::pull("team/app")], challenge).expect("a grant")
}

fn challenge() -> Challenge {
    Challenge { scheme: "Basic".to_owned(), params: Vec::new() }
}

fn given(token: &str, expires: f64) -> Exchange {
    call("GetAuthorizationToken", json!({})).json(json!({"authorizationData": [
        {"authorizationToken": token, "expiresAt": expires, "proxyEndpoint": REGISTRY}]}))
}

#[test]
fn a_token_is_kept_until_shortly_before_it_expires() {
    // The recorded one lives for twelve hours.
    let host = started(aws(), [token(), given("c2Vjb25k", (NOW + 100_000) as f64)]);
    let first = authorize(&host, None);
    assert_eq!(first.auth, basic("QVdTOnRva2Vu"));
    assert_eq!(first.expires, Some(1_787_343_200));
    host.advance(43_200 - 310);
    assert_eq!(authorize(&host, None), first);
    host.advance(20);
    assert_eq!(authorize(&host, None).auth, basic("c2Vjb25k"));
    assert!(host.requests()[0].ends_with("[AWS4-HMAC-SHA256]"), "{:?}", host.requests());
}

/// An emulator says that its tokens expired in 2015: they are kept for a minute all the same.
#[test]
fn a_token_that_expired_long_ago_is_not_asked_for_again_and_again() {
    let expired = || given("b2xk", 1_420_070_400.0);
    let host = started(aws(), [expired(), expired()]);
    for _ in 0..50 {
        assert_eq!(authorize(&host, None).expires, Some(NOW + 60));
    }
    AwsEcr::locate(host.endpoint(), "app").expect("a target");
    host.advance(60);
    assert_eq!(authorize(&host, None).expires, Some(NOW + 120));
}

#[test]
fn a_life_is_believed_for_twelve_hours_at_most() {
    let host = started(aws(), [given("bG9uZw==", 9e18)]);
    assert_eq!(authorize(&host, None).expires, Some(NOW + 12 * 3600));
}

#[test]
fn a_refused_token_is_renewed_once_for_each_refusal() {
    let host = started(aws(), [token(), given("bmV3", (NOW + 1000) as f64)]);
    authorize(&host, None);
    assert_eq!(authorize(&host, Some(&challenge())).auth, basic("bmV3"));
    assert_eq!(authorize(&host, None).auth, basic("bmV3"));
}

#[test]
fn a_token_without_a_registry_is_refused() {
    for authorization in [
        json!([]),
        json!([{"authorizationToken": "dA==", "proxyEndpoint": "https://evil.example"}]),
        json!([{"authorizationToken": "dA==", "proxyEndpoint": "https://public.ecr.aws"}]),
        json!([{"authorizationToken": "dA=="}]),
    ] {
        let answer = json!({"authorizationData": authorization});
        let host = started(aws(), [call("GetAuthorizationToken", json!({})).json(answer)]);
        let error = AwsEcr::authorize(host.endpoint(), &[], None).expect_err("an odd answer");
        assert!(matches!(error, Error::MalformedResponse(_)), "{error:?}");
    }
}

/// Temporary keys, as the host gets them from a role.
#[test]
fn a_session_token_is_sent_and_signed() {
    let signed = |exchange: Exchange| exchange.expect_header("X-Amz-Security-Token", "session");
    let host = started(aws(), [signed(token())]);
    let mut endpoint = host.endpoint().clone();
    endpoint.extra.push(KeyValue::new("session-token", "session"));
    AwsEcr::authorize(&endpoint, &[], None).expect("a grant");
}
