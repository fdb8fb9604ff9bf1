//! Misbehaviour to switch on while the registry runs. Each fault has a name, says which requests
//! it meets, and how often; none is on by itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderName, header};
use tokio::sync::watch;

use crate::requests::Kind;

/// Which requests a fault meets. A [`Kind`] alone will do where one is asked for.
#[derive(Clone, Debug, Default)]
pub struct When {
    kind: Option<Kind>,
    path: Option<String>,
}

impl When {
    /// Every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Only requests whose path and query contain `text`.
    #[must_use]
    pub fn path(self, text: &str) -> Self {
        Self { path: Some(text.to_owned()), ..self }
    }

    fn meets(&self, kind: Kind, path: &str) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.path.as_deref().is_none_or(|text| path.contains(text))
    }
}

impl From<Kind> for When {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind), path: None }
    }
}

/// The switchboard of one registry. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

#[derive(Debug)]
struct Rule {
    when: When,
    effect: Effect,
    left: Option<u32>,
}

#[derive(Clone, Debug)]
enum Effect {
    Instead(Instead),
    Hold(watch::Receiver<()>),
    CutUpload(u64),
    RefuseMount,
    Redirect(String),
    Corrupt,
    Truncate(u64),
    Drop(u64),
    StallAfter(u64, watch::Receiver<()>),
    Slow(u64),
    Header(HeaderName, String),
    Limit(Arc<Mutex<Window>>),
}

/// Requests that are let through in a while.
#[derive(Debug)]
struct Window {
    limit: u32,
    length: Duration,
    left: u32,
    ends: Instant,
}

impl Window {
    /// Counts one request: what is left, seconds to the end, and whether it was one too many.
    fn take(&mut self) -> (u32, u64, bool) {
        let now = Instant::now();
        if now >= self.ends {
            (self.left, self.ends) = (self.limit, now + self.length);
        }
        let over = self.left == 0;
        self.left = self.left.saturating_sub(1);
        let rest = self.ends.saturating_duration_since(now);
        (self.left, rest.as_secs_f64().ceil().max(1.0) as u64, over)
    }
}

/// An answer in place of the right one.
#[derive(Clone, Debug)]
pub(crate) enum Instead {
    Status(u16),
    Html(u16),
    Huge(u64),
    EchoBody,
    EchoHeader,
}

/// What happens to one request: the sum of the rules that met it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    pub(crate) hold: Option<watch::Receiver<()>>,
    pub(crate) instead: Option<Instead>,
    pub(crate) cut_upload_after: Option<u64>,
    pub(crate) refuse_mount: bool,
    pub(crate) redirect: Option<String>,
    pub(crate) corrupt: bool,
    pub(crate) truncate: Option<u64>,
    pub(crate) shape: Shape,
    pub(crate) headers: Vec<(HeaderName, String)>,
}

/// How the bytes of an answer flow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) drop_after: Option<u64>,
    pub(crate) stall_after: Option<(u64, watch::Receiver<()>)>,
    pub(crate) bytes_per_second: Option<u64>,
}

/// Holds requests up until it is dropped.
#[derive(Debug)]
#[must_use = "the stall ends when this is dropped"]
pub struct Stall {
    _release: watch::Sender<()>,
}

impl Faults {
    /// Answers the next request with this status and an error envelope.
    pub fn status_once(&self, when: impl Into<When>, status: u16) {
        self.status_times(when, status, 1);
    }

    /// Answers the next `times` requests with this status and an error envelope.
    pub fn status_times(&self, when: impl Into<When>, status: u16, times: u32) {
        self.add(when, Effect::Instead(Instead::Status(status)), Some(times));
    }

    /// Answers every request with this status and an error envelope.
    pub fn status_always(&self, when: impl Into<When>, status: u16) {
        self.add(when, Effect::Instead(Instead::Status(status)), None);
    }

    /// Answers the next `times` requests with 429 and this `Retry-After`, in seconds or as a date.
    pub fn retry_after(&self, when: impl Into<When>, value: &str, times: u32) {
        let when = when.into();
        self.add(when.clone(), Effect::Header(header::RETRY_AFTER, value.to_owned()), Some(times));
        self.status_times(when, 429, times);
    }

    /// Lets so many requests through in each window of this length, and says so in `RateLimit-*`; the
    /// others are answered with 429 and a `Retry-After` of whole seconds.
    pub fn limit(&self, when: impl Into<When>, requests: u32, length: Duration) {
        let window =
            Window { limit: requests, length, left: requests, ends: Instant::now() + length };
        self.add(when, Effect::Limit(Arc::new(Mutex::new(window))), None);
    }

    /// Cuts the connection of the next blob download after this many body bytes.
    pub fn drop_after(&self, bytes: u64) {
        self.add(Kind::BlobGet, Effect::Drop(bytes), Some(1));
    }

    /// Cuts the connection of every request met, after this many bytes of the answer's body.
    pub fn drop_always_after(&self, when: impl Into<When>, bytes: u64) {
        self.add(when, Effect::Drop(bytes), None);
    }

    /// Cuts the connection of the next upload request after this many bytes of its body, which
    /// the session keeps.
    pub fn cut_upload_after(&self, bytes: u64) {
        self.add(When::any().path("/blobs/uploads/"), Effect::CutUpload(bytes), Some(1));
    }

    /// Leaves requests without an answer until the returned value is dropped; then they go on.
    pub fn stall(&self, when: impl Into<When>) -> Stall {
        let (release, held) = watch::channel(());
        self.add(when, Effect::Hold(held), None);
        Stall { _release: release }
    }

    /// Stops sending after this many body bytes until the returned value is dropped.
    pub fn stall_after(&self, when: impl Into<When>, bytes: u64) -> Stall {
        let (release, held) = watch::channel(());
        self.add(when, Effect::StallAfter(bytes, held), None);
        Stall { _release: release }
    }

    /// Changes a byte of every body met, keeping length and headers: it hashes to another digest.
    pub fn wrong_digest(&self, when: impl Into<When>) {
        self.add(when, Effect::Corrupt, None);
    }

    /// Changes a byte of the next body met.
    pub fn wrong_digest_once(&self, when: impl Into<When>) {
        self.add(when, Effect::Corrupt, Some(1));
    }

    /// Sends only the first bytes of every body met, as if that were all.
    pub fn truncate(&self, when: impl Into<When>, bytes: u64) {
        self.add(when, Effect::Truncate(bytes), None);
    }

    /// Answers every mount with 202: an ordinary upload.
    pub fn refuse_mount(&self) {
        self.add(Kind::Mount, Effect::RefuseMount, None);
    }

    /// Sends every body at this pace.
    pub fn slow(&self, when: impl Into<When>, bytes_per_second: u64) {
        self.add(when, Effect::Slow(bytes_per_second.max(1)), None);
    }

    /// Answers downloads of blobs it has with 307 to the same path below `base`.
    pub fn redirect_blobs_to(&self, base: &str) {
        let base = base.trim_end_matches('/').to_owned();
        self.add(Kind::BlobGet, Effect::Redirect(base), None);
    }

    /// Answers with this status and a page of HTML, as a proxy in between would.
    pub fn html_error(&self, when: impl Into<When>, status: u16) {
        self.add(when, Effect::Instead(Instead::Html(status)), None);
    }

    /// Answers 200 with a JSON document of this many bytes, of no announced length.
    pub fn huge_answer(&self, when: impl Into<When>, bytes: u64) {
        self.add(when, Effect::Instead(Instead::Huge(bytes)), None);
    }

    /// Answers requests that carry `Authorization` with 200 and that header, raw and decoded, in
    /// a JSON body.
    pub fn echo_authorization(&self, when: impl Into<When>) {
        self.add(when, Effect::Instead(Instead::EchoBody), None);
    }

    /// Answers requests that carry `Authorization` with 200 and its decoded value in a header.
    pub fn echo_authorization_in_header(&self, when: impl Into<When>) {
        self.add(when, Effect::Instead(Instead::EchoHeader), None);
    }

    /// Switches everything off. Requests already met keep what met them.
    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many requests the faults that end by themselves still wait for.
    pub fn waiting(&self) -> u32 {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().filter_map(|rule| rule.left).sum()
    }

    /// Sends only the first bytes of the next body met, as if that were all.
    pub fn truncate_once(&self, when: impl Into<When>, bytes: u64) {
        self.add(when, Effect::Truncate(bytes), Some(1));
    }

    /// Cuts the connection of the next request met, after this many bytes of the answer's body.
    pub fn drop_once_after(&self, when: impl Into<When>, bytes: u64) {
        self.add(when, Effect::Drop(bytes), Some(1));
    }

    /// Answers the next request with this status and a page of HTML.
    pub fn html_error_once(&self, when: impl Into<When>, status: u16) {
        self.add(when, Effect::Instead(Instead::Html(status)), Some(1));
    }

    fn add(&self, when: impl Into<When>, effect: Effect, left: Option<u32>) {
        let rule = Rule { when: when.into(), effect, left };
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// What meets this request; counts it against the rules that do. Of several answers in place
    /// of the right one, the oldest wins and the others wait.
    pub(crate) fn take(&self, kind: Kind, path: &str) -> Effects {
        let mut effects = Effects::default();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules.iter_mut().filter(|rule| rule.when.meets(kind, path)) {
            if effects.instead.is_some() && matches!(rule.effect, Effect::Instead(_)) {
                continue;
            }
            rule.left = rule.left.map(|left| left.saturating_sub(1));
            effects.add(rule.effect.clone());
        }
        let met = |rule: &Rule| rule.left == Some(0);
        rules.retain(|rule| !met(rule));
        effects
    }
}

impl Effects {
    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::Instead(instead) => self.instead = Some(instead),
            Effect::Hold(held) => self.hold = Some(held),
            Effect::CutUpload(bytes) => self.cut_upload_after = Some(bytes),
            Effect::RefuseMount => self.refuse_mount = true,
            Effect::Redirect(base) => self.redirect = Some(base),
            Effect::Corrupt => self.corrupt = true,
            Effect::Truncate(bytes) => self.truncate = Some(bytes),
            Effect::Drop(bytes) => self.shape.drop_after = Some(bytes),
            Effect::StallAfter(bytes, held) => self.shape.stall_after = Some((bytes, held)),
            Effect::Slow(rate) => self.shape.bytes_per_second = Some(rate),
            Effect::Header(name, value) => self.headers.push((name, value)),
            Effect::Limit(window) => {
                let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
                let (left, rest, over) = window.take();
                let mut say = |name, number: u64| {
                    self.headers.push((HeaderName::from_static(name), number.to_string()));
                };
                say("ratelimit-limit", u64::from(window.limit));
                say("ratelimit-remaining", u64::from(left));
                say("ratelimit-reset", rest);
                if over {
                    say("retry-after", rest);
                    self.instead = Some(Instead::Status(429));
                }
            }
        }
    }

    /// Waits while the request is stalled.
    pub(crate) async fn wait(&self) {
        if let Some(mut held) = self.hold.clone() {
            released(&mut held).await;
        }
    }
}

/// Returns when the [`Stall`] is dropped.
pub(crate) async fn released(held: &mut watch::Receiver<()>) {
    while held.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_meet_what_they_name_as_often_as_they_say() {
        let faults = Faults::default();
        faults.status_times(Kind::Tags, 503, 2);
        faults.status_once(When::any().path("special"), 429);
        let status = |kind, path| match faults.take(kind, path).instead {
            Some(Instead::Status(status)) => status,
            _ => 200,
        };
        assert_eq!(status(Kind::Catalog, "/v2/_catalog"), 200);
        assert_eq!(status(Kind::Tags, "/v2/special/tags/list"), 503);
        assert_eq!(status(Kind::Catalog, "/v2/special"), 429, "it waited for its turn");
        assert_eq!(status(Kind::Tags, "/v2/a/tags/list"), 503);
        assert_eq!(status(Kind::Tags, "/v2/a/tags/list"), 200);
    }
}
