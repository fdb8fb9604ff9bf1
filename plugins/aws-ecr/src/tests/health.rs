//! Test Connection: reachable, keys good, token taken.

use super::*;

fn ping() -> Exchange {
    Exchange::new("GET", &format!("{REGISTRY}/v2/")).expect_header("Authorization", BASIC)
}

fn unhealthy(exchanges: Vec<Exchange>) -> Error {
    let host = started(aws(), exchanges);
    AwsEcr::check_health(host.endpoint()).expect_err("unhealthy")
}

#[test]
fn keys_that_get_a_token_which_is_taken_are_good() {
    let host = started(aws(), [token(), ping().text("{}"), token(), ping()]);
    for _ in 0..2 {
        // Each time with a new token: the keys may have been taken away since.
        let health = AwsEcr::check_health(host.endpoint()).expect("healthy");
        assert_eq!((health.authenticated, health.product.as_deref()), (true, Some("Amazon ECR")));
        let facts =
            [KeyValue::new("region", "us-east-1"), KeyValue::new("account", "123456789012")];
        assert_eq!(health.details, facts);
    }
}

#[test]
fn what_is_wrong_is_told_apart() {
    let wrong_secret = refused(token(), 400, "InvalidSignatureException", "does not match");
    let denied = refused(token(), 400, "AccessDeniedException", "not authorized to perform");
    let cases: Vec<(Vec<Exchange>, &str, Fits)> = vec![
        (vec![unknown_key()], "does not know the access key id `AKIDEXAMPLE`", is_login),
        (vec![wrong_secret], "the secret access key is not the one", is_login),
        (vec![denied], "may not do this", |e| matches!(e, Error::Forbidden(_))),
        (
            vec![token(), fixtures().get("GET", REGISTRY)],
            "does not accept the token that the keys got",
            is_login,
        ),
        (
            vec![
                token(),
                ping().answer(403).json(json!({"errors": [{"code": "DENIED",
                "message": "Your authorization token has expired."}]})),
            ],
            "Your authorization token has expired",
            |e| matches!(e, Error::Forbidden(_)),
        ),
        (vec![token(), ping().text("<html>")], "is not a registry", |e| {
            matches!(e, Error::MalformedResponse(_))
        }),
        (vec![token(), ping().answer(503)], "503", |e| {
            matches!(e, Error::Upstream(UpstreamError { retryable: true, .. }))
        }),
        (vec![token().fails("dns", "no such name")], "no such name", |e| {
            matches!(e, Error::Transport(_))
        }),
    ];
    for (exchanges, expected, fits) in cases {
        let error = unhealthy(exchanges);
        assert!(fits(&error) && error.text().contains(expected), "{expected}: {error:?}");
        assert!(!error.text().contains("secret/Key"));
    }
}

fn is_login(error: &Error) -> bool {
    matches!(error, Error::Unauthenticated(_))
}

#[test]
fn both_keys_are_wanted() {
    let host = started(ScriptedHost::new(API), []);
    let half = portolan_sdk::Endpoint {
        access_key: Some("AKIDEXAMPLE".to_owned()),
        ..host.endpoint().clone()
    };
    for endpoint in [host.endpoint(), &half] {
        let error = AwsEcr::check_health(endpoint).expect_err("no keys");
        let Error::Unauthenticated(text) = error else { panic!("{error:?}") };
        assert!(text.contains("wants an access key id"), "{text}");
    }
}

/// Keys of one account that may use another's registry: that one is what must take the token.
#[test]
fn the_registry_of_the_address_is_asked() {
    let other = "https://210987654321.dkr.ecr.us-east-1.amazonaws.com";
    let ping = Exchange::new("GET", &format!("{other}/v2/")).expect_header("Authorization", BASIC);
    let host = started(at(other), [token(), ping]);
    let health = AwsEcr::check_health(host.endpoint()).expect("healthy");
    assert_eq!(health.details[1], KeyValue::new("account", "210987654321"));
}
