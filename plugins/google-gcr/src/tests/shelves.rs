//! Repositories of Artifact Registry to push into.

use super::*;

const ALL: &str = "/projects/proj/locations/us/repositories";

fn one() -> Exchange {
    api("GET", &format!("{ALL}/repo"))
}

fn missing() -> Exchange {
    fault(one(), 404, "NOT_FOUND", "Requested entity was not found.")
}

fn hidden() -> Exchange {
    fault(one(), 403, "PERMISSION_DENIED", "denied (or it may not exist)")
}

fn create() -> Exchange {
    let body = json!({"format": "DOCKER", "dockerConfig": {"immutableTags": false}});
    api("POST", &format!("{ALL}?repositoryId=repo"))
        .expect_body(body)
        .json(json!({"name": "projects/proj/locations/us/operations/o1"}))
}

fn denied() -> Exchange {
    fault(create(), 403, "PERMISSION_DENIED", "repositories.create denied")
}

fn operation(state: Value) -> Exchange {
    api("GET", "/projects/proj/locations/us/operations/o1").json(state)
}

fn under_way() -> Exchange {
    operation(json!({"name": "projects/proj/locations/us/operations/o1"}))
}

fn prepare(host: ScriptedHost, name: &str) -> (Result<()>, Vec<String>) {
    let host = host.start();
    let result = GoogleGcr::prepare_targets(host.endpoint(), &[name.to_owned()], &[]).remove(0);
    let logs = host.logs();
    (result, logs)
}

fn there() -> Value {
    json!({"format": "DOCKER", "mode": "STANDARD_REPOSITORY"})
}

#[test]
fn existing_ones_are_taken_and_missing_ones_made() {
    let done = || operation(json!({"done": true, "response": {}}));
    let exists = json!({"done": true, "error": {"code": 6, "message": "exists"}});
    for (exchanges, warned) in [
        (vec![one().json(there())], false),
        (vec![missing(), create(), under_way(), under_way(), done()], false),
        (vec![missing(), create().json(json!({"done": true}))], false),
        (vec![missing(), fault(create(), 409, "ALREADY_EXISTS", "exists")], false),
        (vec![missing(), create(), operation(exists)], false),
        (vec![hidden(), create().json(json!({"done": true}))], false),
        // Nothing is shown to the account: the push will tell.
        (vec![hidden(), denied()], true),
    ] {
        let shown = format!("{exchanges:?}");
        let host = key_file(PKG).exchange(access_token()).exchanges(exchanges);
        let (result, logs) = prepare(host, "proj/repo/app");
        assert_eq!((result, !logs.is_empty()), (Ok(()), warned), "{shown}");
    }
}

#[test]
fn what_cannot_be_made_ready_says_why() {
    let failed = json!({"done": true, "error": {"code": 3, "message": "bad name"}});
    let endless = std::iter::repeat_with(under_way).take(20);
    let cases: Vec<(Vec<Exchange>, Fits)> = vec![
        (vec![missing(), denied()], |e| {
            matches!(e, Error::Forbidden(text)
                if text.contains("`repo`") && text.contains(EMAIL) && text.contains("ask an admin"))
        }),
        (
            vec![one().json(json!({"format": "MAVEN"}))],
            |e| matches!(e, Error::Unsupported(text) if text.contains("not of the format Docker")),
        ),
        (
            vec![one().json(json!({"format": "DOCKER", "mode": "REMOTE_REPOSITORY"}))],
            |e| matches!(e, Error::Unsupported(text) if text.contains("a cache")),
        ),
        (vec![one().json(json!({"format": "DOCKER", "mode": "VIRTUAL_REPOSITORY"}))], |e| {
            matches!(e, Error::Unsupported(_))
        }),
        (
            vec![missing(), create(), operation(failed)],
            |e| matches!(e, Error::Upstream(e) if !e.retryable && e.message.contains("bad name")),
        ),
        (
            vec![missing(), create()].into_iter().chain(endless).collect(),
            |e| matches!(e, Error::Upstream(e) if e.retryable && e.message.contains("being created")),
        ),
        (vec![one().answer(500)], |e| matches!(e, Error::Upstream(e) if e.retryable)),
        (vec![one().fails("connect", "refused")], |e| matches!(e, Error::Transport(_))),
        (vec![missing(), create().answer(429)], |e| matches!(e, Error::RateLimited(_))),
    ];
    for (exchanges, fits) in cases {
        let host = key_file(PKG).exchange(access_token()).exchanges(exchanges);
        let (result, _) = prepare(host, "proj/repo/app");
        let error = result.expect_err("not ready");
        assert!(fits(&error), "{error:?}");
    }
}

#[test]
fn gcr_makes_its_repository_on_the_first_push() {
    let one = || api("GET", &format!("{ALL}/gcr.io"));
    let closed = fault(one(), 403, "PERMISSION_DENIED", "SERVICE_DISABLED");
    let create = || api("POST", &format!("{ALL}?repositoryId=gcr.io"));
    for (exchanges, warned) in [
        (vec![one().json(there())], false),
        (vec![one().answer(404), create().json(json!({"done": true}))], false),
        (vec![one().answer(404), create().answer(403)], true),
        (vec![closed, create().answer(403)], true),
        (vec![one().fails("connect", "refused")], true),
    ] {
        let host = key_file(GCR).exchange(access_token()).exchanges(exchanges);
        let (result, logs) = prepare(host, "proj/app");
        assert_eq!((result, !logs.is_empty()), (Ok(()), warned));
    }
    let busy = one().answer(503);
    let (result, _) = prepare(key_file(GCR).exchanges([access_token(), busy]), "proj/app");
    assert!(matches!(result, Err(Error::Upstream(_))));
    // Without a key file nothing can be asked.
    let (result, logs) = prepare(login(GCR), "proj/app");
    assert!(result.is_ok() && logs[0].contains("no service account"), "{logs:?}");
}

#[test]
fn one_question_for_each_repository_and_an_answer_for_each_image() {
    let host = key_file(PKG).exchanges([access_token(), one().json(there())]).start();
    let images = ["proj/repo/a", "other/repo/a", "proj/repo/b/c", "proj/x"].map(str::to_owned);
    let results = GoogleGcr::prepare_targets(host.endpoint(), &images, &[]);
    let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true, false]);
}
