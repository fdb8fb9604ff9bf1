//! Endpoints for the tests of this module.

use std::sync::Arc;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    provider::{AdapterInfo, Capabilities},
    secret::Secret,
};

use super::{
    Limits,
    account::Account,
    bound::{self, Bound, Rights},
    echo::Echo,
    memory::Memory,
};
use crate::net;

/// An endpoint of the provider `test`, used as `robot`.
pub(super) fn spec(url: &str) -> EndpointSpec {
    EndpointSpec {
        access_key: Some("robot".to_owned()),
        ..EndpointSpec::new("test", "test", url.parse().unwrap())
    }
}

/// What an adapter says that asks for nothing.
pub(super) fn info() -> AdapterInfo {
    AdapterInfo {
        provider: "test".to_owned(),
        display_name: "Test".to_owned(),
        description: String::new(),
        version: "1.0.0".to_owned(),
        endpoints: None,
        credentials: None,
        hint: String::new(),
        settings_schema: serde_json::json!({}),
        allowed_hosts: Vec::new(),
        login_urls: Vec::new(),
        signing: Vec::new(),
        resources: Vec::new(),
        min_components: 1,
        max_components: None,
        accepted_manifests: Vec::new(),
        can_push: true,
        extra: Vec::new(),
        capabilities: Capabilities::default(),
    }
}

/// A client of an endpoint that is not there.
pub(super) fn client() -> net::Client {
    let spec = spec("https://registry.example");
    bound::client(&spec, &Credentials::default(), &[], (&[], Arc::default())).unwrap()
}

/// The same, as the imports see it.
pub(super) fn bound(url: &str, secret: Option<&str>) -> Bound {
    let spec = spec(url);
    let secret = secret.map(|text| Secret::new(text.to_owned()));
    let client = bound::client(&spec, &Credentials::default(), &[], (&[], Arc::default())).unwrap();
    Bound {
        id: "7".to_owned(),
        provider: spec.provider.clone(),
        url: spec.url,
        echo: Echo::new(&secret),
        public_parts: Vec::new(),
        account: Account { key: spec.access_key, secret },
        session_token: None,
        settings: "{}".to_owned(),
        rights: Rights { login_urls: Vec::new(), signing: Vec::new() },
        memory: Arc::new(Memory::new(client, Default::default())),
        limits: Limits::default(),
    }
}
