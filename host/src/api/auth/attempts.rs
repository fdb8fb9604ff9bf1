//! Wrong passwords: after a few from one address (one /64 of IPv6) for one name, the next must wait;
//! and so after many for whatever names. It looks at no password.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use portolan_core::network::neighbourhood;

/// For one name.
const NAME: Rule = Rule { free: 5, longest: Duration::from_secs(300) };
/// For all names together: many people may share an address, so nobody waits for long.
const PLACE: Rule = Rule { free: 50, longest: Duration::from_secs(10) };
/// How long the first wait is; each further wrong password doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// After this time without a wrong one, everything is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(900);
/// Most addresses, and pairs of address and name, watched at once.
const MAX_WATCHED: usize = 4096;
/// Longest name that is told apart.
const MAX_NAME: usize = 64;

/// An address with a name, or with `None` for all names.
type Key = (Option<IpAddr>, Option<String>);
type Wrong = HashMap<Key, (u32, Instant)>;

/// How many wrong passwords cost nothing, and the longest wait after more.
#[derive(Clone, Copy)]
struct Rule {
    free: u32,
    longest: Duration,
}

/// Counts wrong passwords by address and name.
#[derive(Default)]
pub(crate) struct Attempts {
    wrong: Mutex<Wrong>,
}

impl Attempts {
    /// How long to wait before another password is looked at; `None` for not at all.
    pub(super) fn wait(&self, peer: Option<IpAddr>, name: &str, now: Instant) -> Option<Duration> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |(key, rule): (Key, Rule)| {
            let (count, last) = wrong.get(&key)?;
            let exponent = count.checked_sub(rule.free)?.min(16);
            let wait = FIRST_WAIT.saturating_mul(1 << exponent).min(rule.longest);
            wait.checked_sub(now.saturating_duration_since(*last)).filter(|left| !left.is_zero())
        };
        watched(peer, name).filter_map(left).max()
    }

    /// Notes a wrong one.
    pub(super) fn failed(&self, peer: Option<IpAddr>, name: &str, now: Instant) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in watched(peer, name) {
            note(&mut wrong, key, now);
        }
    }

    /// Forgets those for the name after a right one. Not those for all names: a guesser may well
    /// have one password that is right.
    pub(super) fn succeeded(&self, peer: Option<IpAddr>, name: &str) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).remove(&pair(peer, name));
    }
}

fn note(wrong: &mut Wrong, key: Key, now: Instant) {
    if wrong.len() >= MAX_WATCHED {
        wrong.retain(|_, (_, last)| now.saturating_duration_since(*last) < FORGOTTEN);
    }
    if wrong.len() >= MAX_WATCHED && !wrong.contains_key(&key) {
        // An attack with many names: who guessed longest ago goes first, so that the names
        // cannot be used to make the others be forgotten all at once.
        let oldest = wrong.iter().min_by_key(|(_, (_, last))| *last).map(|(key, _)| key.clone());
        oldest.map(|key| wrong.remove(&key));
    }
    let (count, last) = wrong.entry(key).or_insert((0, now));
    if now.saturating_duration_since(*last) >= FORGOTTEN {
        *count = 0;
    }
    (*count, *last) = (count.saturating_add(1), now);
}

/// What a wrong password counts for. Without an address there is nothing that its callers share.
fn watched(peer: Option<IpAddr>, name: &str) -> impl Iterator<Item = (Key, Rule)> {
    let place = peer.map(|peer| ((Some(neighbourhood(peer)), None), PLACE));
    std::iter::once((pair(peer, name), NAME)).chain(place)
}

fn pair(peer: Option<IpAddr>, name: &str) -> Key {
    (peer.map(neighbourhood), Some(name.chars().take(MAX_NAME).collect()))
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
        assert_eq!(attempts.wait(peer, "ada", now), Some(NAME.longest));
        attempts.failed(peer, "ada", now + FORGOTTEN);
        assert_eq!(attempts.wait(peer, "ada", now + FORGOTTEN), None);
        attempts.succeeded(peer, "ada");
        assert!(!attempts.wrong.lock().unwrap().contains_key(&pair(peer, "ada")));
    }

    #[test]
    fn many_names_from_one_place_wait_as_well() {
        let attempts = Attempts::default();
        let (peer, now) = (Some("192.0.2.1".parse().unwrap()), Instant::now());
        for number in 0..PLACE.free {
            assert_eq!(attempts.wait(peer, "ada", now), None, "{number}");
            attempts.failed(peer, &number.to_string(), now);
        }
        attempts.succeeded(peer, "ada");
        assert_eq!(attempts.wait(peer, "ada", now), Some(FIRST_WAIT));
        for _ in 0..20 {
            attempts.failed(peer, "0", now);
        }
        assert_eq!(attempts.wait(peer, "ada", now), Some(PLACE.longest));
        assert_eq!(attempts.wait(Some("192.0.2.2".parse().unwrap()), "ada", now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..MAX_WATCHED * 2 + 10 {
            attempts.failed(None, &number.to_string(), now);
            if number == MAX_WATCHED {
                for _ in 0..NAME.free {
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
        for number in 1..=NAME.free {
            attempts.failed(at(&format!("2001:db8::{number}")), "ada", now);
        }
        assert!(attempts.wait(at("2001:db8::ffff"), "ada", now).is_some());
        assert_eq!(attempts.wait(at("2001:db8:0:1::1"), "ada", now), None);
    }
}
