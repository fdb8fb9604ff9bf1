//! Endpoints: where a registry is, and how to reach it. Harbor's API calls them registries.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{budget::Budget, id::EndpointId, provider::AllowedHost, secret::Secret};

pub mod address;
mod ca;
mod change;
mod columns;
mod source;

pub use address::{EndpointUrl, InvalidUrl};
pub use ca::{InvalidCa, check_ca};
pub use change::EndpointChange;
pub use source::{CredentialSource, InvalidSource};

/// Longest name, in bytes (Harbor: varchar(64)).
pub const MAX_NAME: usize = 64;

/// The time of what has none: Local was never made.
pub const NEVER: OffsetDateTime = time::macros::datetime!(0001-01-01 00:00 UTC);

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
    /// Where the access secret is read from, in place of a stored one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_source: Option<CredentialSource>,
    /// What all work with it together may use.
    #[serde(default, skip_serializing_if = "Budget::is_unlimited")]
    pub budget: Budget,
}

impl EndpointSpec {
    /// An endpoint that is reached directly and without credentials, certificates verified.
    #[must_use]
    pub fn new(name: impl Into<String>, provider: impl Into<String>, url: EndpointUrl) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            provider: provider.into(),
            url,
            access_key: None,
            credential_type: "basic".to_owned(),
            insecure: false,
            ca_certificate: None,
            settings: serde_json::Map::new(),
            allowed_hosts: Vec::new(),
            proxy: None,
            client_certificate: None,
            credential_source: None,
            budget: Budget::default(),
        }
    }
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
    /// What the registry's webhooks prove themselves with; never sent anywhere.
    pub webhook_secret: Option<Secret>,
    /// Goes with temporary keys that a source gave; never stored.
    pub session_token: Option<Secret>,
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
