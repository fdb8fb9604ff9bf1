//! One request to the registry, with authority: repeated once after a 401, or a 403 that says the
//! token has ended, and while the registry or the network is unwell, as long as its body can be
//! sent again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use portolan_core::{
    oci::Challenge,
    provider::{Grant, Scope},
};
use url::Url;

use super::{
    DistributionError, Remote, authority::Denied, failure, flow::Outcome, patience::Patience,
};
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
    /// Whether how long it takes tells of how busy the registry is: not for what takes longer by its
    /// nature, as an upload does, or a blob that lies elsewhere.
    pub(super) telling: bool,
}

/// An answer, and the address that gave it.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) url: Url,
    /// What the body of a refusal says, where it was read already.
    told: Option<Bytes>,
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
        if self.told.is_some() {
            return;
        }
        let _ = net::read_all(self.response.into_body(), DRAIN, net::host_of(&self.url)).await;
    }

    /// The error it stands for.
    pub(super) async fn into_error(mut self, attempted: &str) -> DistributionError {
        let body = self.tell().await;
        failure::refused(attempted, self.response.status(), self.response.headers(), &body)
    }

    /// What a refusal says; it can be asked for again.
    async fn tell(&mut self) -> Bytes {
        if let Some(told) = &self.told {
            return told.clone();
        }
        let host = net::host_of(&self.url);
        // An error page that cannot be read, or is long, just adds nothing.
        let read = net::read_all(self.response.body_mut(), failure::MAX_BODY, host).await;
        self.told.insert(read.unwrap_or_default()).clone()
    }
}

impl Ask {
    /// A request without a body that follows no redirect.
    pub(super) fn new(method: Method, url: Url, attempted: String, scopes: Vec<Scope>) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method, url, attempted, scopes, headers, body, follow: false, telling: false }
    }

    /// The same with redirects followed.
    pub(super) fn following(mut self) -> Self {
        self.follow = true;
        self
    }

    /// The same of which the time tells of the registry.
    pub(super) fn telling(mut self) -> Self {
        self.telling = true;
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

/// How a request went, for the flow of its registry.
fn outcome<E>(sent: &Result<(Response<Incoming>, Url), E>, took: Option<Duration>) -> Outcome {
    match sent {
        Ok((answer, _)) if matches!(answer.status().as_u16(), 429 | 503) => {
            Outcome::Busy(net::retry_after(answer.headers()))
        }
        Ok((answer, _)) if answer.status().is_server_error() => Outcome::Lost,
        Ok((answer, _)) if answer.status().is_success() || answer.status().as_u16() == 404 => {
            Outcome::Answered(took)
        }
        // To refuse takes another time than to look.
        Ok(_) => Outcome::Answered(None),
        Err(_) => Outcome::Lost,
    }
}

impl Remote {
    /// Sends a request until it has an answer worth looking at: where the first authority is not
    /// enough or has ended, a new one is asked for, once; a busy registry and a broken connection
    /// are tried five times.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, DistributionError> {
        let mut patience = Patience::new();
        let mut grant = self.grant(&ask.scopes, None).await?;
        let mut renewed = false;
        loop {
            let mut outcome = self.send(ask, &grant, net::full(ask.body.clone())).await;
            if let Ok(answer) = &mut outcome
                && !renewed
                && let Some(challenge) = self.wants_renewal(answer, ask, &grant).await
            {
                renewed = true;
                grant = self.grant(&ask.scopes, Some(&Denied { grant, challenge })).await?;
                if let Ok(answer) = outcome {
                    answer.discard().await;
                }
                continue;
            }
            let delay = match &outcome {
                Ok(answer) if failure::is_busy(answer.status()) => {
                    patience.next(net::retry_after(answer.response.headers()))
                }
                Err(error) if failure::is_unwell(error) => patience.next(None),
                Ok(_) | Err(_) => return outcome,
            };
            let Some(delay) = delay else { return outcome };
            match outcome {
                Ok(answer) => answer.discard().await,
                Err(error) => tracing::debug!(%error, "will be tried again"),
            }
            tokio::time::sleep(delay).await;
        }
    }

    /// What new authority is to be asked for with: the challenge of a 401, and of a 403 whose body
    /// says that the token has ended (AWS ECR; it may carry no challenge). The answer to a `HEAD`
    /// has no words, so the same is asked with `GET`. A redirect's storage asks nothing of us.
    pub(super) async fn wants_renewal(
        &self,
        answer: &mut Answer,
        ask: &Ask,
        grant: &Grant,
    ) -> Option<Challenge> {
        if answer.url.origin() != ask.url.origin() {
            return None;
        }
        let challenge = Challenge::preferred(net::challenges(answer.response.headers()));
        let basic = || Challenge { scheme: "basic".to_owned(), params: Vec::new() };
        match answer.response.status() {
            // Some say nothing of how; what they were given has ended all the same.
            StatusCode::UNAUTHORIZED if !grant.headers.is_empty() => {
                challenge.or_else(|| Some(basic()))
            }
            StatusCode::UNAUTHORIZED => challenge,
            StatusCode::FORBIDDEN if !grant.headers.is_empty() => {
                let ended = match ask.method {
                    Method::HEAD => self.says_ended(ask, grant).await,
                    _ => failure::is_ended(&answer.tell().await),
                };
                ended.then(|| challenge.unwrap_or_else(basic))
            }
            _ => None,
        }
    }

    /// Whether the registry says to a `GET` that the token has ended.
    async fn says_ended(&self, ask: &Ask, grant: &Grant) -> bool {
        let get = Ask { method: Method::GET, follow: false, ..ask.clone() };
        match self.send(&get, grant, net::empty()).await {
            Ok(mut answer) if answer.status() == 403 => failure::is_ended(&answer.tell().await),
            Ok(_) | Err(_) => false,
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
        *request.headers_mut() = ask.headers.clone();
        let purpose = self.apply(grant, &ask.url, request.headers_mut())?;
        let is_begun = !request.body().is_end_stream();
        // Who waits for a budget says nothing of how slow a registry is.
        let tells = ask.telling && !self.client.budgets().limits_requests();
        let turn = self.flow.turn(is_begun).await;
        let began = Instant::now();
        let sent = if ask.follow {
            self.client.send_following(ask.url.clone(), request, purpose).await
        } else {
            *request.uri_mut() = net::uri(&ask.url).map_err(|error| ask.failed(error))?;
            self.client.send(request, purpose).await.map(|answer| (answer, ask.url.clone()))
        };
        turn.ended(&outcome(&sent, tells.then(|| began.elapsed())));
        let (response, url) = sent.map_err(|error| ask.failed(error))?;
        Ok(Answer { response, url, told: None })
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
