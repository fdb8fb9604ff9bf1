//! The audit log: one entry for each change, in the transaction of the change; and entries for what
//! was refused and for sessions, in a table of its own, so that neither guessers nor those who log
//! in again and again can push changes out of the log.
//!
//! Both are bounded, by number, bytes and age: the oldest entries go first.

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
    rows::{decode, encode, find, unreadable},
    tables::{AUDIT, AUDIT_REFUSED, Json, Snapshot, Tables, Writing},
};

/// Changes that are kept.
const CHANGES: Bounds = Bounds { entries: 100_000, bytes: 256 << 20, counter: "audit-bytes" };
/// Refusals, and beginnings and ends of sessions, that are kept.
const REFUSALS: Bounds =
    Bounds { entries: 10_000, bytes: 16 << 20, counter: "audit-refused-bytes" };
/// Noun of what is no change of the store.
const SESSION: &str = "session";
/// Most entries that one new one pushes out: a lowered bound is reached step by step. So many of the
/// shortest are longer than the longest.
const MAX_FORGOTTEN: usize = 1_024;

/// Most of a table that is kept.
#[derive(Clone, Copy)]
struct Bounds {
    entries: u64,
    /// Of the entries as they are stored; the pages of the file take more.
    bytes: u64,
    /// Fact in `meta`: how many there are.
    counter: &'static str,
}

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
    let Tables { audit, audit_refused, meta, .. } = tables;
    let (table, bounds) = match (entry.outcome, entry.change.noun.as_ref()) {
        (Outcome::Refused, _) | (Outcome::Done, SESSION) => (audit_refused, REFUSALS),
        (Outcome::Done, _) => (audit, CHANGES),
    };
    let before = match find(meta.open()?, bounds.counter)? {
        Some(bytes) => bytes,
        // An older program did not count.
        None => bytes_of(table.open()?)?,
    };
    let bytes = encode(&entry)?;
    table.put(entry.id, bytes.as_slice())?;
    let after = forget(table, before.saturating_add(length(&bytes)), bounds, oldest)?;
    meta.put_json(bounds.counter, &after)
}

/// Forgets what is too old or too much, a few at a time; `bytes` are there, and so many are left. An
/// entry that is not understood counts as old: it must fail no change, which is written already.
fn forget(
    table: &mut Writing<'_, u64, Json>,
    mut bytes: u64,
    most: Bounds,
    oldest: OffsetDateTime,
) -> Result<u64, StoreError> {
    for _ in 0..MAX_FORGOTTEN {
        let too_much =
            bytes > most.bytes || table.open()?.len().map_err(unreadable)? > most.entries;
        let first = table.open()?.first().map_err(unreadable)?;
        let first = first.map(|(id, entry)| (id.value(), entry.value().to_vec()));
        let Some((id, entry)) = first else { return Ok(0) };
        let at = decode::<Entry>(&entry).ok().map(|entry| entry.at);
        if !too_much && at.is_some_and(|at| at >= oldest) {
            break;
        }
        table.remove(id)?;
        bytes = bytes.saturating_sub(length(&entry));
    }
    Ok(bytes)
}

/// The bytes of all entries of a table.
fn bytes_of(table: &impl ReadableTable<u64, Json>) -> Result<u64, StoreError> {
    let mut rows = table.iter().map_err(unreadable)?;
    rows.try_fold(0, |sum: u64, row| {
        Ok(sum.saturating_add(length(row.map_err(unreadable)?.1.value())))
    })
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
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
        let bound = |most: Bounds, oldest| {
            store.write(move |tables| forget(&mut tables.audit, 0, most, oldest))
        };
        bound(Bounds { entries: 2, ..CHANGES }, OffsetDateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(ids(none(), 9).await, [6, 5, 4, 3, 2]);
        bound(CHANGES, later).await.unwrap();
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
        let bound =
            move |tables: &mut Tables<'_>| forget(&mut tables.audit_refused, 0, REFUSALS, later);
        store.write(bound).await.unwrap();
        let nouns: Vec<_> = all(&store).await.into_iter().map(|it| it.change.noun).collect();
        assert_eq!(nouns, ["policy"]);
    }

    #[tokio::test]
    async fn the_bytes_of_the_log_are_counted_and_bounded() {
        let store = memory().await;
        let counted = async || {
            let read = |tables: &mut Tables<'_>| {
                Ok((find(tables.meta.open()?, CHANGES.counter)?, bytes_of(tables.audit.open()?)?))
            };
            store.write(read).await.unwrap()
        };
        let note = async |length: usize| {
            let change = Change::of("policy", 1).from(&"b".repeat(length)).to(&"a".repeat(length));
            store.note(actor("ada"), Outcome::Done, String::new(), change).await.unwrap();
        };
        note(1 << 20).await;
        let (kept, one) = counted().await;
        assert!(kept == Some(one) && one < 1_000, "a long record is not kept: {one}");
        for length in [0, 10_000, 100] {
            note(length).await;
        }
        let (kept, bytes) = counted().await;
        assert!(kept == Some(bytes) && bytes > 20_000, "{bytes}");
        // A store that an older program wrote.
        store.write(|tables| tables.meta.remove(CHANGES.counter)).await.unwrap();
        note(0).await;
        let (kept, bytes) = counted().await;
        assert_eq!(kept, Some(bytes));
        let most = Bounds { bytes: bytes - 1, ..CHANGES };
        let bound = move |tables: &mut Tables<'_>| {
            forget(&mut tables.audit, bytes, most, OffsetDateTime::UNIX_EPOCH)
        };
        assert_eq!(store.write(bound).await.unwrap(), bytes - one, "the first alone goes");
    }
}
