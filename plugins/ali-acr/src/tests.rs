//! The adapter against a scripted Alibaba Cloud.

mod deletes;
mod health;
mod listing;
mod targets;
mod tokens;

use portolan_sdk::{
    Auth, EndpointPattern, Error,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

const PERSONAL: &str = "https://registry.cn-hangzhou.aliyuncs.com";
const ENTERPRISE: &str = "https://corp-registry.cn-hangzhou.cr.aliyuncs.com";
const MANAGEMENT: &str = "https://cr.cn-hangzhou.aliyuncs.com";
/// Of `cr_temp_user` with the token in the recorded answer, by edition.
const LOGINS: [&str; 2] =
    ["Basic Y3JfdGVtcF91c2VyOmV5SjBhVzFsOjA3MDU=", "Basic Y3JfdGVtcF91c2VyOmE6Yg=="];

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/ali-acr.jsonl"))
}

/// The challenge of a registry, as recorded.
fn ping(base: &str) -> Exchange {
    fixtures().get("GET", &format!("{base}/v2/")).expect_no_header("Authorization")
}

/// A host that has shown its challenge.
fn known(base: &str) -> ScriptedHost {
    ScriptedHost::new(base).credentials("LTAI-id", "the-secret").exchange(ping(base))
}

fn enterprise() -> ScriptedHost {
    known(ENTERPRISE)
}

fn personal() -> ScriptedHost {
    known(PERSONAL)
}

/// A call of the enterprise API with the parameters of its own.
fn call(method: &str, action: &str, parameters: &str) -> Exchange {
    let system = format!("Action={action}&Version=2018-12-01&InstanceId=cri-abcdefgh12345678");
    let query = if parameters.is_empty() { system } else { format!("{system}&{parameters}") };
    Exchange::new(method, &format!("{MANAGEMENT}/?{query}"))
        .expect_header("x-acs-action", action)
        .expect_header("x-acs-version", "2018-12-01")
}

fn ask(action: &str, parameters: &str) -> Exchange {
    call("GET", action, parameters)
}

fn tell(action: &str, parameters: &str) -> Exchange {
    call("POST", action, parameters).json(json!({"IsSuccess": true, "Code": "success"}))
}

/// A call of the personal API.
fn at(method: &str, path: &str) -> Exchange {
    Exchange::new(method, &format!("{MANAGEMENT}{path}"))
        .expect_header("x-acs-version", "2016-06-07")
        .expect_header("accept", "application/json")
}

/// The gateway's or the enterprise API's no.
fn no(exchange: Exchange, status: u16, code: &str) -> Exchange {
    let body = json!({"RequestId": "1", "HostId": "cr", "Code": code, "Message": "said so",
        "IsSuccess": false});
    exchange.answer(status).json(body)
}

#[test]
fn describes_itself_without_a_host() {
    let info = AliAcr::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("ali-acr", "Alibaba Cloud ACR"));
    assert_eq!((info.min_components, info.max_components, info.can_push), (2, None, true));
    assert_eq!(info.resources, ["image"]);
    assert!(info.hint.contains("recorded"), "{}", info.hint);
    let Some(EndpointPattern::Choice(choices)) = info.endpoints else { panic!("no choice") };
    let shown: Vec<String> =
        choices.iter().take(5).map(|choice| format!("{} {}", choice.name, choice.url)).collect();
    assert_eq!(
        shown,
        [
            "cn-qingdao https://registry.cn-qingdao.aliyuncs.com",
            "cn-qingdao-vpc https://registry-vpc.cn-qingdao.aliyuncs.com",
            "cn-qingdao-internal https://registry-internal.cn-qingdao.aliyuncs.com",
            "cn-qingdao-ee-vpc https://instanceName-registry-vpc.cn-qingdao.cr.aliyuncs.com",
            "cn-qingdao-ee https://instanceName-registry.cn-qingdao.cr.aliyuncs.com",
        ]
    );
    assert_eq!(choices.len(), 115);
    assert_eq!(choices[114].name, "me-east-1-ee");
    let suffixes: Vec<&str> = info.signing.iter().map(|recipe| &*recipe.suffix).collect();
    assert_eq!(suffixes, ["", ""]);
    let secret_goes = |host: &portolan_sdk::AllowedHost| host.uses.contains(&"credentials".into());
    assert!(!info.allowed_hosts.iter().any(secret_goes));
}

#[test]
fn the_registry_of_a_region_takes_the_place_of_its_management() {
    for (url, expected) in [
        ("https://cr.cn-hangzhou.aliyuncs.com", PERSONAL),
        ("https://cr-vpc.cn-beijing.aliyuncs.com", "https://registry-vpc.cn-beijing.aliyuncs.com"),
        (ENTERPRISE, ENTERPRISE),
        ("https://cr.a.b.aliyuncs.com", "https://cr.a.b.aliyuncs.com"),
    ] {
        let host = ScriptedHost::new(url).start();
        let target = AliAcr::locate(host.endpoint(), "team/app").expect("a target");
        assert_eq!((&*target.base_url, &*target.repository), (expected, "team/app"));
        assert_eq!(
            (&*target.upload, target.max_chunk_bytes, target.mount),
            ("single-put", None, true)
        );
    }
    let host = ScriptedHost::new(PERSONAL).settings(&json!({"mount": false})).start();
    assert!(!AliAcr::locate(host.endpoint(), "team/app").expect("a target").mount);
    let alone = AliAcr::locate(host.endpoint(), "alone").expect_err("no namespace");
    assert!(matches!(alone, Error::InvalidInput(_)));
}
