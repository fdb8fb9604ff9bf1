//! What registries say of how often they may be asked: `RateLimit-*` (IETF draft, Docker Hub),
//! `X-RateLimit-*`, `Retry-After`. It reads and keeps what was said last, and says how long a host
//! is better left alone; who waits is the client.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderMap, header};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::Instant;

/// Longest time a request waits for a limit to be over: what a host says may be wrong.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
/// Most hosts of one endpoint that are remembered.
const MAX_HOSTS: usize = 8;
/// Requests that are left to those under way: this part of the limit, and this many at most.
const RESERVE: (u64, u64) = (50, 16);
/// Numbers above this are instants in Unix time; below it, seconds from now.
const INSTANTS: u64 = 1_000_000_000;

/// What one host said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// The host.
    pub(crate) host: String,
    /// Requests in a window.
    pub(crate) limit: Option<u64>,
    /// Of these, how many are left.
    pub(crate) remaining: Option<u64>,
    /// Seconds of the window.
    pub(crate) window: Option<u64>,
    /// When it begins anew.
    pub(crate) reset: Option<OffsetDateTime>,
    /// When it may be asked again, where it refused.
    pub(crate) retry_at: Option<OffsetDateTime>,
    /// When it said so.
    pub(crate) seen: OffsetDateTime,
}

/// What the hosts of one endpoint said.
#[derive(Debug)]
pub(crate) struct RateLimits {
    said: Mutex<Vec<Said>>,
    /// Most hosts that are remembered.
    most: usize,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { said: Mutex::default(), most: MAX_HOSTS }
    }
}

#[derive(Debug)]
struct Said {
    it: RateLimit,
    /// Until when it is better left alone.
    rest: Option<Instant>,
}

impl RateLimits {
    /// Remembers nothing: where what one endpoint is told would hold up another.
    pub(super) fn none() -> Self {
        Self { most: 0, ..Self::default() }
    }

    /// Keeps what an answer of a host says, if anything.
    pub(super) fn note(&self, host: &str, headers: &HeaderMap) {
        let (now, at) = (OffsetDateTime::now_utc(), Instant::now());
        let Some(it) = read(host, headers, now).filter(|_| self.most > 0) else { return };
        let rest = it.rest(now).map(|rest| at + rest.min(LONGEST));
        let mut all = self.lock();
        if let Some(known) = all.iter_mut().find(|said| said.it.host == host) {
            // A refusal may say no more than when to come back.
            let silent = it.limit.is_none() && it.remaining.is_none();
            known.rest = if silent { known.rest.max(rest) } else { rest };
            known.it = match silent {
                true => RateLimit { retry_at: it.retry_at, seen: it.seen, ..known.it.clone() },
                false => it,
            };
            return;
        }
        if all.len() >= self.most {
            all.remove(0);
        }
        all.push(Said { it, rest });
    }

    /// Until when a host is better left alone, where it is.
    pub(super) fn rest(&self, host: &str) -> Option<Instant> {
        self.lock().iter().find(|said| said.it.host == host).and_then(|said| said.rest)
    }

    /// What each host said last.
    #[cfg(any(feature = "api", test))]
    pub(crate) fn all(&self) -> Vec<RateLimit> {
        self.lock().iter().map(|said| said.it.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimit {
    /// How long the host is better left alone: it said when to come back, or next to nothing is left
    /// until the window begins anew. Where nobody says when that is, there is nothing to wait for.
    fn rest(&self, now: OffsetDateTime) -> Option<Duration> {
        let (part, most) = RESERVE;
        let reserve = self.limit.map_or(0, |limit| (limit / part).min(most));
        let dry = self.remaining.is_some_and(|left| left <= reserve);
        let until = self.retry_at.max(self.reset.filter(|_| dry))?;
        Duration::try_from(until - now).ok()
    }
}

/// What an answer's headers say; `None` where that is nothing.
fn read(host: &str, headers: &HeaderMap, now: OffsetDateTime) -> Option<RateLimit> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let either = |one: &str, other: &str| text(one).or_else(|| text(other));
    let limit = either("ratelimit-limit", "x-ratelimit-limit");
    let remaining = either("ratelimit-remaining", "x-ratelimit-remaining").and_then(number);
    let reset = either("ratelimit-reset", "x-ratelimit-reset").and_then(number);
    // Docker Hub's management names it so, with an instant.
    let later = text("x-retry-after").and_then(number).and_then(|number| instant(number, now));
    let retry_at = retry_after(headers).and_then(|wait| ahead(wait, now)).or(later);
    let window = limit.and_then(|limit| {
        limit.split([';', ',']).find_map(|part| part.trim().strip_prefix("w=")?.parse().ok())
    });
    let limit = limit.and_then(number);
    let reset = reset.and_then(|reset| instant(reset, now));
    if limit.is_none() && remaining.is_none() && retry_at.is_none() {
        return None;
    }
    let host = host.to_owned();
    Some(RateLimit { host, limit, remaining, window, reset, retry_at, seen: now })
}

/// The number a text begins with.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// Seconds from now, or an instant.
fn instant(number: u64, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if number < INSTANTS {
        return ahead(Duration::from_secs(number), now);
    }
    OffsetDateTime::from_unix_timestamp(i64::try_from(number).ok()?).ok()
}

fn ahead(wait: Duration, now: OffsetDateTime) -> Option<OffsetDateTime> {
    now.checked_add(wait.try_into().ok()?)
}

/// How long a registry asks to wait: seconds, a date, or a duration such as `880.092µs`.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?;
    let text = std::str::from_utf8(value.as_bytes()).ok()?.trim();
    if let Ok(date) = OffsetDateTime::parse(text, &Rfc2822) {
        return Duration::try_from(date - OffsetDateTime::now_utc()).ok();
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "µs" | "us" => 1e-6,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * factor).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-22 07:00 UTC);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                (header::HeaderName::from_static(name), value)
            })
            .collect()
    }

    #[test]
    fn what_registries_say_of_their_limits() {
        let reset = (NOW + Duration::from_secs(90)).unix_timestamp().to_string();
        let hub = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")];
        let hub_hub = |left| {
            vec![
                ("x-ratelimit-limit", "180"),
                ("x-ratelimit-remaining", left),
                ("x-ratelimit-reset", reset.as_str()),
            ]
        };
        let draft = [
            ("ratelimit-limit", "10, 10;w=60"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "7"),
        ];
        // Limit, remaining, window, seconds to the next window, seconds it is left alone.
        let cases = [
            (hub.to_vec(), Some((Some(100), Some(0), Some(21_600), None, None))),
            (hub_hub("179"), Some((Some(180), Some(179), None, Some(90), None))),
            (hub_hub("3"), Some((Some(180), Some(3), None, Some(90), Some(90)))),
            (draft.to_vec(), Some((Some(10), Some(0), Some(60), Some(7), Some(7)))),
            (vec![("retry-after", "3")], Some((None, None, None, None, Some(3)))),
            (vec![("x-retry-after", &reset)], Some((None, None, None, None, Some(90)))),
            (vec![("ratelimit-limit", "many")], None),
            (vec![("content-type", "text/plain")], None),
        ];
        for (pairs, wanted) in cases {
            let read = read("h", &headers(&pairs), NOW);
            let said = read.map(|it| {
                let seconds = |at: OffsetDateTime| (at - NOW).whole_seconds();
                let rest = it.rest(NOW).map(|rest| rest.as_secs_f64().round() as u64);
                (it.limit, it.remaining, it.window, it.reset.map(seconds), rest)
            });
            assert_eq!(said, wanted, "{pairs:?}");
        }
    }

    #[test]
    fn a_refusal_keeps_what_was_known_and_a_wait_has_an_end() {
        let limits = RateLimits::default();
        limits.note("h", &headers(&[("ratelimit-limit", "9"), ("ratelimit-remaining", "4")]));
        assert_eq!(limits.rest("h"), None);
        limits.note("h", &headers(&[("retry-after", "21600")]));
        let rest = limits.rest("h").unwrap().saturating_duration_since(Instant::now());
        assert!(rest <= LONGEST && rest > Duration::from_secs(30), "{rest:?}");
        let all = limits.all();
        let said: Vec<_> = all.iter().map(|it| (it.limit, it.remaining)).collect();
        assert_eq!(said, [(Some(9), Some(4))]);
        assert!(all.iter().all(|it| it.retry_at.is_some()));
        assert_eq!(limits.rest("other"), None, "each host for itself");
        for number in 0..20 {
            limits.note(&format!("h{number}"), &headers(&[("ratelimit-remaining", "4")]));
        }
        assert_eq!(limits.all().len(), MAX_HOSTS);
        let none = RateLimits::none();
        none.note("h", &headers(&[("retry-after", "21600")]));
        assert_eq!((none.rest("h"), none.all()), (None, Vec::new()));
    }

    #[test]
    fn waits_are_read_leniently() {
        let micros = |text: &str| {
            retry_after(&headers(&[("retry-after", text)])).map(|wait| wait.as_micros())
        };
        assert_eq!(micros("3"), Some(3_000_000));
        assert_eq!(micros("880.092µs"), Some(880));
        assert_eq!(micros("1.5s"), Some(1_500_000));
        assert_eq!(micros("soon"), None);
        assert_eq!(micros("Sun, 06 Nov 1994 08:49:37 GMT"), None);
        let later = micros("Fri, 06 Nov 2265 08:49:37 GMT");
        assert!(later.is_some_and(|wait| wait > 1_000_000), "{later:?}");
    }
}
