//! The three bodies in which a client describes a registry (contract 1.9, 2.2 to 2.6): a new one,
//! a change, a Test Connection. Each is checked once, in Harbor's order: CA, name, URL.

use portolan_core::{
    budget::Budget,
    endpoint::{self, CredentialSource, Credentials, EndpointChange, EndpointSpec, EndpointUrl},
    id::EndpointId,
    provider::AllowedHost,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::{
    extract::{Parameter, id as id_of},
    harbor::wire::{IgnoredTime, Sensitive},
    respond::ApiError,
};

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
    webhook_secret: Option<Sensitive>,
    credential_source: Option<CredentialSource>,
    budget: Option<Budget>,
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
        check_one(credential.access_secret.as_ref(), self.credential_source.as_ref())?;
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
            webhook_secret: self.webhook_secret.map(|secret| secret.0),
            credential_source: self.credential_source,
            budget: self.budget,
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
    webhook_secret: Option<Sensitive>,
    credential_source: Option<CredentialSource>,
    budget: Option<Budget>,
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
        check_one(self.access_secret.as_ref(), self.credential_source.as_ref())?;
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
            webhook_secret: self.webhook_secret.map(|secret| secret.0),
            credential_source: self.credential_source,
            budget: self.budget,
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
    credential_source: Option<CredentialSource>,
    budget: Option<Budget>,
}

impl Parameter for RegistryPing {
    const NAME: &'static str = "registry";
}

/// What a Test Connection is about.
pub(crate) enum Pinged {
    /// A stored endpoint (0 is Local) with other credentials or another provider tried on it.
    Stored(EndpointId, Box<EndpointChange>),
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
        check_one(self.access_secret.as_ref(), self.credential_source.as_ref())?;
        let mut change = EndpointChange {
            credential_type: self.credential_type,
            access_key: self.access_key,
            access_secret: self.access_secret.map(|secret| secret.0),
            credential_source: self.credential_source,
            budget: self.budget,
            ..EndpointChange::default()
        };
        if let Some(id) = self.id {
            change.provider = self.provider;
            return Ok(Pinged::Stored(EndpointId(id_of(id)), Box::new(change)));
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
        credential_source: None,
        budget: Budget::default(),
    })
}

/// A secret that is given and one that is read elsewhere: which of them counts is not guessed.
fn check_one(
    secret: Option<&Sensitive>,
    source: Option<&CredentialSource>,
) -> Result<(), ApiError> {
    let given = secret.is_some_and(|secret| !secret.0.is_empty());
    let elsewhere = source.is_some_and(|source| !matches!(source, CredentialSource::Static {}));
    if given && elsewhere {
        let text = "give an access secret or a credential source, not both";
        return Err(ApiError::invalid(text));
    }
    Ok(())
}

fn check_ca(text: Option<&str>) -> Result<(), ApiError> {
    endpoint::check_ca(text.unwrap_or("")).map_err(ApiError::invalid)
}
