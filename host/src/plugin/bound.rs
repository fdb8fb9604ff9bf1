//! What a call knows of its endpoint: address, account, memory. Made once by `bind`,
//! shared by every call; a guest sees none of it but the fields of `types.endpoint`.

use std::sync::Arc;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec, EndpointUrl},
    oci::Digest,
    provider::{AdapterInfo, AllowedHost},
    secret::Secret,
};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Limits, PluginError, account::Account, echo::Echo, memory::Memory};
use crate::net;

/// One endpoint as the imports see it.
pub(super) struct Bound {
    /// What the guest is told as `endpoint.id`.
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) url: EndpointUrl,
    pub(super) account: Account,
    /// What the guest is told of a secret that is a key file.
    pub(super) public_parts: Vec<(String, String)>,
    /// Goes with temporary keys: short-lived, and part of what a guest signs.
    pub(super) session_token: Option<Secret>,
    /// The settings as JSON text.
    pub(super) settings: String,
    pub(super) rights: Rights,
    pub(super) echo: Echo,
    pub(super) memory: Arc<Memory>,
    pub(super) limits: Limits,
}

/// What the adapter declared, and so what approving it allowed.
pub(super) struct Rights {
    pub(super) login_urls: Vec<String>,
    pub(super) signing: Vec<portolan_core::provider::SigningRecipe>,
}

impl Rights {
    /// Takes the declarations of an approved adapter.
    pub(super) fn of(info: &AdapterInfo) -> Self {
        Self { login_urls: info.login_urls.clone(), signing: info.signing.clone() }
    }
}

/// The endpoint's client: its TLS, its proxy, and where it may go.
pub(super) fn client(
    spec: &EndpointSpec,
    credentials: &Credentials,
    granted: &[AllowedHost],
    (no_proxy, answers): (&[String], Arc<net::Answers>),
) -> Result<net::Client, PluginError> {
    let proxy = match &spec.proxy {
        None => None,
        Some(text) => Some(net::ProxySettings {
            url: Url::parse(text).map_err(|error| {
                PluginError::Invalid(format!("the proxy `{text}` is not an address: {error}"))
            })?,
            credentials: credentials.proxy_credentials.clone(),
            no_proxy: no_proxy.to_vec(),
        }),
    };
    let tls = net::TlsSettings {
        insecure: spec.insecure,
        ca_certificate: spec.ca_certificate.clone(),
        client: spec.client_certificate.clone().zip(credentials.client_key.clone()),
    };
    let mut grants = Vec::new();
    for (hosts, administrator) in [(granted, false), (&spec.allowed_hosts, true)] {
        for host in hosts {
            let grant = net::HostGrant::parse(host, administrator);
            grants.push(grant.map_err(|error| PluginError::Invalid(error.to_string()))?);
        }
    }
    let egress = Arc::new(net::Egress::new(spec.url.url().clone(), grants));
    net::Client::new(net::ClientConfig { tls, proxy, egress, answers })
        .map_err(|error| PluginError::Invalid(error.to_string()))
}

/// The client of an endpoint that is an image layout: it goes nowhere but there.
pub(super) fn client_within(
    spec: &EndpointSpec,
    name: &str,
    layouts: Option<&net::Inside>,
    answers: Arc<net::Answers>,
) -> Result<net::Client, PluginError> {
    let layouts = layouts.ok_or_else(|| {
        PluginError::Invalid(format!(
            "`oci:{name}` is an image layout in a directory of the daemon's, and it was given none: add `[layouts]` with a `directory` to its settings"
        ))
    })?;
    let egress = Arc::new(net::Egress::within(spec.url.url().clone(), layouts.clone()));
    let tls = net::TlsSettings::default();
    net::Client::new(net::ClientConfig { tls, proxy: None, egress, answers })
        .map_err(|error| PluginError::Invalid(error.to_string()))
}

/// Tells endpoints apart whose connections and cached tokens must not be shared: everything these
/// may depend on is in it, so that an edited or not yet saved endpoint never meets another's.
pub(super) fn fingerprint(
    adapter: (&Digest, &[AllowedHost]),
    generation: u64,
    spec: &EndpointSpec,
    credentials: &Credentials,
) -> Result<[u8; 32], PluginError> {
    let internal = |error| PluginError::Internal(format!("the endpoint's settings: {error}"));
    let settings = serde_json::to_vec(&(adapter.1, spec)).map_err(internal)?;
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(adapter.0.as_str().as_bytes());
    field(&generation.to_be_bytes());
    field(&settings);
    let Credentials {
        access_secret,
        client_key,
        proxy_credentials,
        session_token,
        webhook_secret: _,
    } = credentials;
    for secret in [access_secret, client_key, proxy_credentials, session_token] {
        field(&[u8::from(secret.is_some())]);
        field(secret.as_ref().map_or("", |secret| secret.expose()).as_bytes());
    }
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::testing;

    #[test]
    fn every_change_gives_another_fingerprint() {
        let (one, two) = (Digest::of(b"component"), Digest::of(b"other"));
        let spec = testing::spec("https://registry.example");
        let secret = |text: &str| Credentials {
            access_secret: Some(Secret::new(text.to_owned())),
            ..Credentials::default()
        };
        let host = AllowedHost { pattern: "https://a.b.c".to_owned(), uses: Vec::new() };
        let print = |digest, hosts: &[AllowedHost], generation, spec: &EndpointSpec, text: &str| {
            fingerprint((digest, hosts), generation, spec, &secret(text)).unwrap()
        };
        let base = print(&one, &[], 1, &spec, "one");
        assert_eq!(base, print(&one, &[], 1, &spec, "one"));
        let other_url = testing::spec("https://registry.example/path");
        let other_key = EndpointSpec { access_key: Some("other".to_owned()), ..spec.clone() };
        let insecure = EndpointSpec { insecure: true, ..spec.clone() };
        for other in [
            print(&one, &[], 2, &spec, "one"),
            print(&one, &[], 1, &spec, "two"),
            print(&two, &[], 1, &spec, "one"),
            print(&one, &[host], 1, &spec, "one"),
            print(&one, &[], 1, &other_url, "one"),
            print(&one, &[], 1, &other_key, "one"),
            print(&one, &[], 1, &insecure, "one"),
        ] {
            assert_ne!(base, other);
        }
    }
}
