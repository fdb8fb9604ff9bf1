//! The audit log: one entry for each change, in the transaction of the change; and entries for what
//! was refused and for sessions, in a table of its own, so that neither guessers nor those who log
//! in again and again can push changes out of the log.
//!
//! Both are bounded: the oldest entries go first.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use portolan_core::audit::{Actor, AuditQuery, Change, Entry, Outcome};
use redb::{ReadableTable, ReadableTableMetadata};
use time::{Duration, OffsetDateTime};

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    rows::{decode, unreadable},
    tables::{AUDIT, AUDIT_REFUSED, Json, Snapshot, Tables, Writing},
};

/// Most changes kept.
const MAX_CHANGES: u64 = 100_000;
/// Most refusals, and beginnings and ends of sessions, kept.
const MAX_REFUSALS: u64 = 10_000;
/// Noun of what is no change of the store.
const SESSION: &str = "session";
/// Most entries that one new one pushes out: a lowered bound is reached step by step.
const MAX_FORGOTTEN: usize = 64;

/// On whose behalf a handle of the store writes.
pub(crate) struct Trail {
    actor: Actor,
    noted: AtomicBool,
}

impl Trail {
    pub(crate) fn new(actor: Actor) -> Self {
        Self { actor, noted: AtomicBool::new(false) }
    }
}

impl Store {
    /// A handle whose changes are noted as those of `actor`.
    pub(crate) fn acting_as(&self, actor: Actor) -> Self {
        Self { shared: Arc::clone(&self.shared), trail: Some(Arc::new(Trail::new(actor))) }
    }

    /// Whether a change through this handle, or a clone of it, was noted.
    pub(crate) fn has_noted(&self) -> bool {
        self.trail.as_ref().is_some_and(|trail| trail.noted.load(Ordering::SeqCst))
    }

    /// Entries older than this many days are forgotten from now on.
    pub(crate) fn keep_audit_for(&self, days: u32) {
        self.shared.audit_days.store(days, Ordering::Relaxed);
    }

    /// Runs an intent that writes, and notes its change in the same transaction where this handle
    /// acts for somebody. The law in [`writer`](super::writer) holds: first check, then write.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        intent: impl FnOnce(&mut Tables<'_>) -> Result<(T, Change), StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let trail = self.trail.clone();
        let oldest = self.oldest_entry();
        self.write(move |tables| {
            let (value, change) = intent(tables)?;
            if let Some(trail) = trail {
                let (actor, reason) = (trail.actor.clone(), String::new());
                let outcome = Outcome::Done;
                let entry = Entry { id: 0, at: now(), actor, outcome, reason, change };
                put(tables, entry, oldest)?;
                trail.noted.store(true, Ordering::SeqCst);
            }
            Ok(value)
        })
        .await
    }

    /// Notes what changed nothing in the store, or was refused.
    pub(crate) async fn note(
        &self,
        actor: Actor,
        outcome: Outcome,
        reason: String,
        change: Change,
    ) -> Result<(), StoreError> {
        let entry = Entry { id: 0, at: now(), actor, outcome, reason, change };
        let oldest = self.oldest_entry();
        self.write(move |tables| put(tables, entry, oldest)).await
    }

    /// At most `limit` entries, newest first.
    pub(crate) async fn audit(
        &self,
        query: AuditQuery,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let read = move |tables: &Snapshot| {
            let mut found = newest(&tables.open(AUDIT)?, &query, limit)?;
            found.extend(newest(&tables.open(AUDIT_REFUSED)?, &query, limit)?);
            found.sort_by_key(|entry| std::cmp::Reverse(entry.id));
            found.truncate(limit);
            Ok(found)
        };
        self.read(read).await
    }

    fn oldest_entry(&self) -> OffsetDateTime {
        let days = i64::from(self.shared.audit_days.load(Ordering::Relaxed));
        now().checked_sub(Duration::days(days)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// The log's own clock: an entry is made where the change is, not where it was asked for.
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn put(tables: &mut Tables<'_>, entry: Entry, oldest: OffsetDateTime) -> Result<(), StoreError> {
    let entry = Entry { id: take_ids(tables, Counter::Audit, 1)?, ..entry };
    let (table, most) = match (entry.outcome, entry.change.noun.as_ref()) {
        (Outcome::Refused, _) | (Outcome::Done, SESSION) => {
            (&mut tables.audit_refused, MAX_REFUSALS)
        }
        (Outcome::Done, _) => (&mut tables.audit, MAX_CHANGES),
    };
    table.put_json(entry.id, &entry)?;
    forget(table, most, oldest)
}

/// Forgets what is too old or too much, a few at a time. An entry that is not understood counts as
/// old: it must fail no change, which is written already.
fn forget(
    table: &mut Writing<'_, u64, Json>,
    most: u64,
    oldest: OffsetDateTime,
) -> Result<(), StoreError> {
    for _ in 0..MAX_FORGOTTEN {
        let count = table.len().map_err(unreadable)?;
        let (id, at) = match table.first().map_err(unreadable)? {
            Some((id, bytes)) => {
                (id.value(), decode::<Entry>(bytes.value()).ok().map(|entry| entry.at))
            }
            None => return Ok(()),
        };
        if count <= most && at.is_some_and(|at| at >= oldest) {
            return Ok(());
        }
        table.remove(id)?;
    }
    Ok(())
}

fn newest(
    table: &impl ReadableTable<u64, Json>,
    query: &AuditQuery,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let (mut found, mut left_out) = (Vec::new(), 0_u64);
    let end = query.before.unwrap_or(u64::MAX);
    for row in table.range(..end).map_err(unreadable)?.rev() {
        let Ok(entry) = decode::<Entry>(row.map_err(unreadable)?.1.value()) else {
            left_out += 1;
            continue;
        };
        // Ids and instants rise together, but for a clock that was set.
        if found.len() >= limit {
            break;
        }
        if query.matches(&entry) {
            found.push(entry);
        }
    }
    if left_out > 0 {
        tracing::warn!(left_out, "entries of the audit log are not understood");
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use portolan_core::{
        audit::{Means, SecretChange},
        endpoint::{Credentials, Health},
    };

    use super::*;
    use crate::store::fixtures::{after, endpoint, endpoint_spec, memory};

    fn actor(who: &str) -> Actor {
        Actor {
            who: who.to_owned(),
            role: None,
            how: Means::Socket,
            from: "socket".to_owned(),
            request: "r".to_owned(),
            action: "POST /x".to_owned(),
        }
    }

    async fn all(store: &Store) -> Vec<Entry> {
        store.audit(AuditQuery::default(), 1_000).await.unwrap()
    }

    #[tokio::test]
    async fn a_change_is_noted_with_both_sides_and_no_secret() {
        let store = memory().await;
        endpoint(&store, "unnoted").await.unwrap();
        assert_eq!(all(&store).await, [], "nobody in particular");
        let ada = store.acting_as(actor("ada"));
        assert!(!ada.has_noted());
        let seen = endpoint(&ada, "a").await.unwrap();
        assert!(ada.has_noted() && !store.has_noted());
        let ada = store.acting_as(actor("ada"));
        let update = ada.update_endpoint(
            &seen,
            endpoint_spec("b"),
            Credentials::default(),
            Health::Healthy,
            after(1),
        );
        update.await.unwrap();
        assert!(endpoint(&ada, "b").await.is_err(), "taken");
        ada.delete_endpoint(seen.id).await.unwrap();
        let entries = all(&store).await;
        let name = |side: &Option<serde_json::Value>| {
            side.as_ref().map(|side| side["spec"]["name"].as_str().unwrap().to_owned())
        };
        let told: Vec<_> = entries
            .iter()
            .map(|it| (name(&it.change.before), name(&it.change.after), it.change.secrets.clone()))
            .collect();
        let secret = |change| BTreeMap::from([("access_secret".to_owned(), change)]);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                (some("b"), None, BTreeMap::new()),
                (some("a"), some("b"), secret(SecretChange::Removed)),
                (None, some("a"), secret(SecretChange::Set)),
            ]
        );
        assert!(entries.iter().all(|entry| entry.actor.who == "ada" && entry.change.id == "2"));
    }

    #[tokio::test]
    async fn an_entry_that_is_not_understood_fails_no_change() {
        let store = memory().await;
        let ada = store.acting_as(actor("ada"));
        endpoint(&ada, "a").await.unwrap();
        endpoint(&ada, "b").await.unwrap();
        let damage = |tables: &mut Tables<'_>| tables.audit.put(1, b"\x01{".as_slice());
        store.write(damage).await.unwrap();
        let ids = async || all(&store).await.iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids().await, [2]);
        endpoint(&ada, "c").await.unwrap();
        assert_eq!((ids().await, store.endpoints().await.unwrap().len()), (vec![3, 2], 3));
        let rows = store.read(|tables| tables.open(AUDIT)?.len().map_err(unreadable));
        assert_eq!(rows.await.unwrap(), 2, "it is gone");
    }

    #[tokio::test]
    async fn the_log_is_paged_filtered_and_bounded() {
        let store = memory().await;
        for n in 0..6_u64 {
            let outcome = if n % 2 == 0 { Outcome::Done } else { Outcome::Refused };
            let change = Change::of("policy", n / 2);
            let who = if n < 4 { "ada" } else { "bob" };
            store.note(actor(who), outcome, String::new(), change).await.unwrap();
        }
        let ids = async |query, limit| {
            let found = store.audit(query, limit).await.unwrap();
            found.iter().map(|entry| entry.id).collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        let none = AuditQuery::default;
        assert_eq!(ids(none(), 4).await, [6, 5, 4, 3]);
        assert_eq!(ids(AuditQuery { before: Some(3), ..none() }, 4).await, [2, 1]);
        assert_eq!(ids(AuditQuery { who: text("ada"), ..none() }, 9).await, [4, 3, 2, 1]);
        assert_eq!(ids(AuditQuery { id: text("2"), ..none() }, 9).await, [6, 5]);
        assert_eq!(ids(AuditQuery { noun: text("user"), ..none() }, 9).await.len(), 0);
        let later = now() + Duration::HOUR;
        assert_eq!(ids(AuditQuery { since: Some(later), ..none() }, 9).await.len(), 0);
        // No entry is older than no day at all; the next of its kind pushes the others out.
        let bound =
            |tables: &mut Tables<'_>| forget(&mut tables.audit, 2, OffsetDateTime::UNIX_EPOCH);
        store.write(bound).await.unwrap();
        assert_eq!(ids(none(), 9).await, [6, 5, 4, 3, 2]);
        store.write(move |tables| forget(&mut tables.audit, 9, later)).await.unwrap();
        assert_eq!(ids(none(), 9).await, [6, 4, 2]);
    }

    #[tokio::test]
    async fn logins_push_out_refusals_and_no_changes() {
        let store = memory().await;
        for noun in ["policy", "session"] {
            let change = Change::of(noun, 1);
            store.note(actor("ada"), Outcome::Done, String::new(), change).await.unwrap();
        }
        let later = now() + Duration::HOUR;
        store.write(move |tables| forget(&mut tables.audit_refused, 9, later)).await.unwrap();
        let nouns: Vec<_> = all(&store).await.into_iter().map(|it| it.change.noun).collect();
        assert_eq!(nouns, ["policy"]);
    }
}
