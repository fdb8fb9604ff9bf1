//! The audit log as requests fill it. A change of the store is noted in its own transaction, by the
//! handle that [`Access`](super::auth::Access) gives to handlers; this layer notes the rest: what
//! was done elsewhere, and what was refused. It keeps no body, so no secret.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use portolan_core::audit::{Actor, Change, Means, Outcome};

use super::{Api, Caller, Peer, auth::Who, hooks, respond::Refusal, trace};
use crate::host::Host;

/// Longest name, id, path and request id that is kept, in characters.
const MAX_TEXT: usize = 256;
/// Refusals, and beginnings and ends of sessions, that may be noted at once; more of each come with
/// time.
const BURST: f64 = 200.0;
/// Of each, noted each second in the long run: a durable write that nearly anybody can cause.
const PER_SECOND: f64 = 5.0;
/// What changes nothing, whatever its method: a plan copies nothing.
const READS: [&str; 2] = ["/plan", "/plans"];

/// What one request is remembered by, shared by the layer and whoever finds out who it is from.
#[derive(Default)]
pub(crate) struct Trace {
    /// `None` for the Unix socket, and for a router that an embedder serves.
    peer: Option<IpAddr>,
    socket: bool,
    /// As it came.
    request: Option<HeaderValue>,
    method: Method,
    uri: Uri,
    /// By its method it changes nothing, so nothing has to be noted by the store.
    safe: bool,
    known: OnceLock<(Who, Means)>,
    tried: OnceLock<(String, Means)>,
    host: OnceLock<Host>,
}

impl Trace {
    fn new(request: &Request) -> Self {
        let caller = request.extensions().get::<Caller>();
        Self {
            peer: request.extensions().get::<Peer>().map(|peer| peer.0),
            socket: matches!(caller, Some(Caller::Owner | Caller::Socket)),
            request: request.headers().get(trace::REQUEST_ID).cloned(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            safe: matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS),
            ..Self::default()
        }
    }

    /// Whether it changes nothing, whatever its method.
    fn reads(&self) -> bool {
        self.safe || READS.iter().any(|end| self.uri.path().ends_with(end))
    }

    /// Remembers who it is.
    pub(super) fn known(&self, who: &Who, how: Means) {
        self.known.get_or_init(|| (who.clone(), how));
    }

    /// Remembers whose password is tried, or that a token is, which has no name yet.
    pub(super) fn tried(&self, name: &str, how: Means) {
        self.tried.get_or_init(|| (short(name), how));
    }

    /// The host, whose changes are this caller's.
    pub(super) fn host<'h>(&'h self, host: &'h Host, who: &Who, how: Means) -> &'h Host {
        if self.safe {
            return host;
        }
        self.host.get_or_init(|| host.acting_as(self.actor(Some((who, how)))))
    }

    fn actor(&self, known: Option<(&Who, Means)>) -> Actor {
        let tried = self.tried.get();
        let how = known.map(|(_, how)| how).or(tried.map(|(_, how)| *how));
        let name = known.map(|(who, _)| &who.name).or(tried.map(|(name, _)| name));
        Actor {
            who: name.cloned().unwrap_or_default(),
            role: known.map(|(who, _)| who.role),
            how: how.unwrap_or(Means::None),
            from: match self.peer {
                _ if self.socket => "socket".to_owned(),
                peer => peer.map(|peer| peer.to_string()).unwrap_or_default(),
            },
            request: short(
                self.request.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default(),
            ),
            action: short(&format!("{} {}", self.method, self.uri.path())),
        }
    }

    /// What is to be noted of an answer, where the store did not note it already.
    fn note(&self, response: &Response) -> Option<(Actor, Outcome, String, Change)> {
        let (reads, status) = (self.reads(), response.status());
        let known = self.known.get().map(|(who, how)| (who, *how));
        let outcome = match status {
            // A page of another site, in the browser of somebody who need not know of it.
            StatusCode::FORBIDDEN if known.is_none() && self.tried.get().is_none() => return None,
            StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => Outcome::Refused,
            StatusCode::UNAUTHORIZED if !reads || self.tried.get().is_some() => Outcome::Refused,
            _ if reads => return None,
            status if status.is_success() => Outcome::Done,
            // Somebody unknown who asked for nothing that exists.
            _ if known.is_none() => return None,
            _ => Outcome::Refused,
        };
        if outcome == Outcome::Done && self.host.get().is_some_and(Host::has_noted) {
            return None;
        }
        let why = response.extensions().get::<Refusal>().map(|refusal| short(&refusal.0));
        let why = why.unwrap_or_else(|| format!("status {}", status.as_u16()));
        let reason = if outcome == Outcome::Done { String::new() } else { why };
        let change = about(self.uri.path(), response);
        let in_session = known.is_some_and(|(_, how)| how == Means::Session);
        if outcome == Outcome::Done
            && is_session(&change)
            && self.method == Method::DELETE
            && !in_session
        {
            return None;
        }
        Some((self.actor(known), outcome, reason, change))
    }
}

/// Notes what a request did, or why it was refused.
///
/// What webhooks tell is no change of anybody's: it is counted and logged, and kept out of here, as
/// are their addresses.
pub(crate) async fn record<F: Future<Output = Response>>(
    api: &Api,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    if hooks::is_hook(request.uri().path()) {
        return next(request).await;
    }
    let trace = Arc::new(Trace::new(&request));
    request.extensions_mut().insert(Arc::clone(&trace));
    let response = next(request).await;
    let Some((actor, outcome, reason, change)) = trace.note(&response) else {
        return response;
    };
    if api.0.noted.may(outcome, &change, Instant::now()) {
        let action = actor.action.clone();
        let noted = api.0.host.note(actor, outcome, reason, change).await;
        if let Err(error) = noted {
            tracing::error!(%error, action, "the audit log could not be written");
        }
    }
    response
}

/// The noun and the id in a path; the id of what was made from its `Location`.
fn about(path: &str, response: &Response) -> Change {
    let location = response.headers().get(header::LOCATION);
    let path = location.and_then(|value| value.to_str().ok()).unwrap_or(path);
    let mut parts = path.split('/').skip_while(|part| noun(part).is_none());
    let noun = parts.next().and_then(noun).unwrap_or_default();
    let id = parts.next().filter(|part| !matches!(*part, "ping" | "current" | "rotate"));
    Change::of(noun, id.unwrap_or_default())
}

fn noun(part: &str) -> Option<&'static str> {
    Some(match part {
        "registries" | "endpoints" => "endpoint",
        "policies" => "policy",
        "executions" => "execution",
        "plugins" => "plugin",
        "users" => "user",
        "tokens" => "token",
        "sessions" => "session",
        "backup" => "backup",
        "key" => "key",
        "configurations" => "configuration",
        "projects" => "project",
        _ => return None,
    })
}

/// Whether it is about a session. These change nothing that is kept, and everybody may begin and
/// end their own: the store keeps them with the refusals, where they push no change out.
fn is_session(change: &Change) -> bool {
    change.noun == "session"
}

fn short(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(MAX_TEXT).collect()
}

/// What of the things that cost nobody anything may still be noted.
#[derive(Default)]
pub(crate) struct Noted {
    refusals: Bucket,
    sessions: Bucket,
}

impl Noted {
    fn may(&self, outcome: Outcome, change: &Change, now: Instant) -> bool {
        match outcome {
            Outcome::Refused => self.refusals.take(now),
            Outcome::Done => !is_session(change) || self.sessions.take(now),
        }
    }
}

/// A number that grows slowly.
struct Bucket(Mutex<(f64, Option<Instant>)>);

impl Default for Bucket {
    fn default() -> Self {
        Self(Mutex::new((BURST, None)))
    }
}

impl Bucket {
    fn take(&self, now: Instant) -> bool {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, last) = *bucket;
        let passed = last.map_or(0.0, |last| now.saturating_duration_since(last).as_secs_f64());
        let left = (left + passed * PER_SECOND).min(BURST);
        let taken = left >= 1.0;
        *bucket = (if taken { left - 1.0 } else { left }, Some(now));
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn paths_say_what_they_are_about() {
        let cases = [
            ("/api/v2.0/registries/7", "", ("endpoint", "7")),
            ("/api/v2.0/registries/ping", "", ("endpoint", "")),
            (
                "/api/v2.0/replication/executions",
                "/api/v2.0/replication/executions/9",
                ("execution", "9"),
            ),
            ("/api/portolan/v1/plugins/sha256:1/approve", "", ("plugin", "sha256:1")),
            ("/api/portolan/v1/users/current/password", "", ("user", "")),
            ("/nothing", "", ("", "")),
        ];
        for (path, location, (noun, id)) in cases {
            let mut response = StatusCode::OK.into_response();
            if !location.is_empty() {
                response.headers_mut().insert(header::LOCATION, location.parse().unwrap());
            }
            assert_eq!(about(path, &response), Change::of(noun, id), "{path}");
        }
    }

    #[test]
    fn refusals_and_sessions_are_noted_at_a_bounded_rate() {
        let (noted, now) = (Noted::default(), Instant::now());
        let taken = |outcome, noun, now| {
            (0..1_000).filter(|_| noted.may(outcome, &Change::of(noun, ""), now)).count()
        };
        for (outcome, noun) in [(Outcome::Refused, "policy"), (Outcome::Done, "session")] {
            assert_eq!((taken(outcome, noun, now), taken(outcome, noun, now)), (200, 0), "{noun}");
            assert_eq!(taken(outcome, noun, now + Duration::from_secs(2)), 10, "{noun}");
        }
        assert_eq!(taken(Outcome::Done, "policy", now), 1_000, "changes are all noted");
    }
}
