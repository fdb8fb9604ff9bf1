//! The JSON of `registry.rs`, as clients read and write it.

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    secret::Secret,
};
use serde_json::{json, to_value};
use time::macros::datetime;

use super::*;
use crate::api::{
    extract::{Parameter, parse_json},
    respond::ApiError,
};

/// A certificate's shape: a sequence of two sequences and a bit string.
const CA: &str = "-----BEGIN CERTIFICATE-----\nMAYwADAAAwA=\n-----END CERTIFICATE-----";

fn read<T: Parameter>(body: Value) -> Result<T, ApiError> {
    parse_json(body.to_string().as_bytes())
}

fn new(body: Value) -> Result<(EndpointSpec, Credentials), ApiError> {
    read::<NewRegistry>(body)?.check()
}

fn shown(secret: &Option<Secret>) -> Option<&str> {
    secret.as_ref().map(Secret::expose)
}

fn stored(body: Value) -> Endpoint {
    let (spec, credentials) = new(body).unwrap();
    Endpoint {
        id: EndpointId(7),
        spec,
        has_secret: credentials.access_secret.is_some(),
        generation: 1,
        health: Health::Healthy,
        created: datetime!(2026-11-21 16:20:00.123 UTC),
        updated: datetime!(2026-11-21 17:20:00 UTC),
    }
}

#[test]
fn contract_1_9_the_smallest_registry_shows_little() {
    let endpoint = stored(json!({"name": "a", "type": "docker-registry", "url": "h:5000/"}));
    let expected = json!({"id": 7, "name": "a", "type": "docker-registry", "url": "http://h:5000",
        "credential": {}, "status": "healthy", "creation_time": "2026-11-21T16:20:00.123Z",
        "update_time": "2026-11-21T17:20:00.000Z"});
    assert_eq!(to_value(Registry::from(&endpoint)).unwrap(), expected);
}

#[test]
fn contract_1_9_a_whole_registry_shows_everything_but_secrets() {
    let mut endpoint = stored(json!({"name": "a", "description": "d", "type": "harbor",
        "url": "https://h", "insecure": true, "ca_certificate": CA,
        "credential": {"access_key": "admin", "access_secret": "S3cret"},
        "settings": {"region": "eu"}, "client_certificate": "PEM", "client_key": "K3y",
        "allowed_hosts": [{"pattern": "https://auth.h", "uses": ["credentials"]}],
        "proxy": "http://u:Pr0xy@proxy:3128"}));
    endpoint.health = Health::Unhealthy("why".to_owned());
    let expected = json!({"id": 7, "name": "a", "description": "d", "type": "harbor",
        "url": "https://h", "insecure": true, "ca_certificate": CA,
        "credential": {"type": "basic", "access_key": "admin", "access_secret": "*****"},
        "status": "unhealthy", "status_text": "why", "creation_time": "2026-11-21T16:20:00.123Z",
        "update_time": "2026-11-21T17:20:00.000Z", "settings": {"region": "eu"},
        "allowed_hosts": [{"pattern": "https://auth.h", "uses": ["credentials"]}],
        "proxy": "http://proxy:3128", "client_certificate": "PEM", "client_key": "*****"});
    assert_eq!(to_value(Registry::from(&endpoint)).unwrap(), expected);
}

#[test]
fn contract_1_9_a_source_of_credentials_is_shown_and_excludes_a_secret() {
    let source = json!({"kind": "exec", "helper": "ecr-login"});
    let body = json!({"name": "a", "type": "t", "url": "h", "credential_source": source});
    let shown = to_value(Registry::from(&stored(body.clone()))).unwrap();
    assert_eq!((&shown["credential_source"], &shown["credential"]), (&source, &json!({})));
    let mut both = body.clone();
    both["credential"] = json!({"access_key": "k", "access_secret": "s"});
    assert!(format!("{:?}", new(both).map(|_| ()).unwrap_err()).contains("not both"));
    for odd in [json!({"kind": "vault"}), json!("file:/x"), json!({"kind": "file"})] {
        let mut body = body.clone();
        body["credential_source"] = odd;
        assert!(format!("{:?}", new(body).map(|_| ()).unwrap_err()).contains("422"));
    }
    let both = json!({"access_secret": "s", "credential_source": source});
    assert!(read::<RegistryUpdate>(both.clone()).unwrap().check().is_err());
    assert!(read::<RegistryPing>(both).unwrap().check().is_err());
    let back = json!({"access_secret": "s", "credential_source": {"kind": "static"}});
    assert!(read::<RegistryUpdate>(back).unwrap().check().is_ok());
}

#[test]
fn contract_1_9_a_budget_is_shown_where_there_is_one() {
    let budget = json!({"bytes_per_second": 1_000_000, "requests_per_minute": 100});
    let body = json!({"name": "a", "type": "t", "url": "h", "budget": budget});
    let endpoint = stored(body.clone());
    assert_eq!(to_value(Registry::from(&endpoint)).unwrap()["budget"], budget);
    let put = |body: Value| {
        let change = read::<RegistryUpdate>(body).unwrap().check().unwrap();
        change.apply(endpoint.spec.clone(), Credentials::default()).0.budget
    };
    assert_eq!(put(json!({"description": "d"})), endpoint.spec.budget, "absent is unchanged");
    assert_eq!(put(json!({"budget": null})), endpoint.spec.budget, "so is null");
    assert_eq!(put(json!({"budget": {"bytes_per_second": 5}})).requests_per_minute, 0);
    assert!(put(json!({"budget": {}})).is_unlimited());
    for odd in [json!({"bytes_per_second": -1}), json!({"requests": 1}), json!(7)] {
        let mut body = body.clone();
        body["budget"] = odd;
        assert!(format!("{:?}", new(body).map(|_| ()).unwrap_err()).contains("422"));
    }
}

#[test]
fn contract_1_9_local_is_synthetic() {
    let mut endpoint = stored(json!({"name": "Local", "type": "harbor", "url": "http://core:8080",
        "insecure": true}));
    endpoint.id = EndpointId::LOCAL;
    let expected = json!({"id": 0, "name": "Local", "type": "harbor", "url": "http://core:8080",
        "insecure": true, "credential": {"access_secret": "*****", "type": "secret"},
        "status": "healthy", "creation_time": "0001-01-01T00:00:00.000Z",
        "update_time": "0001-01-01T00:00:00.000Z"});
    assert_eq!(to_value(Registry::from(&endpoint)).unwrap(), expected);
}

#[test]
fn contract_1_9_a_registry_that_is_gone_still_has_an_id() {
    let expected = json!({"id": 9, "credential": {}, "creation_time": "0001-01-01T00:00:00.000Z",
        "update_time": "0001-01-01T00:00:00.000Z"});
    assert_eq!(to_value(Registry::gone(EndpointId(9))).unwrap(), expected);
}

#[test]
fn contract_1_9_secrets_need_a_key() {
    let cases = [
        (json!({"access_key": "k", "access_secret": "s", "type": "oauth"}), Some("s"), "oauth"),
        (json!({"access_key": "k", "access_secret": "s", "type": ""}), Some("s"), "basic"),
        (json!({"access_key": "", "access_secret": "s", "type": "oauth"}), None, "basic"),
        (json!({"access_secret": "s"}), None, "basic"),
        (json!({"access_key": "k"}), None, "basic"),
        (json!({"type": "basic"}), None, "basic"),
        (json!(null), None, "basic"),
    ];
    for (credential, secret, kind) in cases {
        let body = json!({"name": "a", "type": "t", "url": "h", "credential": credential});
        let (spec, credentials) = new(body).unwrap();
        assert_eq!(shown(&credentials.access_secret), secret, "{credential}");
        assert_eq!(spec.credential_type, kind, "{credential}");
    }
}

#[test]
fn contract_1_9_what_a_new_registry_may_not_be() {
    let cases = [
        (json!({}), "400"),
        (json!({"name": "", "url": "h"}), "name of an endpoint"),
        (json!({"name": "é".repeat(33), "url": "h"}), "name of an endpoint"),
        (json!({"name": "a"}), "endpoint address"),
        (json!({"name": "a", "url": " / "}), "endpoint address"),
        (json!({"name": "a", "url": "ftp://h"}), "endpoint address"),
        (json!({"name": "", "url": "", "ca_certificate": "x"}), "CA certificate"),
        (json!({"name": 1}), "422"),
        (json!({"insecure": "true"}), "422"),
        (json!({"allowed_hosts": ["h"]}), "422"),
        (json!({"update_time": "never"}), "422"),
    ];
    for (body, expected) in cases {
        let error = format!("{:?}", new(body.clone()).map(|_| ()).unwrap_err());
        assert!(error.contains(expected), "{body}: {error}");
    }
    let good = json!({"name": "x".repeat(64), "url": "h", "ca_certificate": " \n", "id": "x",
        "credential": {"unknown": 1}, "creation_time": "2026-11-21T16:20:00Z"});
    assert_eq!(new(good).unwrap().0.ca_certificate, None);
}

#[test]
fn contract_1_9_an_update_is_flat_and_keeps_what_is_absent() {
    let nothing = json!({"id": 3, "type": "x", "credential": {"access_key": 1}, "name": null});
    let change = read::<RegistryUpdate>(nothing).unwrap().check().unwrap();
    assert!(change.name.is_none() && change.provider.is_none() && change.access_key.is_none());
    let change = read::<RegistryUpdate>(json!({"access_key": "", "access_secret": "*****",
        "url": "https://x/", "ca_certificate": "", "insecure": false, "description": ""}));
    let change = change.unwrap().check().unwrap();
    assert_eq!(change.access_key.as_deref(), Some(""));
    assert_eq!(shown(&change.access_secret), Some("*****"));
    assert_eq!(change.url.unwrap().as_str(), "https://x");
    assert_eq!(change.ca_certificate.as_deref(), Some(""));
    assert_eq!((change.insecure, change.description.as_deref()), (Some(false), Some("")));
    let bad = [
        json!({"name": ""}),
        json!({"url": ""}),
        json!({"url": "//"}),
        json!({"ca_certificate": "x"}),
    ];
    for body in bad {
        let update = read::<RegistryUpdate>(body.clone()).unwrap();
        assert!(update.check().is_err(), "{body}");
    }
}

#[test]
fn contract_1_9_a_ping_with_an_id_ignores_the_address() {
    let body = json!({"id": 0, "url": "ftp://x", "ca_certificate": "bad", "insecure": true,
        "access_key": "k", "access_secret": "s", "type": "harbor"});
    let Pinged::Stored(id, change) = read::<RegistryPing>(body).unwrap().check().unwrap() else {
        panic!("an id was given");
    };
    assert_eq!(id, EndpointId::LOCAL);
    assert!(change.url.is_none() && change.ca_certificate.is_none() && change.insecure.is_none());
    assert_eq!(change.provider.as_deref(), Some("harbor"));
    assert_eq!(shown(&change.access_secret), Some("s"));
    let body = json!({"type": "harbor", "url": "h", "access_key": "k", "access_secret": "s"});
    let Pinged::Given(spec, credentials) = read::<RegistryPing>(body).unwrap().check().unwrap()
    else {
        panic!("no id was given");
    };
    assert_eq!((spec.provider.as_str(), spec.url.as_str()), ("harbor", "http://h"));
    assert_eq!(shown(&credentials.access_secret), Some("s"));
    let bad = [
        json!({"url": "h"}),
        json!({"type": "harbor"}),
        json!({"type": "", "url": "h"}),
        json!({"type": "harbor", "url": "h", "ca_certificate": "bad"}),
    ];
    for body in bad {
        assert!(read::<RegistryPing>(body.clone()).unwrap().check().is_err(), "{body}");
    }
}
