//! Wrong passwords: after a few from one address (one /64 of IPv6) for one name, the next must wait.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use portolan_core::network::neighbourhood;

/// Wrong passwords that cost nothing.
const FREE: u32 = 5;
/// How long the first wait is; each further wrong password doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// After this time without a wrong one, everything is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(900);
/// Most pairs of address and name watched at once.
const MAX_WATCHED: usize = 4096;
/// Longest name that is told apart.
const MAX_NAME: usize = 64;

type Pair = (Option<IpAddr>, String);

/// Counts wrong passwords by address and name.
#[derive(Default)]
pub(crate) struct Attempts {
    wrong: Mutex<HashMap<Pair, (u32, Instant)>>,
}

impl Attempts {
    /// How long to wait before another password is looked at; `None` for not at all.
    pub(super) fn wait(&self, peer: Option<IpAddr>, name: &str, now: Instant) -> Option<Duration> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = wrong.get(&pair(peer, name))?;
        let exponent = count.checked_sub(FREE)?.min(16);
        let wait = FIRST_WAIT.saturating_mul(1 << exponent).min(LONGEST_WAIT);
        wait.checked_sub(now.saturating_duration_since(*last)).filter(|left| !left.is_zero())
    }

    /// Notes a wrong one.
    pub(super) fn failed(&self, peer: Option<IpAddr>, name: &str, now: Instant) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= MAX_WATCHED {
            wrong.retain(|_, (_, last)| now.saturating_duration_since(*last) < FORGOTTEN);
        }
        let key = pair(peer, name);
        if wrong.len() >= MAX_WATCHED && !wrong.contains_key(&key) {
            // An attack with many names: who guessed longest ago goes first, so that the names
            // cannot be used to make the others be forgotten all at once.
            let oldest =
                wrong.iter().min_by_key(|(_, (_, last))| *last).map(|(key, _)| key.clone());
            oldest.map(|key| wrong.remove(&key));
        }
        let (count, last) = wrong.entry(key).or_insert((0, now));
        if now.saturating_duration_since(*last) >= FORGOTTEN {
            *count = 0;
        }
        (*count, *last) = (count.saturating_add(1), now);
    }

    /// Forgets them after a right one.
    pub(super) fn succeeded(&self, peer: Option<IpAddr>, name: &str) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).remove(&pair(peer, name));
    }
}

fn pair(peer: Option<IpAddr>, name: &str) -> Pair {
    (peer.map(neighbourhood), name.chars().take(MAX_NAME).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_forgotten() {
        let attempts = Attempts::default();
        let (peer, now) = (Some("192.0.2.1".parse().unwrap()), Instant::now());
        let seconds = |text: u64| Some(Duration::from_secs(text));
        for count in 1..=8 {
            attempts.failed(peer, "ada", now);
            let expected = match count {
                1..5 => None,
                count => seconds(1 << (count - 5)),
            };
            assert_eq!(attempts.wait(peer, "ada", now), expected, "{count}");
        }
        assert_eq!(attempts.wait(peer, "ada", now + Duration::from_secs(3)), seconds(5));
        assert_eq!(attempts.wait(peer, "ada", now + Duration::from_secs(8)), None);
        assert_eq!(attempts.wait(peer, "bob", now), None);
        assert_eq!(attempts.wait(None, "ada", now), None);
        for _ in 0..40 {
            attempts.failed(peer, "ada", now);
        }
        assert_eq!(attempts.wait(peer, "ada", now), Some(LONGEST_WAIT));
        attempts.failed(peer, "ada", now + FORGOTTEN);
        assert_eq!(attempts.wait(peer, "ada", now + FORGOTTEN), None);
        attempts.succeeded(peer, "ada");
        assert!(attempts.wrong.lock().unwrap().is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..MAX_WATCHED * 2 + 10 {
            attempts.failed(None, &number.to_string(), now);
            if number == MAX_WATCHED {
                for _ in 0..FREE {
                    attempts.failed(None, "ada", now + Duration::from_secs(1));
                }
            }
        }
        assert_eq!(attempts.wrong.lock().unwrap().len(), MAX_WATCHED);
        let kept = attempts.wait(None, "ada", now + Duration::from_secs(1));
        assert_eq!(kept, Some(FIRST_WAIT), "many names do not make one be forgotten");
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let at = |text: &str| Some(text.parse().unwrap());
        for number in 1..=FREE {
            attempts.failed(at(&format!("2001:db8::{number}")), "ada", now);
        }
        assert!(attempts.wait(at("2001:db8::ffff"), "ada", now).is_some());
        assert_eq!(attempts.wait(at("2001:db8:0:1::1"), "ada", now), None);
    }
}
