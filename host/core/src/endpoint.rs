//! Endpoints: where a registry is, and how to reach it. Harbor's API calls them registries.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{id::EndpointId, provider::AllowedHost, secret::Secret};

pub mod address;

pub use address::{EndpointUrl, InvalidUrl};

/// Longest name, in bytes (Harbor: varchar(64)).
pub const MAX_NAME: usize = 64;

/// What an administrator says of an endpoint, checked.
///
/// Secrets are not part of it: they travel beside it as [`Credentials`] and are sealed apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSpec {
    /// Unique name, 1 to 64 bytes.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Provider id, e.g. `harbor`.
    pub provider: String,
    /// Base address.
    pub url: EndpointUrl,
    /// User name, robot name or access key id; not secret. `None` is anonymous.
    pub access_key: Option<String>,
    /// `basic`, `oauth`, `secret`: kept for Harbor's clients, not interpreted.
    pub credential_type: String,
    /// Whether certificates are not verified. Ignored where `ca_certificate` is set.
    pub insecure: bool,
    /// PEM bundle trusted besides the platform's roots.
    pub ca_certificate: Option<String>,
    /// The adapter's settings, a JSON object.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Hosts the administrator adds for this endpoint.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Proxy URL, without credentials in it; `None` goes direct.
    pub proxy: Option<String>,
    /// Client certificate chain (PEM).
    pub client_certificate: Option<String>,
}

/// Why an endpoint's name cannot be.
#[derive(Debug, thiserror::Error)]
#[error("the name of an endpoint has 1 to 64 bytes; this one has {0}")]
pub struct InvalidName(usize);

/// Checks the name rule of an endpoint.
///
/// # Errors
/// When the name is empty or longer than [`MAX_NAME`] bytes.
pub fn check_name(name: &str) -> Result<(), InvalidName> {
    match name.len() {
        1..=MAX_NAME => Ok(()),
        other => Err(InvalidName(other)),
    }
}

/// The secrets of an endpoint.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Password, token, key: the access secret.
    pub access_secret: Option<Secret>,
    /// Key of the client certificate (PEM).
    pub client_key: Option<Secret>,
    /// `user:password` for the proxy.
    pub proxy_credentials: Option<Secret>,
}

/// A stored endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id, 1 or more.
    pub id: EndpointId,
    /// What the administrator said.
    pub spec: EndpointSpec,
    /// Whether an access secret is stored.
    pub has_secret: bool,
    /// Counts changes of address or credentials: caches are scoped to it.
    pub generation: u64,
    /// Last known health.
    pub health: Health,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated: OffsetDateTime,
}

/// Whether an endpoint worked when it was last tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// It answered, and took the credentials.
    Healthy,
    /// It did not; why.
    Unhealthy(String),
    /// Not tried yet.
    Unknown,
}

/// A change of an endpoint: what is absent is kept (contract 2.4).
#[derive(Clone, Default)]
pub struct EndpointChange {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New provider: only for a ping, never stored.
    pub provider: Option<String>,
    /// New address. Without `access_secret` beside it, a real change wipes the stored secrets.
    pub url: Option<EndpointUrl>,
    /// New credential type.
    pub credential_type: Option<String>,
    /// New access ID; empty removes ID and secret.
    pub access_key: Option<String>,
    /// New access secret; empty removes it.
    pub access_secret: Option<Secret>,
    /// Whether certificates are not verified.
    pub insecure: Option<bool>,
    /// New CA bundle; empty removes it.
    pub ca_certificate: Option<String>,
    /// New settings.
    pub settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// New allowed hosts.
    pub allowed_hosts: Option<Vec<AllowedHost>>,
    /// New proxy; empty removes it. Credentials in its URL are taken out and kept apart.
    pub proxy: Option<String>,
    /// New client certificate; empty removes it and its key.
    pub client_certificate: Option<String>,
    /// New client key.
    pub client_key: Option<Secret>,
}

impl EndpointChange {
    /// What comes of applying it.
    #[must_use]
    pub fn apply(
        self,
        spec: EndpointSpec,
        credentials: Credentials,
    ) -> (EndpointSpec, Credentials) {
        (spec, credentials)
    }
}
