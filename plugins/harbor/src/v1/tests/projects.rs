//! Projects to push to.

use super::*;

fn head() -> Exchange {
    fixtures().get("HEAD", "/api/projects").expect_header("Authorization", USER)
}

fn create() -> Exchange {
    fixtures().get("POST", "/api/projects").expect_header("Authorization", USER)
}

fn prepare(host: ScriptedHost, exchanges: Vec<Exchange>) -> Result<()> {
    let host = host.exchanges(exchanges).start();
    Harbor::prepare_targets(host.endpoint(), &["team/app".to_owned()], &[]).remove(0)
}

#[test]
fn existing_ones_are_taken_and_missing_ones_made() {
    for exchanges in [
        vec![head().answer(200)],
        vec![head(), create()],
        vec![head(), create().answer(409).text("project team already exists")],
        // A robot is shown nothing: the push will tell.
        vec![head().answer(401), create().answer(401)],
        vec![head().answer(403), create().answer(403)],
    ] {
        let shown = format!("{exchanges:?}");
        assert_eq!(prepare(vic(), exchanges), Ok(()), "{shown}");
    }
}

#[test]
fn the_body_is_that_of_the_version() {
    let old = json!({"project_name": "team", "public": 1});
    let both = json!({"project_name": "team", "public": 1, "metadata": {"public": "true"}});
    let new = json!({"project_name": "team", "metadata": {"public": "true"}});
    for (version, body) in [
        ("v1.1.1", &old),
        ("v1.2.0-11-ge5b0eb2", &old),
        ("v1.3.0", &both),
        ("v1.4.0-rc1", &both),
        ("v1.5.0", &new),
        ("v1.10.19-9a6c1a3f", &new),
    ] {
        let created = Exchange::new("POST", "/api/projects").expect_body(body.clone());
        let host = harbor(version).exchanges([head(), created.answer(201)]).start();
        let public = [KeyValue::new("visibility", "public")];
        let results = Harbor::prepare_targets(host.endpoint(), &["team/a".to_owned()], &public);
        assert_eq!(results, [Ok(())], "{version}");
    }
}

#[test]
fn admiral_and_missing_rights_are_told_and_not_tried_again() {
    for status in [400, 401, 403, 404, 412, 500] {
        let refused = create().answer(status).text("projects are managed by admiral");
        let error = prepare(vic(), vec![head(), refused]).expect_err("refused");
        let Error::Forbidden(text) = error else { panic!("{status}: {error:?}") };
        for part in ["(Admiral https://vic.example.test:8282)", "create `team` there", "`user`"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let plain = || harbor("v1.2.2");
    let refused = create().answer(403).text("Only system admin can create project");
    let error = prepare(plain(), vec![head(), refused]).expect_err("refused");
    assert!(matches!(&error, Error::Forbidden(t) if t.contains("ask an administrator")));
    let error = prepare(plain(), vec![head(), create().answer(500)]).expect_err("refused");
    assert!(matches!(&error, Error::Upstream(u) if u.retryable), "{error:?}");
    let error = prepare(plain(), vec![head().answer(503)]).expect_err("refused");
    assert!(matches!(&error, Error::Upstream(u) if u.retryable), "{error:?}");
    let error = prepare(vic(), vec![head(), create().answer(503)]).expect_err("refused");
    assert!(matches!(&error, Error::Upstream(u) if u.retryable), "{error:?}");
}
