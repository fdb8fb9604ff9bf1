//! `Registry` and its three request forms (contract 1.9, 2.2 to 2.5), with our additions.

use portolan_core::{
    endpoint::{self, Credentials, Endpoint, EndpointChange, EndpointSpec, EndpointUrl, Health},
    id::EndpointId,
    provider::AllowedHost,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{IgnoredTime, MASK, Sensitive, Time, is_zero};
use crate::api::{extract::Parameter, respond::ApiError};

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
            creation_time: Time::UNSET,
            update_time: Time::UNSET,
            settings: Map::new(),
            allowed_hosts: Vec::new(),
            proxy: None,
            client_certificate: None,
            client_key: "",
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
            creation_time: time(endpoint.created),
            update_time: time(endpoint.updated),
            settings: spec.settings.clone(),
            allowed_hosts: spec.allowed_hosts.clone(),
            proxy: spec.proxy.clone(),
            client_certificate: spec.client_certificate.clone(),
            client_key: if spec.client_certificate.is_some() { MASK } else { "" },
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

/// Body of `POST /registries`.
#[derive(Default, Deserialize)]
pub(crate) struct NewRegistry {
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "type")]
    provider: Option<String>,
    url: Option<String>,
    insecure: Option<bool>,
    ca_certificate: Option<String>,
    credential: Option<NewCredential>,
    #[serde(rename = "creation_time")]
    _creation_time: Option<IgnoredTime>,
    #[serde(rename = "update_time")]
    _update_time: Option<IgnoredTime>,
    settings: Option<Map<String, Value>>,
    allowed_hosts: Option<Vec<AllowedHost>>,
    proxy: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<Sensitive>,
}

#[derive(Default, Deserialize)]
struct NewCredential {
    #[serde(rename = "type")]
    kind: Option<String>,
    access_key: Option<String>,
    access_secret: Option<Sensitive>,
}

impl Parameter for NewRegistry {
    const NAME: &'static str = "registry";
}

impl NewRegistry {
    /// The endpoint to be made, checked in Harbor's order: CA, name, URL.
    ///
    /// # Errors
    /// 400 with the rule that is broken.
    pub(crate) fn check(self) -> Result<(EndpointSpec, Credentials), ApiError> {
        check_ca(self.ca_certificate.as_deref())?;
        let name = self.name.unwrap_or_default();
        endpoint::check_name(&name).map_err(ApiError::invalid)?;
        let blank = blank(name, self.provider, self.url.as_deref())?;
        let credential = self.credential.unwrap_or_default();
        let change = EndpointChange {
            description: self.description,
            credential_type: credential.kind,
            access_key: credential.access_key,
            access_secret: credential.access_secret.map(|secret| secret.0),
            insecure: self.insecure,
            ca_certificate: self.ca_certificate,
            settings: self.settings,
            allowed_hosts: self.allowed_hosts,
            proxy: self.proxy,
            client_certificate: self.client_certificate,
            client_key: self.client_key.map(|key| key.0),
            ..EndpointChange::default()
        };
        // A new endpoint is a change of a blank one: both keep the same rules.
        Ok(change.apply(blank, Credentials::default()))
    }
}

/// Body of `PUT /registries/{id}`: flat; what is absent or null is kept.
#[derive(Default, Deserialize)]
pub(crate) struct RegistryUpdate {
    name: Option<String>,
    description: Option<String>,
    url: Option<String>,
    credential_type: Option<String>,
    access_key: Option<String>,
    access_secret: Option<Sensitive>,
    insecure: Option<bool>,
    ca_certificate: Option<String>,
    settings: Option<Map<String, Value>>,
    allowed_hosts: Option<Vec<AllowedHost>>,
    proxy: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<Sensitive>,
}

impl Parameter for RegistryUpdate {
    const NAME: &'static str = "registry";
}

impl RegistryUpdate {
    /// The change that is asked for.
    ///
    /// # Errors
    /// 400 with the rule that is broken.
    pub(crate) fn check(self) -> Result<EndpointChange, ApiError> {
        check_ca(self.ca_certificate.as_deref())?;
        if let Some(name) = &self.name {
            endpoint::check_name(name).map_err(ApiError::invalid)?;
        }
        Ok(EndpointChange {
            name: self.name,
            description: self.description,
            provider: None,
            url: self.url.as_deref().map(address).transpose()?,
            credential_type: self.credential_type,
            access_key: self.access_key,
            access_secret: self.access_secret.map(|secret| secret.0),
            insecure: self.insecure,
            ca_certificate: self.ca_certificate,
            settings: self.settings,
            allowed_hosts: self.allowed_hosts,
            proxy: self.proxy,
            client_certificate: self.client_certificate,
            client_key: self.client_key.map(|key| key.0),
        })
    }
}

/// Body of `POST /registries/ping`.
#[derive(Default, Deserialize)]
pub(crate) struct RegistryPing {
    id: Option<i64>,
    #[serde(rename = "type")]
    provider: Option<String>,
    url: Option<String>,
    credential_type: Option<String>,
    access_key: Option<String>,
    access_secret: Option<Sensitive>,
    insecure: Option<bool>,
    ca_certificate: Option<String>,
    settings: Option<Map<String, Value>>,
    allowed_hosts: Option<Vec<AllowedHost>>,
    proxy: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<Sensitive>,
}

impl Parameter for RegistryPing {
    const NAME: &'static str = "registry";
}

/// What a Test Connection is about.
pub(crate) enum Pinged {
    /// A stored endpoint (0 is Local) with other credentials or another provider tried on it.
    Stored(EndpointId, EndpointChange),
    /// Settings that are not stored.
    Given(Box<EndpointSpec>, Credentials),
}

impl RegistryPing {
    /// What is to be tried. With an id, only provider and credentials of the body count
    /// (contract 2.5): everything else is neither used nor checked.
    ///
    /// # Errors
    /// 400 with the rule that is broken.
    pub(crate) fn check(self) -> Result<Pinged, ApiError> {
        let mut change = EndpointChange {
            credential_type: self.credential_type,
            access_key: self.access_key,
            access_secret: self.access_secret.map(|secret| secret.0),
            ..EndpointChange::default()
        };
        if let Some(id) = self.id {
            change.provider = self.provider;
            return Ok(Pinged::Stored(EndpointId(crate::api::extract::id(id)), change));
        }
        check_ca(self.ca_certificate.as_deref())?;
        if self.provider.as_deref().unwrap_or("").is_empty() {
            return Err(ApiError::invalid("the type of the registry is missing"));
        }
        let blank = blank(String::new(), self.provider, self.url.as_deref())?;
        change.insecure = self.insecure;
        change.ca_certificate = self.ca_certificate;
        change.settings = self.settings;
        change.allowed_hosts = self.allowed_hosts;
        change.proxy = self.proxy;
        change.client_certificate = self.client_certificate;
        change.client_key = self.client_key.map(|key| key.0);
        let (spec, credentials) = change.apply(blank, Credentials::default());
        Ok(Pinged::Given(Box::new(spec), credentials))
    }
}

fn address(text: &str) -> Result<EndpointUrl, ApiError> {
    text.parse().map_err(ApiError::invalid)
}

fn blank(
    name: String,
    provider: Option<String>,
    url: Option<&str>,
) -> Result<EndpointSpec, ApiError> {
    Ok(EndpointSpec {
        name,
        description: String::new(),
        provider: provider.unwrap_or_default(),
        url: address(url.unwrap_or(""))?,
        access_key: None,
        credential_type: String::new(),
        insecure: false,
        ca_certificate: None,
        settings: Map::new(),
        allowed_hosts: Vec::new(),
        proxy: None,
        client_certificate: None,
    })
}

fn check_ca(text: Option<&str>) -> Result<(), ApiError> {
    endpoint::check_ca(text.unwrap_or("")).map_err(ApiError::invalid)
}

#[cfg(test)]
mod tests;
