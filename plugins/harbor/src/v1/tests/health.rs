//! Test Connection.

use super::*;

fn current() -> Exchange {
    get("/api/users/current").json(json!({"user_id": 1, "username": "user"}))
}

fn challenge() -> Exchange {
    let realm = r#"Bearer realm="https://vic/service/token",service="token-service""#;
    Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", realm)
}

fn token(authorization: &str) -> Exchange {
    Exchange::new("GET", "/service/token?service=token-service")
        .expect_header("Authorization", authorization)
        .json(json!({"token": "t", "expires_in": 1800}))
}

fn with_token() -> Exchange {
    Exchange::new("GET", "/v2/").expect_header("Authorization", "Bearer t")
}

#[test]
fn users_and_robots_pass() {
    let host = vic().exchanges([current(), challenge(), token(USER), with_token()]).start();
    let health = Harbor::check_health(host.endpoint()).expect("healthy");
    assert_eq!(health.product.as_deref(), Some("Harbor v1.2.0-11-ge5b0eb2"));
    assert!(health.authenticated);
    let projects = health.details.iter().find(|detail| detail.key == "projects");
    let expected = "kept by Admiral https://vic.example.test:8282";
    assert_eq!(projects.map(|detail| detail.value.as_str()), Some(expected));
    host.finish();
    // `robot$ci`, which `/users/current` would refuse.
    let robot = token("Basic cm9ib3QkY2k6cGFzcw==");
    let host = harbor("v1.10.4").credentials("robot$ci", "pass");
    let version = host.exchanges([challenge(), robot, with_token()]);
    let host = version.start();
    assert!(Harbor::check_health(host.endpoint()).expect("healthy").authenticated);
}

#[test]
fn without_credentials_reachable_is_enough() {
    let info = fixtures().get("GET", "/api/systeminfo");
    let host = ScriptedHost::new(BASE)
        .exchanges([fixtures().get("GET", "/api/version"), info, challenge()])
        .start();
    assert!(!Harbor::check_health(host.endpoint()).expect("healthy").authenticated);
}

#[test]
fn what_is_wrong_is_named() {
    let page = |e: Exchange| e.header("Content-Type", "text/html").text("<html>");
    let cases: Vec<(Vec<Exchange>, Fits)> = vec![
        (vec![current().answer(401).text("Unauthorized\n")], |e| {
            matches!(e, Error::Unauthenticated(t)
                if t.contains("refused the credentials of `user`") && t.contains("check"))
        }),
        (
            vec![current().answer(429).header("Retry-After", "7")],
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7)),
        ),
        (
            vec![page(current().answer(502))],
            |e| matches!(e, Error::Upstream(u) if u.retryable && u.message.contains("web page")),
        ),
        (vec![current(), challenge(), token(USER).answer(401)], |e| {
            matches!(e, Error::Unauthenticated(_))
        }),
        (vec![current(), challenge(), token(USER).text("{\"tok")], |e| {
            matches!(e, Error::MalformedResponse(_))
        }),
        (vec![current(), page(challenge().answer(200))], |e| {
            matches!(e, Error::Unauthenticated(_) | Error::MalformedResponse(_))
        }),
        (
            vec![current().fails("denied-by-policy", "a redirect to http://elsewhere")],
            |e| matches!(e, Error::Transport(t) if t.kind == "denied-by-policy"),
        ),
    ];
    for (exchanges, fits) in cases {
        let host = vic().exchanges(exchanges).start();
        let error = Harbor::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(fits(&error), "{error:?}");
    }
}
