//! What a call knows of its endpoint: address, account, client, caches. Made once by `bind`,
//! shared by every call; a guest sees none of it but the fields of `types.endpoint`.

use std::sync::Arc;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec, EndpointUrl},
    oci::Digest,
    provider::{AdapterInfo, AllowedHost},
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
    /// The settings as JSON text.
    pub(super) settings: String,
    pub(super) client: net::Client,
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
    no_proxy: &[String],
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
    net::Client::new(net::ClientConfig { tls, proxy, egress })
        .map_err(|error| PluginError::Invalid(error.to_string()))
}

/// Tells endpoints apart whose cached tokens must not be shared: everything a token may depend
/// on is in it, so that an edited or not yet saved endpoint never meets another's.
pub(super) fn fingerprint(
    adapter: &Digest,
    generation: u64,
    spec: &EndpointSpec,
    credentials: &Credentials,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(adapter.as_str().as_bytes());
    field(&generation.to_be_bytes());
    field(spec.url.as_str().as_bytes());
    field(spec.access_key.as_deref().unwrap_or_default().as_bytes());
    field(credentials.access_secret.as_ref().map_or("", |secret| secret.expose()).as_bytes());
    field(spec.ca_certificate.as_deref().unwrap_or_default().as_bytes());
    field(&[u8::from(spec.insecure)]);
    field(spec.proxy.as_deref().unwrap_or_default().as_bytes());
    field(spec.client_certificate.as_deref().unwrap_or_default().as_bytes());
    field(serde_json::to_string(&spec.settings).unwrap_or_default().as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use portolan_core::secret::Secret;

    use super::*;
    use crate::plugin::testing;

    #[test]
    fn every_change_gives_another_fingerprint() {
        let digest = Digest::of(b"component");
        let spec = testing::spec("https://registry.example");
        let secret = |text: &str| Credentials {
            access_secret: Some(Secret::new(text.to_owned())),
            ..Credentials::default()
        };
        let base = fingerprint(&digest, 1, &spec, &secret("one"));
        assert_eq!(base, fingerprint(&digest, 1, &spec, &secret("one")));
        let other_url = testing::spec("https://registry.example/path");
        let other_key = EndpointSpec { access_key: Some("other".to_owned()), ..spec.clone() };
        let insecure = EndpointSpec { insecure: true, ..spec.clone() };
        for other in [
            fingerprint(&digest, 2, &spec, &secret("one")),
            fingerprint(&digest, 1, &spec, &secret("two")),
            fingerprint(&Digest::of(b"other"), 1, &spec, &secret("one")),
            fingerprint(&digest, 1, &other_url, &secret("one")),
            fingerprint(&digest, 1, &other_key, &secret("one")),
            fingerprint(&digest, 1, &insecure, &secret("one")),
        ] {
            assert_ne!(base, other);
        }
    }
}
