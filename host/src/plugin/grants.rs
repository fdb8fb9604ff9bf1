//! Grants kept until shortly before they expire, and asked for once however many want them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use portolan_core::{
    oci::Challenge,
    provider::{Grant, HostUse, Scope},
};
use time::OffsetDateTime;

use super::{PluginError, memory::lock};

/// Most grants of one endpoint.
const MAX_GRANTS: usize = 4096;
/// How long before its end a grant is no longer used.
const MARGIN: Duration = Duration::from_secs(20);

/// The grants of one endpoint.
#[derive(Default)]
pub(super) struct Grants {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    /// Until something was granted one asks at a time, so that what the adapter learns of the
    /// endpoint it learns once.
    first: tokio::sync::Mutex<()>,
    known: AtomicBool,
    /// Who has no credentials was told to send nothing.
    nothing: AtomicBool,
    /// A registry wanted something all the same.
    challenged: AtomicBool,
}

/// Scopes, and the challenge that was met, if any: an answer to one is not an answer to another.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    scopes: Vec<Scope>,
    challenge: Option<String>,
}

#[derive(Default)]
struct Slot {
    /// Rounds that ended, well or not.
    rounds: AtomicU64,
    last: tokio::sync::Mutex<Option<Result<Grant, PluginError>>>,
}

impl Grants {
    /// A grant for these scopes: kept, or from `ask`. Who waits while another asks takes that
    /// answer, failures included. With a challenge nothing kept is used. An endpoint that has no
    /// credentials, `anonymous`, and for which nothing had to be sent once, sends nothing for other
    /// scopes either, until it meets a challenge: there is nothing a call could find out.
    pub(super) async fn get(
        &self,
        scopes: &[Scope],
        (challenge, anonymous): (Option<&Challenge>, bool),
        ask: impl Future<Output = Result<Grant, PluginError>>,
    ) -> Result<Grant, PluginError> {
        if let Some(nothing) = self.nothing(challenge, anonymous) {
            return Ok(nothing);
        }
        let plain = Key { scopes: scopes.to_vec(), challenge: None };
        let key = Key { challenge: challenge.map(text), ..plain.clone() };
        let slot = self.slot(key);
        let seen = slot.rounds.load(Ordering::Acquire);
        let mut last = slot.last.lock().await;
        let waited = slot.rounds.load(Ordering::Acquire) != seen;
        match &*last {
            Some(result) if waited => return result.clone(),
            Some(Ok(grant)) if challenge.is_none() && is_fresh(grant) => return Ok(grant.clone()),
            _ => {}
        }
        let result = self.in_turn(ask).await;
        if challenge.is_none() && result.as_ref().is_ok_and(is_nothing) {
            self.nothing.store(true, Ordering::Relaxed);
        }
        *last = Some(result.clone());
        slot.rounds.fetch_add(1, Ordering::Release);
        drop(last);
        if let (Ok(grant), Some(_)) = (&result, challenge) {
            *self.slot(plain).last.lock().await = Some(Ok(grant.clone()));
        }
        result
    }

    /// The grant of who sends nothing, where [`Grants::get`] would give that.
    pub(super) fn nothing(&self, challenge: Option<&Challenge>, anonymous: bool) -> Option<Grant> {
        self.challenged.fetch_or(challenge.is_some(), Ordering::Relaxed);
        let nothing = self.nothing.load(Ordering::Relaxed);
        let needs_nothing = anonymous && nothing && !self.challenged.load(Ordering::Relaxed);
        needs_nothing.then(Grant::anonymous)
    }

    async fn in_turn(
        &self,
        ask: impl Future<Output = Result<Grant, PluginError>>,
    ) -> Result<Grant, PluginError> {
        let mut turn = None;
        if !self.known.load(Ordering::Acquire) {
            turn = Some(self.first.lock().await);
        }
        if self.known.load(Ordering::Acquire) {
            turn = None;
        }
        let result = ask.await;
        self.known.fetch_or(result.is_ok(), Ordering::Release);
        drop(turn);
        result
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(&key) {
            return slot.clone();
        }
        if slots.len() >= MAX_GRANTS {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_useful());
        }
        while slots.len() >= MAX_GRANTS {
            let Some(victim) = slots.keys().next().cloned() else { break };
            slots.remove(&victim);
        }
        slots.entry(key).or_default().clone()
    }
}

impl Slot {
    fn is_useful(&self) -> bool {
        match self.last.try_lock() {
            Ok(last) => matches!(&*last, Some(Ok(grant)) if is_fresh(grant)),
            Err(_) => true,
        }
    }
}

fn is_nothing(grant: &Grant) -> bool {
    grant.headers.is_empty() && grant.expires.is_none() && grant.carries == HostUse::Data
}

fn is_fresh(grant: &Grant) -> bool {
    grant.expires.is_none_or(|end| OffsetDateTime::now_utc() + MARGIN < end)
}

fn text(challenge: &Challenge) -> String {
    use std::fmt::Write;
    let mut text = challenge.scheme.clone();
    for (name, value) in &challenge.params {
        // Writing to a string cannot fail.
        let _ = write!(text, "\0{name}\0{value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use portolan_core::provider::Action;

    use super::*;

    fn scopes(name: &str) -> Vec<Scope> {
        vec![Scope { repository: name.parse().unwrap(), actions: vec![Action::Pull] }]
    }

    fn grant(seconds: i64) -> Grant {
        let expires = Some(OffsetDateTime::now_utc() + time::Duration::seconds(seconds));
        Grant { expires, ..Grant::anonymous() }
    }

    fn challenge() -> Challenge {
        Challenge { scheme: "bearer".to_owned(), params: Vec::new() }
    }

    #[tokio::test]
    async fn simultaneous_asks_make_one_call() {
        let (grants, calls) = (Grants::default(), AtomicUsize::new(0));
        for fails in [false, true] {
            let challenge = fails.then(challenge);
            let scopes = scopes("library/alpine");
            let ask = || async {
                calls.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if fails { Err(PluginError::Forbidden("no".to_owned())) } else { Ok(grant(300)) }
            };
            let asks = (0..50).map(|_| grants.get(&scopes, (challenge.as_ref(), false), ask()));
            let answers = futures_util::future::join_all(asks).await;
            assert!(answers.iter().all(|answer| answer.is_err() == fails));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 2, "one that is good, one that fails");
    }

    #[tokio::test]
    async fn grants_are_used_until_shortly_before_their_end() {
        for (seconds, wanted) in [(300, 1), (19, 2), (-5, 2)] {
            let (grants, calls) = (Grants::default(), AtomicUsize::new(0));
            for _ in 0..2 {
                let ask = async {
                    calls.fetch_add(1, Ordering::Relaxed);
                    Ok(grant(seconds))
                };
                grants.get(&scopes("a"), (None, false), ask).await.unwrap();
            }
            assert_eq!(calls.load(Ordering::Relaxed), wanted, "{seconds}");
        }
    }

    #[tokio::test]
    async fn a_challenge_asks_anew_and_its_answer_is_kept() {
        let grants = Grants::default();
        let answer = |seconds| async move { Ok(grant(seconds)) };
        let first = grants.get(&scopes("a"), (None, false), answer(100)).await.unwrap();
        let met = challenge();
        let second = grants.get(&scopes("a"), (Some(&met), false), answer(200)).await.unwrap();
        let again = grants.get(&scopes("a"), (Some(&met), false), answer(300)).await.unwrap();
        let kept = grants.get(&scopes("a"), (None, false), answer(400)).await.unwrap();
        assert!(first.expires < second.expires && second.expires < again.expires);
        assert_eq!(kept.expires, again.expires);
    }

    #[tokio::test]
    async fn who_needs_nothing_is_not_asked_about_until_a_challenge_comes() {
        let (grants, calls) = (Grants::default(), AtomicUsize::new(0));
        let get = async |name: &str, challenge: Option<&Challenge>, anonymous, given: Grant| {
            let ask = async {
                calls.fetch_add(1, Ordering::Relaxed);
                Ok(given)
            };
            grants.get(&scopes(name), (challenge, anonymous), ask).await.unwrap();
            calls.load(Ordering::Relaxed)
        };
        assert_eq!(get("a", None, true, grant(300)).await, 1);
        assert_eq!(get("b", None, true, Grant::anonymous()).await, 2, "an end may come");
        assert_eq!(get("c", None, true, Grant::anonymous()).await, 2);
        assert_eq!(get("d", None, false, Grant::anonymous()).await, 3, "it has credentials");
        assert_eq!(get("c", Some(&challenge()), true, grant(300)).await, 4);
        assert_eq!(get("c", None, true, Grant::anonymous()).await, 4, "kept");
        assert_eq!(get("e", None, true, Grant::anonymous()).await, 5, "it may want something, too");
    }

    #[tokio::test]
    async fn their_number_is_bounded() {
        let grants = Grants::default();
        for number in 0..MAX_GRANTS + 3 {
            let name = scopes(&format!("r{number}"));
            grants.get(&name, (None, false), async { Ok(grant(300)) }).await.unwrap();
        }
        assert_eq!(lock(&grants.slots).len(), MAX_GRANTS);
    }
}
