//! Organisations, and deletes, with a login key.

use super::*;

fn namespace(status: u16) -> Exchange {
    let one = fixtures().get("GET", "/dockyard/v2/namespaces/team");
    one.expect_header("Authorization", USER).answer(status)
}

fn create() -> Exchange {
    fixtures().get("POST", "/dockyard/v2/namespaces").expect_header("Authorization", USER)
}

fn visible() -> Exchange {
    fixtures().get("GET", "/dockyard/v2/visible/namespaces").expect_header("Authorization", USER)
}

fn nobody() -> Exchange {
    get("/dockyard/v2/visible/namespaces").json(json!({"namespaces": []}))
}

fn exists() -> Exchange {
    get("/dockyard/v2/namespaces/team").json(json!({"id": 1, "name": "team", "auth": 7}))
}

fn prepare(exchanges: Vec<Exchange>) -> Result<()> {
    let host = user().exchanges(exchanges).start();
    HuaweiSwr::prepare_targets(host.endpoint(), &["team/app".to_owned()], &[]).remove(0)
}

/// Harbor's adapter fails on the 404.
#[test]
fn a_missing_organisation_is_created_and_another_is_taken() {
    let missing = || fixtures().get("GET", "/dockyard/v2/namespaces/team");
    let unnamed = get("/dockyard/v2/namespaces/team").json(json!({"id": 0}));
    for exchanges in [
        vec![exists()],
        vec![missing(), create()],
        vec![unnamed, create()],
        // Created by somebody at the same moment, or seen through one repository alone.
        vec![missing(), create().answer(409), visible()],
        vec![namespace(403), visible()],
    ] {
        let shown = format!("{exchanges:?}");
        assert_eq!(prepare(exchanges), Ok(()), "{shown}");
    }
}

#[test]
fn what_cannot_be_had_says_why() {
    let missing = || fixtures().get("GET", "/dockyard/v2/namespaces/team");
    let quota = fault(create(), 400, "SVCSTG.SWR.4000111", "quota of organizations exceeded");
    let foreign: Fits = |e| matches!(e, Error::Conflict(t) if t.contains("another account"));
    let mut cases: Vec<(Vec<Exchange>, Fits)> = vec![
        (vec![missing(), create().answer(409), nobody()], foreign),
        (vec![namespace(403), nobody()], foreign),
        (vec![missing(), create().answer(403)], |e| {
            matches!(e, Error::Forbidden(t) if t.contains("`team` does not exist")
                && t.contains("`cn-north-4@AK` may not create it") && t.contains("administrator"))
        }),
        (vec![missing(), quota], |e| {
            matches!(e, Error::Upstream(UpstreamError { status: 400, message, .. })
                if message.contains("quota of organizations exceeded"))
        }),
        (vec![missing(), create().answer(500)], |e| matches!(e, Error::Upstream(_))),
    ];
    let asked = get("/dockyard/v2/namespaces/team");
    cases.extend(bad_answers(&asked).into_iter().map(|(exchange, fits)| (vec![exchange], fits)));
    for (exchanges, fits) in cases {
        let shown = format!("{exchanges:?}");
        let error = prepare(exchanges).expect_err("not ready");
        assert!(fits(&error), "{error:?} for {shown}");
    }
}

#[test]
fn one_question_for_each_organisation_and_an_answer_for_each_repository() {
    let host = user().exchange(exists()).start();
    let repositories = ["team/a", "alone", "team/b/c", "Team/a"].map(str::to_owned);
    let results = HuaweiSwr::prepare_targets(host.endpoint(), &repositories, &[]);
    let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true, false]);
}

#[test]
fn names_of_organisations() {
    for (name, fits) in [
        ("a", true),
        ("a1.b_c-d", true),
        ("a__b---c", true),
        (&*"a".repeat(64), true),
        (&*"a".repeat(65), false),
        ("1a", false),
        ("a..b", false),
        ("a._b", false),
        ("a___b", false),
        ("a-", false),
        ("aB", false),
        ("a b", false),
    ] {
        let host = user().any_order();
        let host = if fits {
            host.exchange(
                get(&format!("/dockyard/v2/namespaces/{name}")).json(json!({"name": name})),
            )
        } else {
            host
        };
        let host = host.start();
        let results = HuaweiSwr::prepare_targets(host.endpoint(), &[format!("{name}/x")], &[]);
        match &results[..] {
            [Ok(())] => assert!(fits, "{name}"),
            [Err(Error::InvalidInput(text))] => assert!(!fits && text.contains(name), "{text}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn deletes_by_digest_are_idempotent() {
    for (status, fits) in [
        (202, (|r| r.is_ok()) as fn(&Result<()>) -> bool),
        (404, |r| r.is_ok()),
        (405, |r| matches!(r, Err(Error::Unsupported(_)))),
        (403, |r| matches!(r, Err(Error::Forbidden(_)))),
    ] {
        let path = "/v2/team/app/manifests/sha256:1";
        let delete = Exchange::new("DELETE", path).expect_header("Authorization", "Bearer t");
        let asked = token("&scope=repository:team/app:pull,push");
        let host = user().exchanges([ping(), asked, delete.answer(status)]).start();
        let result = HuaweiSwr::delete_artifact(host.endpoint(), "team/app", "sha256:1");
        assert!(fits(&result), "{status} {result:?}");
    }
}

/// A registry that wants a digest is not given one: other tags may be on it.
#[test]
fn a_tag_alone_is_deleted_or_it_is_said_that_it_is_not() {
    let invalid = json!({"errors": [{"code": "DIGEST_INVALID", "message": "no digest"}]});
    let delete = || Exchange::new("DELETE", "/v2/team/app/manifests/v1");
    for (answer, fits) in [
        (delete().answer(202), (|r| r.is_ok()) as fn(&Result<()>) -> bool),
        (delete().answer(404), |r| r.is_ok()),
        (delete().answer(400).json(invalid), |r| {
            matches!(r, Err(Error::Unsupported(t)) if t.contains("DIGEST_INVALID")
                && t.contains("secret access key"))
        }),
        (
            delete().answer(405),
            |r| matches!(r, Err(Error::Unsupported(t)) if t.contains("secret access key")),
        ),
        (delete().answer(403), |r| matches!(r, Err(Error::Forbidden(_)))),
        (delete().answer(500), |r| matches!(r, Err(Error::Upstream(_)))),
    ] {
        let asked = token("&scope=repository:team/app:pull,push");
        let host = user().exchanges([ping(), asked, answer]).start();
        let result = HuaweiSwr::delete_tag(host.endpoint(), "team/app", "v1");
        assert!(fits(&result), "{result:?}");
    }
}
