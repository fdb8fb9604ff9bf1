//! The JSON of `adapter.rs`, as clients read and write it.

use portolan_core::provider::Capabilities;
use serde_json::{json, to_value};

use super::*;

fn adapter(provider: &str) -> AdapterInfo {
    AdapterInfo {
        provider: provider.to_owned(),
        display_name: String::new(),
        description: String::new(),
        version: "1.0.0".to_owned(),
        endpoints: None,
        credentials: None,
        hint: String::new(),
        settings_schema: serde_json::Value::Null,
        allowed_hosts: Vec::new(),
        login_urls: Vec::new(),
        signing: Vec::new(),
        resources: vec!["image".to_owned()],
        min_components: 1,
        max_components: None,
        accepted_manifests: Vec::new(),
        can_push: true,
        extra: Vec::new(),
        capabilities: Capabilities::default(),
    }
}

#[test]
fn contract_1_9_info_of_a_plain_registry() {
    let info = EndpointInfo { adapter: adapter("docker-registry"), labels: Vec::new() };
    let expected = json!({"type": "docker-registry", "supported_resource_filters": [
            {"type": "name", "style": "input", "values": null},
            {"type": "tag", "style": "input", "values": null},
            {"type": "resource", "style": "radio", "values": ["image"]}],
        "supported_triggers": ["manual", "scheduled"]});
    assert_eq!(to_value(RegistryInfo::new(info, false)).unwrap(), expected);
}

#[test]
fn contract_1_9_info_of_a_harbor() {
    let mut harbor = adapter("harbor");
    harbor.description = "d".to_owned();
    harbor.resources = vec!["image".to_owned(), "artifact".to_owned()];
    harbor.capabilities.labels = true;
    harbor.extra.push(("supported_copy_by_chunk".to_owned(), "true".to_owned()));
    let info = |labels| EndpointInfo { adapter: harbor.clone(), labels };
    let expected = json!({"type": "harbor", "description": "d", "supported_resource_filters": [
            {"type": "name", "style": "input", "values": null},
            {"type": "tag", "style": "input", "values": null},
            {"type": "label", "style": "list", "values": ["l"]},
            {"type": "resource", "style": "radio", "values": ["image", "artifact"]}],
        "supported_triggers": ["manual", "scheduled", "event_based"],
        "supported_copy_by_chunk": true});
    let shown = to_value(RegistryInfo::new(info(vec!["l".to_owned()]), true)).unwrap();
    assert_eq!(shown, expected);
    let shown = to_value(RegistryInfo::new(info(Vec::new()), true)).unwrap();
    assert_eq!(shown["supported_resource_filters"][2]["values"], json!(null));
}

#[test]
fn contract_1_9_names_are_sorted_by_bytes() {
    let adapters = ["quay", "huawei-SWR", "harbor", "Zot"].map(adapter).to_vec();
    assert_eq!(names(adapters), ["Zot", "harbor", "huawei-SWR", "quay"]);
}

#[test]
fn contract_1_9_patterns_of_providers_that_have_one() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut hub = adapter("docker-hub");
    hub.endpoints = Some(EndpointPattern::Fixed("hub.docker.com".into(), "https://hub".into()));
    let mut gcr = adapter("google-gcr");
    gcr.endpoints = Some(EndpointPattern::Choice(vec![pair("a", "https://a"), pair("b", "b")]));
    gcr.credentials = Some(CredentialPattern {
        access_key: AccessKeyPattern::Fixed("_json_key".to_owned()),
        access_secret: AccessSecretPattern::File("No Change".to_owned()),
    });
    let mut quay = adapter("quay");
    quay.endpoints = Some(EndpointPattern::Standard);
    quay.credentials = Some(CredentialPattern {
        access_key: AccessKeyPattern::Standard,
        access_secret: AccessSecretPattern::Password,
    });
    let mut open = adapter("open");
    open.credentials = Some(CredentialPattern {
        access_key: AccessKeyPattern::None,
        access_secret: AccessSecretPattern::None,
    });
    // What the form asks for anyway is no pattern.
    let usual = Some(CredentialPattern {
        access_key: AccessKeyPattern::Standard,
        access_secret: AccessSecretPattern::Password,
    });
    hub.credentials = usual.clone();
    let azure = AdapterInfo { credentials: usual, ..adapter("azure-acr") };
    let mut charts = adapter("artifact-hub");
    charts.endpoints = Some(EndpointPattern::Fixed("artifacthub.io".into(), "https://ah".into()));
    charts.credentials = open.credentials.clone();
    let all = vec![quay, gcr, hub, open, azure, charts, adapter("harbor")];
    let shown = to_value(patterns(all)).unwrap();
    let expected = json!({
        "artifact-hub": {"endpoint_pattern": {"endpoint_type": "EndpointPatternTypeFix",
            "endpoints": [{"key": "artifacthub.io", "value": "https://ah"}]}},
        "docker-hub": {"endpoint_pattern": {"endpoint_type": "EndpointPatternTypeFix",
            "endpoints": [{"key": "hub.docker.com", "value": "https://hub"}]}},
        "google-gcr": {
            "endpoint_pattern": {"endpoint_type": "EndpointPatternTypeList", "endpoints": [
                {"key": "a", "value": "https://a"}, {"key": "b", "value": "b"}]},
            "credential_pattern": {"access_key_type": "AccessKeyTypeFix",
                "access_key_data": "_json_key", "access_secret_type": "AccessSecretTypeFile",
                "access_secret_data": "No Change"}},
        "open": {},
        "quay": {
            "endpoint_pattern": {"endpoint_type": "EndpointPatternTypeStandard",
                "endpoints": null},
            "credential_pattern": {"access_key_type": "AccessKeyTypeStandard",
                "access_secret_type": "AccessSecretTypePass"}},
    });
    assert_eq!(shown, expected);
}
