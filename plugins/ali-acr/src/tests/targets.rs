//! Namespaces and repositories that are made before a push.

use super::*;

fn namespaces(auto_create: bool) -> Exchange {
    let row = json!({"NamespaceName": "team", "AutoCreateRepo": auto_create});
    ask("ListNamespace", "PageNo=1&PageSize=100")
        .json(json!({"IsSuccess": true, "TotalCount": 1, "Namespaces": [row]}))
}

fn none() -> Exchange {
    ask("ListNamespace", "PageNo=1&PageSize=100")
        .json(json!({"IsSuccess": true, "TotalCount": "0", "Namespaces": []}))
}

fn create() -> Exchange {
    tell("CreateNamespace", "NamespaceName=team&AutoCreateRepo=true&DefaultRepoType=PRIVATE")
}

fn make(kind: &str) -> Exchange {
    let parameters = format!(
        "RepoNamespaceName=team&RepoName=app&RepoType={kind}&Summary=Replicated%20by%20Portolan"
    );
    tell("CreateRepository", &parameters)
}

fn id() -> Exchange {
    fixtures().get("GET", &format!("{MANAGEMENT}/?Action=GetRepository"))
}

fn prepare(host: ScriptedHost, metadata: &[KeyValue]) -> Result<()> {
    let host = host.start();
    AliAcr::prepare_targets(host.endpoint(), &["team/app".to_owned()], metadata).remove(0)
}

#[test]
fn the_enterprise_edition_gets_what_a_push_does_not_make() {
    let public = [KeyValue::new("visibility", "public")];
    let cases: Vec<(Vec<Exchange>, &[KeyValue])> = vec![
        (vec![namespaces(true)], &[]),
        (vec![none(), create()], &[]),
        (vec![none(), create(), make("PUBLIC")], &public),
        (vec![namespaces(false), make("PRIVATE")], &[]),
        (vec![namespaces(true), make("PUBLIC")], &public),
        (vec![namespaces(false), no(make("PRIVATE"), 200, "REPO_ALREADY_EXIST")], &[]),
        (vec![namespaces(false), no(make("PRIVATE"), 403, "Forbidden.RAM"), id()], &[]),
        (vec![none(), no(create(), 200, "NAMESPACE_ALREADY_EXIST"), namespaces(true)], &[]),
        // Nothing is shown to the account: the push will tell.
        (vec![no(none(), 403, "Forbidden.RAM"), no(create(), 403, "Forbidden.RAM")], &[]),
        (vec![no(none(), 403, "NoPermission"), no(create(), 200, "NAMESPACE_ALREADY_EXIST")], &[]),
    ];
    for (exchanges, metadata) in cases {
        let shown = format!("{exchanges:?}");
        assert_eq!(prepare(enterprise().exchanges(exchanges), metadata), Ok(()), "{shown}");
    }
}

#[test]
fn what_cannot_be_made_is_said() {
    let missing =
        || no(ask("GetRepository", "RepoNamespaceName=team&RepoName=app"), 200, "REPO_NOT_EXIST");
    let cases: Vec<(Vec<Exchange>, Fits)> = vec![
        (
            vec![none(), no(create(), 403, "Forbidden.RAM")],
            |e| matches!(e, Error::Forbidden(t) if t.starts_with("the namespace `team` does not exist on")),
        ),
        (
            vec![none(), no(create(), 200, "NAMESPACE_ALREADY_EXIST"), none()],
            |e| matches!(e, Error::Conflict(t) if t.contains("another account's")),
        ),
        (
            vec![none(), no(create(), 400, "NAMESPACE_LIMIT_EXCEEDED")],
            |e| matches!(e, Error::Upstream(u) if u.message.contains("LIMIT") && !u.retryable),
        ),
        (vec![namespaces(false), no(make("PRIVATE"), 403, "NoPermission"), missing()], |e| {
            matches!(e, Error::Forbidden(_))
        }),
        (vec![none().answer(503).text("")], |e| matches!(e, Error::Upstream(u) if u.retryable)),
    ];
    for (exchanges, fits) in cases {
        let error = prepare(enterprise().exchanges(exchanges), &[]).expect_err("not ready");
        assert!(fits(&error), "{error:?}");
    }
}

#[test]
fn the_personal_edition_too() {
    let list = |names: Value| at("GET", "/namespace").json(json!({"data": {"namespaces": names}}));
    let team = || list(json!([{"namespace": "team", "authorizeType": "ADMIN"}]));
    let one = |auto: bool| {
        let namespace = json!({"namespace": "team", "autoCreate": auto});
        at("GET", "/namespace/team").json(json!({"data": {"namespace": namespace}}))
    };
    let create =
        || at("PUT", "/namespace").expect_body(json!({"namespace": {"namespace": "team"}}));
    let make = |kind: &str| {
        let repo = json!({"region": "cn-hangzhou", "repoNamespace": "team", "repoName": "app",
            "summary": "Replicated by Portolan", "repoType": kind});
        at("PUT", "/repos").expect_body(json!({"repo": repo})).json(json!({"data": {"repoId": 1}}))
    };
    let public = [KeyValue::new("visibility", "public")];
    let cases: Vec<(Vec<Exchange>, &[KeyValue])> = vec![
        (vec![team(), one(true)], &[]),
        (vec![team(), one(false), make("PRIVATE")], &[]),
        (vec![team(), no(one(true), 404, "NAMESPACE_NOT_EXIST")], &[]),
        (vec![list(json!([])), create()], &[]),
        (vec![list(json!([])), create(), make("PUBLIC")], &public),
        (vec![team(), one(false), no(make("PRIVATE"), 409, "REPO_ALREADY_EXIST")], &[]),
    ];
    for (exchanges, metadata) in cases {
        let shown = format!("{exchanges:?}");
        assert_eq!(prepare(personal().exchanges(exchanges), metadata), Ok(()), "{shown}");
    }
}

#[test]
fn names_that_the_edition_cannot_hold_are_refused_before_anything_is_sent() {
    let long = "x".repeat(65);
    let names =
        ["alone", "a/app", "team/a/b", &format!("team/{long}"), "team/a"].map(str::to_owned);
    let host = personal().start();
    for result in AliAcr::prepare_targets(host.endpoint(), &names, &[]) {
        assert!(matches!(result, Err(Error::InvalidInput(_))), "{result:?}");
    }
    host.finish();
    let host = enterprise().exchange(namespaces(true)).start();
    let names = ["team/a/b/c", "team/app", "x/y"].map(str::to_owned);
    let results = AliAcr::prepare_targets(host.endpoint(), &names, &[]);
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn one_call_never_asks_for_more_than_the_host_allows() {
    let rows: Vec<Value> = (0..100)
        .map(|n| json!({"NamespaceName": format!("n{n:02}"), "AutoCreateRepo": false}))
        .collect();
    let page = ask("ListNamespace", "PageNo=1&PageSize=100")
        .json(json!({"IsSuccess": true, "TotalCount": 100, "Namespaces": rows}));
    let one = |n: u32| {
        let parameters = format!(
            "RepoNamespaceName=n{n:02}&RepoName=app&RepoType=PRIVATE&Summary=Replicated%20by%20Portolan"
        );
        let get = format!("RepoNamespaceName=n{n:02}&RepoName=app");
        let there = json!({"IsSuccess": true, "RepoId": "crr-1"});
        [
            no(tell("CreateRepository", &parameters), 403, "Forbidden.RAM"),
            ask("GetRepository", &get).json(there),
        ]
    };
    let host = enterprise().exchange(page).exchanges((0..75).flat_map(one).take(149)).start();
    let names: Vec<String> = (0..100).map(|n| format!("n{n:02}/app")).collect();
    let results = AliAcr::prepare_targets(host.endpoint(), &names, &[]);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 74);
    assert!(matches!(&results[99], Err(Error::RateLimited(_))), "{:?}", results[99]);
}
