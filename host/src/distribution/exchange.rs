//! One request to the registry, with authority: repeated after a 401 once, and while the registry
//! or the network is unwell, as long as its body can be sent again.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use portolan_core::{
    oci::Challenge,
    provider::{Grant, Scope},
};
use url::Url;

use super::{DistributionError, Remote, authority::Denied, failure, patience::Patience};
use crate::net::{self, Body};

/// Most bytes of an unwanted body that are read so that its connection can be used again.
const DRAIN: u64 = 64 << 10;

/// A request that can be sent again.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What it is for, for errors.
    pub(super) attempted: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether redirects are followed; only for `GET` and `HEAD`.
    pub(super) follow: bool,
}

/// An answer, and the address that gave it.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) url: Url,
}

impl Answer {
    /// The status as a number.
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header as text.
    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// Reads the rest, so that the connection can be used again. What it says does not matter.
    pub(super) async fn discard(self) {
        let _ = net::read_all(self.response.into_body(), DRAIN, net::host_of(&self.url)).await;
    }

    /// The error it stands for.
    pub(super) async fn into_error(self, attempted: &str) -> DistributionError {
        failure::refused(attempted, self.response, net::host_of(&self.url)).await
    }
}

impl Ask {
    /// A request without a body that follows no redirect.
    pub(super) fn new(method: Method, url: Url, attempted: String, scopes: Vec<Scope>) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method, url, attempted, scopes, headers, body, follow: false }
    }

    /// The same with redirects followed.
    pub(super) fn following(mut self) -> Self {
        self.follow = true;
        self
    }

    /// The same with a header.
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    /// Wraps why no answer came; a body's own failure comes out as what it was.
    pub(super) fn failed(&self, source: net::NetError) -> DistributionError {
        failure::unanswered(&self.attempted, source)
    }
}

impl Remote {
    /// Sends a request until it has an answer worth looking at: one 401 is answered with the new
    /// authority it asks for; a busy registry and a broken connection are tried five times.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, DistributionError> {
        let mut patience = Patience::new();
        let mut grant = self.grant(&ask.scopes, None).await?;
        let mut challenged = false;
        loop {
            let outcome = self.send(ask, &grant, net::full(ask.body.clone())).await;
            let delay = match &outcome {
                Ok(answer) if answer.status() == 401 && !challenged => {
                    let Some(challenge) = challenge_of(answer, ask) else { return outcome };
                    challenged = true;
                    grant = self.grant(&ask.scopes, Some(&Denied { grant, challenge })).await?;
                    None
                }
                Ok(answer) if failure::is_busy(answer.status()) => {
                    Some(patience.next(failure::retry_after(answer.response.headers())))
                }
                Err(error) if failure::is_unwell(error) => Some(patience.next(None)),
                Ok(_) | Err(_) => return outcome,
            };
            match (delay, outcome) {
                (Some(None), outcome) => return outcome,
                (_, Ok(answer)) => answer.discard().await,
                (_, Err(error)) => tracing::debug!(%error, "will be tried again"),
            }
            if let Some(Some(delay)) = delay {
                tokio::time::sleep(delay).await;
            }
        }
    }

    /// Sends a request once, with `body` in place of its own.
    pub(super) async fn send(
        &self,
        ask: &Ask,
        grant: &Grant,
        body: Body,
    ) -> Result<Answer, DistributionError> {
        let mut request = Request::new(body);
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = net::uri(&ask.url).map_err(|error| ask.failed(error))?;
        *request.headers_mut() = ask.headers.clone();
        let purpose = self.apply(grant, &ask.url, request.headers_mut())?;
        let (response, url) = if ask.follow {
            self.client.send_following(request, purpose).await.map_err(|e| ask.failed(e))?
        } else {
            let response =
                self.client.send(request, purpose).await.map_err(|error| ask.failed(error))?;
            (response, ask.url.clone())
        };
        Ok(Answer { response, url })
    }

    /// An address below the registry's base, e.g. `manifests/latest` of this repository.
    pub(super) fn url(&self, rest: &str) -> Result<Url, DistributionError> {
        let base = self.target.base_url.as_str().trim_end_matches('/');
        let text = format!("{base}/v2/{}/{rest}", self.target.repository);
        Url::parse(&text).map_err(|error| DistributionError::Malformed {
            attempted: format!("address {text}"),
            why: error.to_string(),
        })
    }

    /// `pull blob sha256:… of library/alpine at registry.example.com`.
    pub(super) fn attempt(&self, what: &str) -> String {
        let host = net::host_of(&self.target.base_url);
        format!("{what} of {} at {host}", self.target.repository)
    }
}

/// What a 401 asks for; a redirect's storage asks nothing of us.
pub(super) fn challenge_of(answer: &Answer, ask: &Ask) -> Option<Challenge> {
    if answer.response.status() != StatusCode::UNAUTHORIZED
        || answer.url.origin() != ask.url.origin()
    {
        return None;
    }
    Challenge::preferred(net::challenges(answer.response.headers()))
}
