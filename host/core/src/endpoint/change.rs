//! Changing an endpoint (contract 2.4), and the form every endpoint is brought into before it is
//! stored: no secret without its key, no credentials in the proxy's address.

use super::{CredentialSource, Credentials, EndpointSpec, EndpointUrl, ca};
use crate::{budget::Budget, provider::AllowedHost, secret::Secret};

/// What an endpoint with credentials is called where nothing was said.
const DEFAULT_CREDENTIAL_TYPE: &str = "basic";

/// A change of an endpoint: what is absent is kept (contract 2.4).
#[derive(Clone, Default)]
pub struct EndpointChange {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New provider: only for a ping, never stored.
    pub provider: Option<String>,
    /// New address. Without `access_secret` beside it, a real change wipes the stored secret.
    pub url: Option<EndpointUrl>,
    /// New credential type.
    pub credential_type: Option<String>,
    /// New access ID; empty removes ID and secret.
    pub access_key: Option<String>,
    /// New access secret; empty removes it. No text is magic: `*****` is stored as it is.
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
    /// New secret of the registry's webhooks; empty removes it. It stays with a new address, since
    /// it is never sent there.
    pub webhook_secret: Option<Secret>,
    /// New source of credentials; `Static` goes back to a stored secret. A new access secret does,
    /// too.
    pub credential_source: Option<CredentialSource>,
    /// New budget, as a whole.
    pub budget: Option<Budget>,
}

impl EndpointChange {
    /// What comes of applying it, in the form that is stored.
    ///
    /// A new address without a new secret wipes the secret, or its source, so that nobody can have
    /// it sent to a place of theirs. The client key stays: it only signs, and never leaves this host. Proxy
    /// credentials go with the proxy, not with the endpoint.
    #[must_use]
    pub fn apply(
        self,
        mut spec: EndpointSpec,
        mut credentials: Credentials,
    ) -> (EndpointSpec, Credentials) {
        if self.url.as_ref().is_some_and(|url| *url != spec.url) {
            // A new secret, where there is one, takes its place below.
            credentials.access_secret = None;
            spec.credential_source = None;
        }
        if self.access_secret.as_ref().is_some_and(|secret| !secret.is_empty()) {
            spec.credential_source = None;
        }
        if let Some(proxy) = &self.proxy {
            let (address, _) = split_proxy(proxy);
            if spec.proxy.as_deref() != Some(address.as_str()) {
                credentials.proxy_credentials = None;
            }
        }
        set(&mut spec.name, self.name);
        set(&mut spec.description, self.description);
        set(&mut spec.provider, self.provider);
        set(&mut spec.url, self.url);
        set(&mut spec.credential_type, self.credential_type);
        set(&mut spec.access_key, self.access_key.map(Some));
        set(&mut spec.insecure, self.insecure);
        set(&mut spec.ca_certificate, self.ca_certificate.map(Some));
        set(&mut spec.settings, self.settings);
        set(&mut spec.allowed_hosts, self.allowed_hosts);
        set(&mut spec.proxy, self.proxy.map(Some));
        set(&mut spec.client_certificate, self.client_certificate.map(Some));
        set(&mut spec.credential_source, self.credential_source.map(Some));
        set(&mut spec.budget, self.budget);
        set(&mut credentials.access_secret, self.access_secret.map(Some));
        set(&mut credentials.client_key, self.client_key.map(Some));
        set(&mut credentials.webhook_secret, self.webhook_secret.map(Some));
        spec.settled(credentials)
    }
}

fn set<T>(slot: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *slot = new;
    }
}

impl EndpointSpec {
    /// The form that is stored, for a new endpoint as for a changed one.
    ///
    /// Blank texts are absent. A secret without an access key, or beside a source, is dropped, a
    /// client key without its certificate, too. An empty credential type is `basic`. Credentials in
    /// the proxy's address move to [`Credentials::proxy_credentials`].
    #[must_use]
    pub fn settled(mut self, mut credentials: Credentials) -> (Self, Credentials) {
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let real = |source: &CredentialSource| !matches!(source, CredentialSource::Static {});
        self.credential_source = self.credential_source.filter(real);
        if self.credential_source.is_some() {
            credentials.access_secret = None;
        }
        credentials.session_token = None;
        self.access_key = self.access_key.filter(|key| !key.is_empty());
        if self.access_key.is_none() {
            self.credential_type.clear();
            credentials.access_secret = None;
        }
        if self.credential_type.is_empty() {
            self.credential_type = DEFAULT_CREDENTIAL_TYPE.to_owned();
        }
        self.ca_certificate = filled(self.ca_certificate).map(|pem| ca::normalised(&pem));
        self.client_certificate = filled(self.client_certificate);
        if self.client_certificate.is_none() {
            credentials.client_key = None;
        }
        self.proxy = filled(self.proxy);
        if let Some((address, user_info)) = self.proxy.as_deref().map(split_proxy) {
            self.proxy = Some(address);
            credentials.proxy_credentials = user_info.or(credentials.proxy_credentials);
        } else {
            credentials.proxy_credentials = None;
        }
        let some = |secret: &Secret| !secret.is_empty();
        credentials.access_secret = credentials.access_secret.filter(some);
        credentials.client_key = credentials.client_key.filter(some);
        credentials.webhook_secret = credentials.webhook_secret.filter(some);
        (self, credentials)
    }
}

/// A proxy's address without user info, and the user info with its escapes decoded.
fn split_proxy(text: &str) -> (String, Option<Secret>) {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let Some((user_info, host)) = authority.rsplit_once('@') else {
        return (text.to_owned(), None);
    };
    let decoded = super::address::decode(user_info).unwrap_or_else(|| user_info.to_owned());
    let secret = Some(Secret::new(decoded)).filter(|secret| !secret.is_empty());
    (format!("{scheme}{host}{path}"), secret)
}

#[cfg(test)]
mod tests;
