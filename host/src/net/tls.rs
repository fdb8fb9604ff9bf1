//! An endpoint's TLS settings as a rustls client configuration: platform roots, the endpoint's CA
//! bundle, client certificate. The ring provider is passed along; no process default is needed.

pub(super) mod der;
mod raw_key;
mod verify;

use std::sync::{Arc, OnceLock};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{NetError, TlsSettings};
use verify::{AnyCertificate, PinnedOrTrusted};

/// What a connector needs to open TLS connections, and to explain why it could not.
#[derive(Clone)]
pub(super) struct Tls {
    /// Offers HTTP/2 and HTTP/1.1.
    pub(super) config: Arc<ClientConfig>,
    /// Whether certificates are checked at all.
    pub(super) verified: bool,
    /// Whether a CA was given besides the platform's.
    pub(super) own_ca: bool,
}

impl Tls {
    /// Builds the configuration. A CA given wins over `insecure`.
    pub(super) fn new(settings: &TlsSettings) -> Result<Self, NetError> {
        let provider = Arc::new(ring::default_provider());
        let ca = settings.ca_certificate.as_deref().filter(|pem| !pem.trim().is_empty());
        let verified = ca.is_some() || !settings.insecure;
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous();
        let builder = if verified {
            builder.with_custom_certificate_verifier(trusted(ca, provider)?)
        } else {
            builder.with_custom_certificate_verifier(Arc::new(AnyCertificate::new(&provider)))
        };
        let mut config = match &settings.client {
            Some((chain, key)) => {
                let chain = certificates(chain, "client certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                    .map_err(|_| settings_error("the client key is no PEM private key"))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    settings_error(&format!("the client certificate and key do not fit: {error}"))
                })?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), verified, own_ca: ca.is_some() })
    }
}

/// The same, made with the first connection that needs it: reading the platform's roots takes longer
/// than many a run over plain HTTP does.
pub(super) struct Later {
    insecure: bool,
    made: OnceLock<Tls>,
}

impl Later {
    /// Settings that may be wrong are tried at once.
    pub(super) fn new(settings: &TlsSettings) -> Result<Self, NetError> {
        let plain = settings.ca_certificate.is_none() && settings.client.is_none();
        let made = if plain { OnceLock::new() } else { OnceLock::from(Tls::new(settings)?) };
        Ok(Self { insecure: settings.insecure, made })
    }

    /// Whether certificates are checked at all.
    pub(super) fn verified(&self) -> bool {
        self.made.get().map_or(!self.insecure, |tls| tls.verified)
    }

    /// The configuration.
    pub(super) fn get(&self) -> Result<&Tls, NetError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let settings = TlsSettings { insecure: self.insecure, ..TlsSettings::default() };
        let made = Tls::new(&settings)?;
        Ok(self.made.get_or_init(|| made))
    }
}

fn trusted(
    ca: Option<&str>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<PinnedOrTrusted>, NetError> {
    let Some(pem) = ca else {
        return PinnedOrTrusted::new(platform_roots(), Vec::new(), provider).map(Arc::new);
    };
    let given = certificates(pem, "CA certificate")?;
    let mut roots = RootCertStore::clone(&platform_roots());
    // One that cannot be an anchor can still be the very certificate the server shows.
    roots.add_parsable_certificates(given.iter().cloned());
    PinnedOrTrusted::new(Arc::new(roots), given, provider).map(Arc::new)
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match parsed {
        Ok(all) if all.is_empty() => {
            Err(settings_error(&format!("the {what} holds no PEM certificate")))
        }
        Ok(all) => Ok(all),
        Err(error) => Err(settings_error(&format!("the {what} is not PEM: {error}"))),
    }
}

/// The platform's trust store, read once per process. A computer without one has no roots: then
/// only endpoints with a CA of their own can be reached.
fn platform_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS
        .get_or_init(|| {
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "part of the platform's trust store cannot be read");
            }
            roots.add_parsable_certificates(found.certs);
            Arc::new(roots)
        })
        .clone()
}

fn settings_error(why: &str) -> NetError {
    NetError::Settings(why.to_owned())
}

fn unusable(error: impl std::fmt::Display) -> NetError {
    NetError::Settings(error.to_string())
}
