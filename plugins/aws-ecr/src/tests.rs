//! The adapter against scripted exchanges with AWS; every recorded one is used.

mod authority;
mod failures;
mod health;
mod listing;
mod public;
mod repositories;

use portolan_sdk::{
    Auth, EndpointPattern, Error, RawAuth, UpstreamError,
    http::Request,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

const API: &str = "https://api.ecr.us-east-1.amazonaws.com";
const REGISTRY: &str = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com";
const NOW: u64 = 1_787_300_000;
/// `AWS:token`
const BASIC: &str = "Basic QVdTOnRva2Vu";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/aws-ecr.jsonl"))
}

/// A recorded call of the private API, by its place in the file.
fn recorded(index: usize) -> Exchange {
    fixtures().variant("POST", API, index)
}

fn token() -> Exchange {
    recorded(0)
}

fn unknown_key() -> Exchange {
    recorded(1)
}

fn not_found() -> Exchange {
    recorded(2)
}

fn created() -> Exchange {
    recorded(3)
}

fn listed() -> Exchange {
    recorded(4)
}

fn not_deleted() -> Exchange {
    recorded(5)
}

/// A call of the private API, signed.
fn call(operation: &str, arguments: Value) -> Exchange {
    Exchange::new("POST", &format!("{API}/"))
        .expect_header("X-Amz-Target", &format!("AmazonEC2ContainerRegistry_V20150921.{operation}"))
        .expect_header("Content-Type", "application/x-amz-json-1.1")
        .expect_body(arguments)
}

fn refused(exchange: Exchange, status: u16, name: &str, message: &str) -> Exchange {
    exchange.answer(status).json(json!({"__type": name, "message": message}))
}

fn at(url: &str) -> ScriptedHost {
    ScriptedHost::new(url).credentials("AKIDEXAMPLE", "secret/Key")
}

fn aws() -> ScriptedHost {
    at(API)
}

/// Starts at the time of the recorded exchanges.
fn started(host: ScriptedHost, exchanges: impl IntoIterator<Item = Exchange>) -> Running {
    let host = host.exchanges(exchanges).start();
    host.advance(NOW - 1_000_000_000);
    host
}

fn basic(value: &str) -> Auth {
    Auth::Raw(RawAuth { scheme: "Basic".to_owned(), value: value.to_owned() })
}

#[test]
fn describes_itself_without_a_host() {
    let info = AwsEcr::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("aws-ecr", "Aws ECR"));
    assert_eq!((info.resources, info.min_components), (vec!["image".to_owned()], 1));
    assert!(info.hint.contains("not a user name and password"));
    let Some(EndpointPattern::Choice(presets)) = info.endpoints else { panic!("a list") };
    // Harbor has these 38; ECR Public is typed by hand, and the hint says how.
    assert_eq!(presets.len(), 38);
    assert!(info.hint.contains("type https://public.ecr.aws"), "{}", info.hint);
    assert!(info.hint.ends_with("tested against recorded exchanges only)."), "{}", info.hint);
    let shown = |at: usize| (presets[at].name.as_str(), presets[at].url.as_str());
    assert_eq!(shown(0), ("us-east-2", "https://api.ecr.us-east-2.amazonaws.com"));
    assert_eq!(shown(21), ("cn-north-1", "https://api.ecr.cn-north-1.amazonaws.com.cn"));
    assert_eq!(shown(37).0, "us-gov-west-1");
    for preset in &presets {
        assert!(Place::parse(&preset.url).is_some(), "{}", preset.url);
    }
    let chain = (info.signing[0].prefix.as_str(), info.signing[0].links);
    assert_eq!((info.signing.len(), chain), (1, ("AWS4", 5)));
    let uses = |pattern: &str| {
        let host = info.allowed_hosts.iter().find(|host| host.pattern == pattern);
        host.map(|host| host.uses.join(" ")).unwrap_or_default()
    };
    assert_eq!(uses("https://api.ecr.{R}.amazonaws.com"), "signed");
    assert_eq!(uses("https://{A}.dkr.ecr.{R}.amazonaws.com.cn"), "data signed");
    assert_eq!(uses("https://public.ecr.aws"), "data signed");
    assert_eq!(uses("https://*.cloudfront.net"), "storage");
    assert!(info.allowed_hosts.iter().all(|host| !host.uses.contains(&"credentials".to_owned())));
}

/// Whatever address is taken, its API, its registry and its layers are among the hosts asked for.
#[test]
fn every_partition_has_its_hosts() {
    let hosts = AwsEcr::describe().allowed_hosts;
    let granted = |address: &str, region: &str, wanted: &str| {
        hosts.iter().filter(|host| host.uses.iter().any(|it| it == wanted)).any(|host| {
            host.pattern.replace("{R}", region).replace("{A}", "123456789012") == address
        })
    };
    for (region, domain) in [
        ("us-east-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("us-iso-east-1", "c2s.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov"),
    ] {
        let address = format!("https://123456789012.dkr.ecr.{region}.{domain}");
        let Some(Place::Private(place)) = Place::parse(&address) else { panic!("{address}") };
        assert!(granted(&format!("https://{}", place.control), region, "signed"), "{domain}");
        assert!(granted(&place.registry("123456789012"), region, "data"), "{domain}");
        let layers = format!("https://prod-{region}-starport-layer-bucket.s3.{region}.{domain}");
        assert!(granted(&layers, region, "storage"), "{domain}");
    }
}

#[test]
fn the_schema_names_every_setting() {
    let schema: Value = serde_json::from_str(crate::repositories::SCHEMA).expect("JSON");
    let names: Vec<&String> = schema["properties"].as_object().expect("an object").keys().collect();
    assert_eq!(names, ["blob_mounting", "image_tag_mutability", "kms_key", "scan_on_push"]);
}

/// The recorded 201 of a first PATCH, and 416 of a second: why there is never one.
#[test]
fn blobs_go_in_one_put() {
    for (index, status) in [(0, 201), (1, 416)] {
        let patch = fixtures().variant("PATCH", REGISTRY, index);
        let host = started(aws(), [token(), patch]);
        let target = AwsEcr::locate(host.endpoint(), "team/app").expect("a target");
        assert_eq!((&*target.base_url, &*target.repository), (REGISTRY, "team/app"));
        assert_eq!((&*target.upload, target.max_chunk_bytes), ("single-put", None));
        assert!(!target.mount);
        let url = format!("{REGISTRY}/v2/team/app/blobs/uploads/7c0d");
        let answer = Request::new(portolan_sdk::Method::Patch, url)
            .header("Content-Range", "0-9")
            .send()
            .expect("an answer");
        assert_eq!(answer.status(), status);
        if let Err(error) = answer.success() {
            assert!(error.text().contains("First byte of the layer part"), "{error:?}");
        }
    }
}

#[test]
fn targets_are_where_the_account_is() {
    let account = "https://210987654321.dkr.ecr.us-east-1.amazonaws.com";
    // The address says it: nothing is asked.
    let host = started(at(account).settings(&json!({"blob_mounting": true})), []);
    let target = AwsEcr::locate(host.endpoint(), "app").expect("a target");
    assert_eq!((&*target.base_url, target.mount), (account, true));
    host.finish();
    // Asked once for several.
    let fips = "https://ecr-fips.us-east-1.amazonaws.com/";
    let host = started(at(fips), [token().at(fips)]);
    for _ in 0..2 {
        let target = AwsEcr::locate(host.endpoint(), "app").expect("a target");
        let expected = "https://123456789012.dkr.ecr-fips.us-east-1.amazonaws.com";
        assert_eq!(target.base_url, expected);
    }
    for name in ["a", &"a".repeat(257)] {
        let error = AwsEcr::locate(host.endpoint(), name).expect_err("no name for ECR");
        assert!(matches!(error, Error::InvalidInput(text) if text.contains("2 to 256")));
    }
}

#[test]
fn other_addresses_are_refused_with_those_that_fit() {
    let host = started(at("https://registry.example"), []);
    let error = AwsEcr::check_health(host.endpoint()).expect_err("not of AWS");
    let Error::InvalidInput(text) = error else { panic!("{error:?}") };
    assert!(text.contains("https://api.ecr.REGION.amazonaws.com"), "{text}");
}
