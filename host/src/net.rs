//! Outbound connections: one pooled HTTP client per endpoint, with that endpoint's TLS, proxy and
//! egress rules. The hyper client, rustls' client side and DNS are owned here.

mod body;
mod connector;
pub(crate) mod egress;
mod failure;
mod proxy;
mod redact;
mod redirect;
#[cfg(test)]
pub(crate) mod scripted;
mod stream;
mod tls;

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Body as _;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use portolan_core::{oci::Challenge, secret::Secret};
use url::Url;

use body::Sending;
use connector::Connector;
pub(crate) use egress::{Egress, HostGrant, Purpose};
pub(crate) use redact::redact;

/// Name and version as registries log them.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("portolan/", env!("CARGO_PKG_VERSION")));

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

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For names and TCP, all addresses together; for the proxy's tunnel once more.
    pub(crate) connect: Duration,
    /// For the TLS handshake.
    pub(crate) tls: Duration,
    /// For the head of an answer, counted from the last byte of the request that was taken.
    pub(crate) head: Duration,
    /// The same for `PUT` and `PATCH`: registries store and check before they answer.
    pub(crate) stored: Duration,
    /// Between two pieces of an answer's body.
    pub(crate) body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(15),
            tls: seconds(10),
            head: seconds(60),
            stored: seconds(300),
            body: seconds(60),
        }
    }
}

/// A pooled client for one endpoint. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    egress: Arc<Egress>,
    http: legacy::Client<Connector, Body>,
    /// Whether certificates are checked: only then may a realm be learnt from a challenge.
    verified: bool,
    timeouts: Timeouts,
}

impl Client {
    /// A client; nothing is connected yet.
    pub(crate) fn new(config: ClientConfig) -> Result<Self, NetError> {
        Self::with_timeouts(config, Timeouts::default())
    }

    /// A client with its own patience.
    pub(crate) fn with_timeouts(
        config: ClientConfig,
        timeouts: Timeouts,
    ) -> Result<Self, NetError> {
        let tls = tls::Tls::new(&config.tls)?;
        let proxy = config.proxy.as_ref().map(proxy::Proxy::new).transpose()?;
        let verified = tls.verified;
        let connector = Connector::new(config.egress.clone(), tls, proxy, timeouts);
        let http = pool().build(connector);
        Ok(Self { inner: Arc::new(Inner { egress: config.egress, http, verified, timeouts }) })
    }

    /// HTTP requests sent so far, redirects and repeats included.
    pub(crate) fn requests(&self) -> u64 {
        0
    }

    /// The rules this client obeys.
    pub(crate) fn egress(&self) -> &Arc<Egress> {
        &self.inner.egress
    }

    fn timeouts(&self) -> Timeouts {
        self.inner.timeouts
    }

    /// Sends one request and returns the head of the answer; follows no redirect. Purpose and
    /// address are checked before a byte leaves. A 401 of the endpoint itself is noted, so that
    /// the token realm it announces over verified TLS may be sent the credentials.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
        purpose: Purpose,
    ) -> Result<Response<Incoming>, NetError> {
        let url = self.vet(&request, purpose)?;
        let (mut parts, body) = request.into_parts();
        for secret in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE] {
            if let Some(value) = parts.headers.get_mut(secret) {
                value.set_sensitive(true);
            }
        }
        parts.headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        let stores = matches!(parts.method, Method::PUT | Method::PATCH);
        let patience = if stores { self.inner.timeouts.stored } else { self.inner.timeouts.head };
        let sending = Arc::new(Sending::default());
        let body = if body.is_end_stream() { body } else { body::watch(body, sending.clone()) };
        let exchange = self.inner.http.request(Request::from_parts(parts, body));
        let response = wait(exchange, &sending, host_of(&url), patience).await?;
        if response.status().as_u16() >= 400 {
            sending.abandon();
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            self.note_realms(&url, &response);
        }
        Ok(response)
    }

    /// Checks where a request would go, by name and use. The address that is checked must be the
    /// one hyper will connect to, so two readings of one text are refused.
    fn vet(&self, request: &Request<Body>, purpose: Purpose) -> Result<Url, NetError> {
        let text = request.uri().to_string();
        let broken = |why: &str| NetError::Protocol {
            host: request.uri().host().unwrap_or_default().to_owned(),
            why: why.to_owned(),
        };
        let url = Url::parse(&text).map_err(|_| broken("the address cannot be read"))?;
        let same_host = request.uri().host().is_some_and(|h| h.eq_ignore_ascii_case(host_of(&url)));
        let same_port = request.uri().port_u16().or(default_port(&url)) == port_of(&url);
        if !same_host || !same_port {
            return Err(broken("the address can be read in two ways"));
        }
        self.inner.egress.check(&url, purpose)?;
        Ok(url)
    }

    fn note_realms(&self, url: &Url, response: &Response<Incoming>) {
        if !self.inner.verified || !self.inner.egress.is_endpoint(url) {
            return;
        }
        for challenge in challenges(response.headers()) {
            if let Some(realm) = challenge.param("realm").filter(|_| challenge.scheme == "bearer")
                && let Ok(realm) = url.join(realm)
            {
                self.inner.egress.announce(url, &realm, true);
            }
        }
    }
}

/// Every challenge of an answer.
pub(crate) fn challenges(headers: &http::HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(Challenge::parse_all).collect()
}

/// The pool: HTTP/2 windows and read buffers are for blobs on long lines.
fn pool() -> legacy::Builder {
    let mut pool = legacy::Client::builder(TokioExecutor::new());
    pool.pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        // Shorter than the minute after which servers commonly close an idle connection.
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(32)
        .http1_max_buf_size(512 << 10)
        .http2_initial_stream_window_size(4 << 20)
        .http2_initial_connection_window_size(16 << 20)
        .http2_max_frame_size(64 << 10)
        .http2_max_send_buf_size(1 << 20)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(20));
    pool
}

/// Waits for the head of an answer as long as the request's body goes on being taken, and
/// `patience` longer.
async fn wait(
    exchange: legacy::ResponseFuture,
    sending: &Sending,
    host: &str,
    patience: Duration,
) -> Result<Response<Incoming>, NetError> {
    tokio::pin!(exchange);
    let mut seen = sending.progress();
    loop {
        match tokio::time::timeout(patience, &mut exchange).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => {
                return Err(match sending.failure() {
                    Some(own) => NetError::Body(own),
                    None => failure::exchange(host, &error),
                });
            }
            Err(_) if sending.progress() != seen => seen = sending.progress(),
            Err(_) => {
                let (host, seconds) = (host.to_owned(), patience.as_secs());
                return Err(NetError::Timeout { host, what: "the request", seconds });
            }
        }
    }
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

fn port_of(url: &Url) -> Option<u16> {
    url.port_or_known_default()
}

fn default_port(url: &Url) -> Option<u16> {
    match url.scheme() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

/// Reads a whole body of at most `limit` bytes; a minute without a byte is an error.
pub(crate) async fn read_all(body: Incoming, limit: u64, host: &str) -> Result<Bytes, NetError> {
    body::read_all(body, limit, host, Timeouts::default().body).await
}

/// An answer's body to be passed on: the client's idle limit makes a stalled one an error.
pub(crate) fn stream(client: &Client, body: Incoming, host: &str) -> Body {
    body::guard(body, host, client.timeouts().body)
}
