//! `Registry` as it is shown (contract 1.9, 2.8), with our additions: never a secret, only that
//! there is one.

mod body;

use portolan_core::{
    budget::Budget,
    endpoint::{CredentialSource, Endpoint, Health},
    id::EndpointId,
    provider::AllowedHost,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{MASK, Time, is_zero};

pub(crate) use body::{NewRegistry, Pinged, RegistryPing, RegistryUpdate};

/// An endpoint as Harbor shows a registry.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Registry {
    id: u64,
    #[serde(skip_serializing_if = "is_zero")]
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    description: String,
    #[serde(rename = "type", skip_serializing_if = "is_zero")]
    provider: String,
    #[serde(skip_serializing_if = "is_zero")]
    url: String,
    #[serde(skip_serializing_if = "is_zero")]
    insecure: bool,
    #[serde(skip_serializing_if = "is_zero")]
    ca_certificate: Option<String>,
    credential: Credential,
    #[serde(skip_serializing_if = "is_zero")]
    status: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    status_text: String,
    creation_time: Time,
    update_time: Time,
    #[serde(skip_serializing_if = "Map::is_empty")]
    settings: Map<String, Value>,
    #[serde(skip_serializing_if = "is_zero")]
    allowed_hosts: Vec<AllowedHost>,
    #[serde(skip_serializing_if = "is_zero")]
    proxy: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    client_certificate: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    client_key: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    credential_source: Option<CredentialSource>,
    #[serde(skip_serializing_if = "Budget::is_unlimited")]
    budget: Budget,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Credential {
    #[serde(rename = "type", skip_serializing_if = "is_zero")]
    kind: String,
    #[serde(skip_serializing_if = "is_zero")]
    access_key: String,
    #[serde(skip_serializing_if = "is_zero")]
    access_secret: &'static str,
}

impl Registry {
    /// What is shown of an endpoint that vanished between two reads: its id alone.
    pub(crate) fn gone(id: EndpointId) -> Self {
        Self {
            id: id.0,
            name: String::new(),
            description: String::new(),
            provider: String::new(),
            url: String::new(),
            insecure: false,
            ca_certificate: None,
            credential: Credential::default(),
            status: "",
            status_text: String::new(),
            creation_time: Time::UNSET,
            update_time: Time::UNSET,
            settings: Map::new(),
            allowed_hosts: Vec::new(),
            proxy: None,
            client_certificate: None,
            client_key: "",
            credential_source: None,
            budget: Budget::default(),
        }
    }
}

impl From<&Endpoint> for Registry {
    fn from(endpoint: &Endpoint) -> Self {
        let Endpoint { id, spec, .. } = endpoint;
        let local = *id == EndpointId::LOCAL;
        let time = |instant| if local { Time::UNSET } else { Time::from(instant) };
        Self {
            id: id.0,
            name: spec.name.clone(),
            description: spec.description.clone(),
            provider: spec.provider.clone(),
            url: spec.url.to_string(),
            insecure: spec.insecure,
            ca_certificate: spec.ca_certificate.clone(),
            credential: credential(endpoint),
            status: status(&endpoint.health),
            status_text: status_text(&endpoint.health),
            creation_time: time(endpoint.created),
            update_time: time(endpoint.updated),
            settings: spec.settings.clone(),
            allowed_hosts: spec.allowed_hosts.clone(),
            proxy: spec.proxy.clone(),
            client_certificate: spec.client_certificate.clone(),
            client_key: if spec.client_certificate.is_some() { MASK } else { "" },
            credential_source: spec.credential_source.clone(),
            budget: spec.budget,
        }
    }
}

/// `{}` where the endpoint is anonymous; Local always shows a masked `secret`, as in Harbor.
fn credential(endpoint: &Endpoint) -> Credential {
    let spec = &endpoint.spec;
    let access_key = spec.access_key.clone().unwrap_or_default();
    if endpoint.id == EndpointId::LOCAL {
        return Credential { kind: "secret".to_owned(), access_key, access_secret: MASK };
    }
    if access_key.is_empty() && !endpoint.has_secret {
        return Credential::default();
    }
    let access_secret = if endpoint.has_secret { MASK } else { "" };
    Credential { kind: spec.credential_type.clone(), access_key, access_secret }
}

fn status(health: &Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Unhealthy(_) => "unhealthy",
        Health::Unknown => "",
    }
}

/// Why an endpoint is unhealthy.
fn status_text(health: &Health) -> String {
    match health {
        Health::Unhealthy(why) => why.clone(),
        Health::Healthy | Health::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests;
