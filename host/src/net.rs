//! Outbound connections: one pooled HTTP client per endpoint, with that endpoint's TLS, proxy and
//! egress rules. The hyper client, rustls' client side and DNS are owned here.

pub(crate) mod egress;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use portolan_core::secret::Secret;
use url::Url;

pub(crate) use egress::{Egress, HostGrant, Purpose};

/// A request body: empty, whole, or a stream that can fail.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Why a streamed body ended early.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A body of no bytes.
pub(crate) fn empty() -> Body {
    full(Bytes::new())
}

/// A body that is all there.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    http_body_util::Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// How an endpoint's certificates are checked, and which one we show.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    /// Any certificate is taken. Ignored where a CA is given.
    pub(crate) insecure: bool,
    /// PEM bundle trusted besides the platform's roots; a pinned self-signed certificate too.
    pub(crate) ca_certificate: Option<String>,
    /// Client certificate chain and key, PEM.
    pub(crate) client: Option<(String, Secret)>,
}

/// A CONNECT proxy.
#[derive(Clone)]
pub(crate) struct ProxySettings {
    /// `http://host:port`.
    pub(crate) url: Url,
    /// `user:password`.
    pub(crate) credentials: Option<Secret>,
    /// Hosts reached directly: names, `.suffix`, addresses, CIDR ranges, `*`.
    pub(crate) no_proxy: Vec<String>,
}

/// Everything a client needs to know of its endpoint.
pub(crate) struct ClientConfig {
    pub(crate) tls: TlsSettings,
    pub(crate) proxy: Option<ProxySettings>,
    pub(crate) egress: Arc<Egress>,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetError {
    /// The egress rules forbid it; the text names host, use and remedy.
    #[error("{0}")]
    Refused(#[from] egress::Refused),
    /// The TLS settings themselves are unusable (bad PEM, key without certificate).
    #[error("the endpoint's TLS settings cannot be used: {0}")]
    Settings(String),
    /// The host has no address.
    #[error("cannot find the address of {host}: {why}")]
    Dns { host: String, why: String },
    /// Nothing answers there.
    #[error("cannot connect to {host}: {why}")]
    Connect { host: String, why: String },
    /// The certificate or the handshake was not acceptable.
    #[error("no trusted TLS connection to {host}: {why}")]
    Tls { host: String, why: String },
    /// It took too long.
    #[error("{host} did not answer {what} within {seconds} s")]
    Timeout { host: String, what: &'static str, seconds: u64 },
    /// The answer broke HTTP, or the connection broke.
    #[error("the exchange with {host} broke: {why}")]
    Protocol { host: String, why: String },
    /// The answer is larger than it may be.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge { host: String, limit: u64 },
}

/// A pooled client for one endpoint. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    config: Arc<ClientConfig>,
}

impl Client {
    /// A client; nothing is connected yet.
    pub(crate) fn new(config: ClientConfig) -> Result<Self, NetError> {
        Ok(Self { config: Arc::new(config) })
    }

    /// The rules this client obeys.
    pub(crate) fn egress(&self) -> &Arc<Egress> {
        &self.config.egress
    }

    /// Sends one request and returns the head of the answer; follows no redirect. Purpose and
    /// address are checked before a byte leaves. A 401 of the endpoint itself is noted, so that
    /// the token realm it announces over verified TLS may be sent the credentials.
    pub(crate) async fn send(
        &self,
        request: http::Request<Body>,
        purpose: Purpose,
    ) -> Result<http::Response<Incoming>, NetError> {
        let _ = (request, purpose);
        Err(NetError::Settings("not built yet".to_owned()))
    }

    /// Sends a `GET` or `HEAD` and follows at most ten redirects. The same origin keeps the
    /// headers; another origin gets none of the secret ones and must be allowed `Storage`.
    /// https never becomes http. Returns the answer and the address that gave it.
    pub(crate) async fn send_following(
        &self,
        request: http::Request<Body>,
        purpose: Purpose,
    ) -> Result<(http::Response<Incoming>, Url), NetError> {
        let _ = (request, purpose);
        Err(NetError::Settings("not built yet".to_owned()))
    }
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read_all(body: Incoming, limit: u64, host: &str) -> Result<Bytes, NetError> {
    let _ = (body, limit);
    Err(NetError::Settings(host.to_owned()))
}
