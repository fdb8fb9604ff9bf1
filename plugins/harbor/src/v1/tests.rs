//! The adapter against a scripted Harbor 1.x.

use portolan_sdk::{
    Adapter, ArtifactFilter, Auth, Endpoint, Error, KeyValue, Labels, Management, Page,
    PageRequest, Repository, RepositoryFilter, Result, Scope,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use crate::Harbor;

mod deletes;
mod health;
mod listing;
mod projects;

type Fits = fn(&Error) -> bool;

const BASE: &str = "https://vic.example.test";
const USER: &str = "Basic dXNlcjpwYXNz";
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../../fixtures/harbor-v1.jsonl"))
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path).expect_header("Authorization", USER)
}

/// A host that has told its version, of an administrator.
fn harbor(version: &str) -> ScriptedHost {
    let info = json!({"auth_mode": "db_auth", "with_admiral": false, "admiral_endpoint": "NA",
        "harbor_version": version});
    let info = Exchange::new("GET", "/api/systeminfo").json(info);
    user().exchanges([fixtures().get("GET", "/api/version"), info])
}

/// vSphere Integrated Containers Registry.
fn vic() -> ScriptedHost {
    let (version, info) = (fixtures().get("GET", "/api/version"), "/api/systeminfo");
    user().exchanges([version, fixtures().get("GET", info).expect_no_header("Authorization")])
}

fn user() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("user", "pass")
}

#[test]
fn it_takes_dockers_manifests_alone() {
    let host = vic().start();
    let target = Harbor::locate(host.endpoint(), "team/app").expect("a target");
    let expected = "application/vnd.docker.distribution.manifest.v2+json,\
        application/vnd.docker.distribution.manifest.list.v2+json";
    assert_eq!(target.extra, [KeyValue::new("accepted-manifests", expected)]);
    assert_eq!((target.mount, &*target.upload), (true, "single-put"));
}

/// The second call finds the version and the token in the cache, until they are too old.
#[test]
fn what_was_found_out_is_kept_for_a_while() {
    let realm = r#"Bearer realm="https://vic/service/token",service="token-service""#;
    let ping = Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", realm);
    let token = |value: &str| {
        get("/service/token?service=token-service&scope=repository:team/app:pull")
            .json(json!({"token": value, "expires_in": 1800}))
    };
    let host = vic().exchanges([ping.clone(), token("one"), ping, token("two")]).start();
    let grant = || Harbor::authorize(host.endpoint(), &[Scope::pull("team/app")], None);
    for _ in 0..2 {
        assert!(Harbor::locate(host.endpoint(), "team/app").is_ok());
        assert_eq!(grant().map(|it| it.auth), Ok(Auth::Bearer("one".to_owned())));
    }
    host.advance(1_790);
    assert_eq!(grant().map(|it| it.auth), Ok(Auth::Bearer("two".to_owned())));
}
