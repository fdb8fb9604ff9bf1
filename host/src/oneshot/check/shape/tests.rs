//! Descriptions that are wrong in one way each.

use portolan_core::provider::{AccessKeyPattern, AllowedHost, SigningRecipe};
use serde_json::json;

use super::*;

fn info() -> AdapterInfo {
    AdapterInfo {
        provider: "acme".to_owned(),
        display_name: "Acme".to_owned(),
        description: String::new(),
        version: "1.0.0".to_owned(),
        endpoints: Some(EndpointPattern::Standard),
        credentials: Some(CredentialPattern {
            access_key: AccessKeyPattern::Standard,
            access_secret: AccessSecretPattern::Password,
        }),
        hint: "x".to_owned(),
        settings_schema: json!({}),
        allowed_hosts: Vec::new(),
        login_urls: Vec::new(),
        signing: Vec::new(),
        resources: vec!["image".to_owned()],
        min_components: 1,
        max_components: None,
        accepted_manifests: Vec::new(),
        can_push: true,
        extra: Vec::new(),
        capabilities: Default::default(),
    }
}

fn fails(verdict: Verdict) -> bool {
    verdict.is_err()
}

#[test]
fn versions_hints_and_resources() {
    for good in ["0.1.0", "1.20.3", "1.0.0-rc.1", "1.0.0+build-7", "1.0.0-a+b"] {
        assert_eq!(version(good), Ok(()), "{good}");
    }
    for bad in ["1", "1.0", "1.0.0.0", "v1.0.0", "1.02.0", "1.0.0-", "1.0.x", "1.0.0-é", "+1.0.0"]
    {
        assert!(fails(version(bad)), "{bad}");
    }
    assert!(hint("one sentence").is_ok() && fails(hint("")) && fails(hint(&"x".repeat(401))));
    let resource = |text: &str| resources(&[text.to_owned()]);
    assert!(resource("chart").is_ok() && fails(resource("helm")) && fails(resources(&[])));
}

#[test]
fn a_schema_stands_alone() {
    let good = json!({"type": "object", "properties": {"region": {"type": "string"}}});
    assert_eq!(schema(&good), Ok(()));
    for bad in [
        json!({"type": "objekt"}),
        json!({"properties": 1}),
        json!({"$ref": "file:///etc/hostname"}),
        json!({"$ref": "https://json-schema.example/other"}),
    ] {
        assert!(fails(schema(&bad)), "{bad}");
    }
}

#[test]
fn presets_are_addresses() {
    let preset = |url: &str| {
        let choice = vec![("eu".to_owned(), url.to_owned())];
        presets(&AdapterInfo { endpoints: Some(EndpointPattern::Choice(choice)), ..info() })
    };
    assert_eq!(preset("https://eu.example.com"), Ok(()));
    assert!(fails(preset("http://eu.example.com")) && fails(preset("eu.example.com")));
    let none = AdapterInfo { endpoints: Some(EndpointPattern::Choice(Vec::new())), ..info() };
    assert!(fails(presets(&none)));
}

#[test]
fn login_urls_are_where_the_secret_may_go() {
    let with = |url: &str| {
        let host = |pattern: &str, granted| AllowedHost {
            pattern: pattern.to_owned(),
            uses: vec![granted],
        };
        login_urls(&AdapterInfo {
            endpoints: Some(EndpointPattern::Fixed("hub".into(), "https://hub.example".into())),
            allowed_hosts: vec![
                host("https://auth.example", HostUse::Credentials),
                host("https://*.login.example", HostUse::Credentials),
                host("https://data.example", HostUse::Data),
            ],
            login_urls: vec![url.to_owned()],
            ..info()
        })
    };
    for good in [
        "/oauth/token",
        "https://auth.example/t",
        "https://eu.login.example/*/t",
        "https://hub.example/v2/login",
    ] {
        assert_eq!(with(good), Ok(()), "{good}");
    }
    for bad in ["https://data.example/t", "https://login.example/t", "http://auth.example/t", "x"] {
        assert!(fails(with(bad)), "{bad}");
    }
}

#[test]
fn recipes_are_ones_the_host_knows() {
    let recipe = |algorithm: &str, links| SigningRecipe {
        algorithm: algorithm.to_owned(),
        prefix: String::new(),
        suffix: String::new(),
        links,
    };
    let with = |algorithm, links| {
        signing(&AdapterInfo { signing: vec![recipe(algorithm, links)], ..info() })
    };
    assert!(with("hmac-sha256", 4).is_ok() && with("rs256", 0).is_ok());
    assert!(fails(with("hmac-sha256", 0)) && fails(with("rs256", 1)) && fails(with("md5", 1)));
    let asked = CredentialPattern {
        access_key: AccessKeyPattern::None,
        access_secret: AccessSecretPattern::None,
    };
    let nobody =
        AdapterInfo { signing: vec![recipe("rs256", 0)], credentials: Some(asked), ..info() };
    assert!(fails(signing(&nobody)));
    // The form's own default asks for a name and a password.
    assert_eq!(signing(&AdapterInfo { credentials: None, ..nobody }), Ok(()));
}
