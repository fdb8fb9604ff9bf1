//! The pooled client of one endpoint: checks where a request would go, sends it, and waits for the
//! head of the answer with a limit on silence. It follows no redirect and repeats nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::Instant;
use url::Url;

use super::{
    Answers, Body, Budgets, ClientConfig, Egress, NetError, Purpose,
    body::{self, Sending},
    challenges,
    connector::Connector,
    failure, host_of,
    limits::LONGEST,
    proxy::Proxy,
    tls::Later,
};

/// Name and version as registries log them.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("portolan/", env!("CARGO_PKG_VERSION")));

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
    /// What the requests of this clone have to obey.
    budgets: Budgets,
}

struct Inner {
    egress: Arc<Egress>,
    http: legacy::Client<Connector, Body>,
    /// Whether certificates are checked: only then may a realm be learnt from a challenge.
    verified: bool,
    timeouts: Timeouts,
    requests: AtomicU64,
    answers: Arc<Answers>,
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
        let tls = Later::new(&config.tls)?;
        let proxy = config.proxy.as_ref().map(Proxy::new).transpose()?;
        let verified = tls.verified();
        let connector = Connector::new(config.egress.clone(), tls, proxy, timeouts);
        let http = pool().build(connector);
        Ok(Self {
            inner: Arc::new(Inner {
                egress: config.egress,
                http,
                verified,
                timeouts,
                requests: AtomicU64::new(0),
                answers: config.answers,
            }),
            budgets: Budgets::default(),
        })
    }

    /// The same client for work that has these limits, too.
    #[must_use]
    pub(crate) fn within(&self, budgets: &Budgets) -> Self {
        Self { inner: Arc::clone(&self.inner), budgets: self.budgets.clone().and(budgets) }
    }

    /// The limits that its requests obey, and that its bytes should.
    pub(crate) fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// HTTP requests sent so far, redirects and repeats included.
    #[cfg(any(feature = "api", test))]
    pub(crate) fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// The rules this client obeys.
    pub(crate) fn egress(&self) -> &Arc<Egress> {
        &self.inner.egress
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        self.inner.timeouts
    }

    /// Sends one request and returns the head of the answer; follows no redirect. Purpose and
    /// address are checked before a byte leaves; then it waits its turn. A 401 of the endpoint itself
    /// is noted, so that the token realm it announces over verified TLS may be sent the credentials.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
        purpose: Purpose,
    ) -> Result<Response<Incoming>, NetError> {
        self.send_by(request, purpose, None).await
    }

    /// The same for who cannot wait longer than `until` for a turn.
    pub(crate) async fn send_by(
        &self,
        request: Request<Body>,
        purpose: Purpose,
        until: Option<Instant>,
    ) -> Result<Response<Incoming>, NetError> {
        let url = self.vet(request.uri(), purpose)?;
        self.exchange(request, &url, until).await
    }

    /// Sends a request whose address, `url`, was vetted.
    pub(super) async fn exchange(
        &self,
        request: Request<Body>,
        url: &Url,
        until: Option<Instant>,
    ) -> Result<Response<Incoming>, NetError> {
        self.turn(host_of(url), !request.body().is_end_stream(), until).await;
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
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let exchange = self.inner.http.request(Request::from_parts(parts, body));
        let outcome = wait(exchange, &sending, host_of(url), patience).await;
        self.inner.answers.note(outcome.as_ref().ok().map(Response::status));
        let response = outcome?;
        self.inner.answers.limits.note(host_of(url), response.headers());
        if response.status().as_u16() >= 400 {
            sending.abandon();
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            self.note_realms(url, &response);
        }
        Ok(response)
    }

    /// Waits while the host is better left alone, a minute at most, and then for every budget. A
    /// request with a body goes before others: whoever gives the bytes is waiting already.
    async fn turn(&self, host: &str, urgent: bool, until: Option<Instant>) {
        if let Some(rest) = self.inner.answers.limits.rest(host) {
            let rest = rest.min(Instant::now() + LONGEST);
            tokio::time::sleep_until(until.map_or(rest, |until| rest.min(until))).await;
        }
        self.budgets.pass(urgent, until).await;
    }

    /// Checks where a request would go, by name and use.
    fn vet(&self, uri: &Uri, purpose: Purpose) -> Result<Url, NetError> {
        let url = Url::parse(&uri.to_string());
        let url = url.map_err(|_| broken(uri, "the address cannot be read"))?;
        agree(uri, &url)?;
        self.inner.egress.check(&url, purpose)?;
        Ok(url)
    }

    /// The same for an address that hyper has not read yet.
    pub(super) fn vet_url(&self, url: &Url, purpose: Purpose) -> Result<Uri, NetError> {
        let uri = super::uri(url)?;
        agree(&uri, url)?;
        self.inner.egress.check(url, purpose)?;
        Ok(uri)
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

/// The pool: HTTP/2 windows are for blobs on long lines. Pieces of a body over HTTP/1 stay small enough
/// to be hashed and sent while they are in the processor's cache.
fn pool() -> legacy::Builder {
    let mut pool = legacy::Client::builder(TokioExecutor::new());
    pool.pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        // Shorter than the minute after which servers commonly close an idle connection.
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(32)
        .http1_max_buf_size(128 << 10)
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

/// The address that is checked must be the one hyper will connect to, so two readings of one text are
/// refused.
fn agree(uri: &Uri, url: &Url) -> Result<(), NetError> {
    let same_host = uri.host().is_some_and(|host| host.eq_ignore_ascii_case(host_of(url)));
    let same_port = uri.port_u16().or(default_port(url)) == port_of(url);
    if same_host && same_port {
        Ok(())
    } else {
        Err(broken(uri, "the address can be read in two ways"))
    }
}

fn broken(uri: &Uri, why: &str) -> NetError {
    NetError::Protocol { host: uri.host().unwrap_or_default().to_owned(), why: why.to_owned() }
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
