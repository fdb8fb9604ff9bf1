//! Outbound connections: one pooled HTTP client per endpoint, with that endpoint's TLS, proxy and
//! egress rules. The hyper client, rustls and DNS are owned here; `inbound` is TLS of the listener,
//! which opens no port.

mod answers;
mod body;
mod budget;
mod client;
#[cfg(feature = "daemon")]
pub(crate) mod client_tls;
mod connector;
pub(crate) mod egress;
mod failure;
#[cfg(feature = "api")]
pub(crate) mod inbound;
mod inside;
mod limits;
mod proxy;
mod redact;
mod redirect;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(feature = "daemon")]
pub(crate) mod stage;
mod stream;
mod tls;

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use http::{Uri, header};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use portolan_core::{oci::Challenge, secret::Secret};
use url::Url;

pub(crate) use answers::Answers;
pub(crate) use budget::{Bucket, Budgets, BudgetsOf};
pub(crate) use client::{Client, Timeouts};
pub(crate) use egress::{Egress, HostGrant, Purpose};
pub(crate) use inside::{Inside, Visit};
#[cfg(any(feature = "api", test))]
pub(crate) use limits::RateLimit;
pub(crate) use limits::retry_after;
pub(crate) use redact::redact;

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
    /// Where requests are counted.
    pub(crate) answers: Arc<Answers>,
}

/// Why no answer came.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// The body to be sent failed at its own source; the source's error is inside.
    #[error("the bytes to be sent ended early: {0}")]
    Body(Arc<dyn Error + Send + Sync>),
    /// The answer is larger than it may be.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge { host: String, limit: u64 },
}

/// Every challenge of an answer.
pub(crate) fn challenges(headers: &http::HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(Challenge::parse_all).collect()
}

/// The address as hyper takes it.
pub(crate) fn uri(url: &Url) -> Result<Uri, NetError> {
    url.as_str().parse().map_err(|error: http::uri::InvalidUri| NetError::Protocol {
        host: host_of(url).to_owned(),
        why: format!("{} is not an address: {error}", redact(url)),
    })
}

/// The host for messages; empty where there is none.
pub(crate) fn host_of(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// Reads a whole body of at most `limit` bytes; a minute without a byte is an error.
pub(crate) async fn read_all(
    body: impl HttpBody<Data = Bytes, Error = hyper::Error> + Unpin,
    limit: u64,
    host: &str,
) -> Result<Bytes, NetError> {
    body::read_all(body, limit, host, Timeouts::default().body).await
}

/// An answer's body to be passed on: the client's idle limit makes a stalled one an error.
pub(crate) fn stream(client: &Client, body: Incoming, host: &str) -> Body {
    body::guard(body, host, client.timeouts().body)
}

#[cfg(test)]
mod tests;
