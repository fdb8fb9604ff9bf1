//! Every table of the database, with key and value in words and the version in the name.
//!
//! `Tables` is the only way to write: it counts writes, which is how the writer knows whether
//! there is something to commit. Nothing here knows what the records mean.

use std::{
    borrow::Borrow,
    cell::{Cell, OnceCell},
    ops::RangeBounds,
    rc::Rc,
};

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, Value,
    WriteTransaction,
};
use serde::Serialize;

use super::{
    StoreError,
    changes::Changes,
    rows::{encode, unreadable, unwritable},
};

/// One byte of format, then JSON (see `rows`).
pub(super) type Json = &'static [u8];

macro_rules! tables {
    ($($(#[$doc:meta])* $name:literal $definition:ident $field:ident: $key:ty => $value:ty;)+) => {
        $($(#[$doc])*
        pub(super) const $definition: TableDefinition<'static, $key, $value> =
            TableDefinition::new($name);)+

        /// Every table, for writing in one transaction; each is opened when it is wanted.
        pub(super) struct Tables<'t> {
            /// Listed records that were written or removed.
            pub(super) changed: Changes,
            $($(#[$doc])* pub(super) $field: Writing<'t, $key, $value>,)+
        }

        impl Snapshot {
            /// Hands every row of every table to `put`: name of the table, key and value as bytes.
            pub(super) fn each_row(
                &self,
                put: &mut impl FnMut(&str, &[u8], &[u8]) -> Result<(), StoreError>,
            ) -> Result<(), StoreError> {
                $(for row in self.open($definition)?.iter().map_err(unreadable)? {
                    let (key, value) = row.map_err(unreadable)?;
                    let (key, value) = (key.value(), value.value());
                    let key = <$key as Value>::as_bytes(&key);
                    let value = <$value as Value>::as_bytes(&value);
                    put($name, AsRef::<[u8]>::as_ref(&key), AsRef::<[u8]>::as_ref(&value))?;
                })+
                Ok(())
            }
        }

        impl Tables<'_> {
            /// Stores a row as [`Snapshot::each_row`] gave it; false where there is no such table.
            pub(super) fn restore_row(
                &mut self,
                table: &str,
                key: &[u8],
                value: &[u8],
            ) -> Result<bool, StoreError> {
                match table {
                    $($name => {
                        let key = <$key as Value>::from_bytes(key);
                        self.$field.put(key, <$value as Value>::from_bytes(value))?;
                    })+
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }

        impl<'t> Tables<'t> {
            /// What is written through them is counted in `writes`.
            pub(super) fn of(transaction: &'t WriteTransaction, writes: &Rc<Cell<u64>>) -> Self {
                Self { changed: Changes::default(), $(
                    $field: Writing {
                        transaction,
                        definition: $definition,
                        table: OnceCell::new(),
                        writes: Rc::clone(writes),
                    },
                )+}
            }

            /// Makes those that are missing: who reads expects each to be there.
            pub(super) fn make(transaction: &WriteTransaction) -> Result<(), StoreError> {
                $(transaction.open_table($definition).map_err(unwritable)?;)+
                Ok(())
            }
        }
    };
}

tables! {
    /// Name of a fact (`schema`, `last-task`, `seal-check`, `admin-password`) to its value.
    "meta" META meta: &'static str => Json;
    /// Endpoint to `Endpoint`.
    "endpoints-1" ENDPOINTS endpoints: u64 => Json;
    /// Name to endpoint.
    "endpoint-names-1" ENDPOINT_NAMES endpoint_names: &'static str => u64;
    /// Endpoint to its sealed secrets: format byte, nonce, ciphertext (see `secrets`).
    "secrets-1" SECRETS secrets: u64 => &'static [u8];
    /// Policy to `Policy`.
    "policies-1" POLICIES policies: u64 => Json;
    /// Name to policy.
    "policy-names-1" POLICY_NAMES policy_names: &'static str => u64;
    /// Policy to its next scheduled run, in nanoseconds since 1970.
    "schedules-1" SCHEDULES schedules: u64 => i128;
    /// (next scheduled run in nanoseconds since 1970, policy) to nothing.
    "schedules-due-1" SCHEDULES_DUE schedules_due: (i128, u64) => ();
    /// Policy to the due time it last fired for, in nanoseconds since 1970.
    "schedules-fired-1" SCHEDULES_FIRED schedules_fired: u64 => i128;
    /// Policy to `outcomes::Outcomes`.
    "outcomes-1" OUTCOMES outcomes: u64 => Json;
    /// (policy, endpoint, repository there) to what is missing of it at the source (see `prunes`).
    "prunes-1" PRUNES prunes: (u64, u64, &'static str) => Json;
    /// (policy, repository of its source) to what its runs saw there (see `sightings`).
    "sightings-1" SIGHTINGS sightings: (u64, &'static str) => Json;
    /// (endpoint, policy that names it) to nothing.
    "endpoint-policies-1" ENDPOINT_POLICIES endpoint_policies: (u64, u64) => ();
    /// Execution to `progress::Run`.
    "executions-1" EXECUTIONS executions: u64 => Json;
    /// Execution that is not listed to the end to its rule as it was at the start, a `PolicySpec`: apart
    /// from the execution, which every task changes.
    "rules-1" RULES rules: u64 => Json;
    /// (policy, execution) to nothing.
    "executions-by-policy-1" BY_POLICY by_policy: (u64, u64) => ();
    /// (policy, execution that is not final) to nothing.
    "executions-active-1" ACTIVE active: (u64, u64) => ();
    /// Execution whose listing is not at its end to nothing.
    "listings-1" LISTINGS listings: u64 => ();
    /// Such an execution to the page of its source that comes next, as the adapter names it; absent
    /// where that is the first.
    "listing-pages-1" LISTING_PAGES listing_pages: u64 => &'static str;
    /// (such an execution, repository of its source whose tasks are added) to nothing.
    "listed-1" LISTED listed: (u64, &'static str) => ();
    /// (execution, task) to `Task`.
    "tasks-1" TASKS tasks: (u64, u64) => Json;
    /// Task to its execution.
    "task-executions-1" TASK_EXECUTIONS task_executions: u64 => u64;
    /// (due, pending task) to nothing; due is 0 for a first try, else nanoseconds since 1970.
    "tasks-due-1" DUE due: (i128, u64) => ();
    /// Running task to `progress::TaskLease`.
    "task-leases-1" TASK_LEASES task_leases: u64 => Json;
    /// (end of its lease in nanoseconds since 1970, running task) to nothing.
    "task-leases-by-end-1" LEASE_ENDS lease_ends: (i128, u64) => ();
    /// (execution, task, line number from 0) to the line.
    "task-log-1" TASK_LOG task_log: (u64, u64, u64) => &'static str;
    /// Claimed name to `progress::Lease`.
    "claims-1" CLAIMS claims: &'static str => Json;
    /// (end of its lease in nanoseconds since 1970, claimed name) to nothing.
    "claims-by-end-1" CLAIM_ENDS claim_ends: (i128, &'static str) => ();
    /// (endpoint, tag or artifact) to the `Happening` there that no rule ran for yet.
    "events-1" EVENTS events: (u64, &'static str) => Json;
    /// Endpoint with such events to when rules run for them, in nanoseconds since 1970.
    "events-due-1" EVENTS_DUE events_due: u64 => i128;
    /// Execution that events started, until it is final, to its `Selected`, a list.
    "selections-1" SELECTIONS selections: u64 => Json;
    /// Digest of a component to `PluginRecord`, the grant left out.
    "plugins-1" PLUGINS plugins: &'static str => Json;
    /// Digest of a component to its bytes, as they came.
    "components-1" COMPONENTS components: &'static str => &'static [u8];
    /// Digest of a component to `PluginGrant`.
    "grants-1" GRANTS grants: &'static str => Json;
    /// User to `users::UserRecord`.
    "users-1" USERS users: u64 => Json;
    /// Name of a user to its id.
    "user-names-1" USER_NAMES user_names: &'static str => u64;
    /// Token to `tokens::TokenRecord`.
    "tokens-1" TOKENS tokens: u64 => Json;
    /// Name of a token to its id.
    "token-names-1" TOKEN_NAMES token_names: &'static str => u64;
    /// SHA-256 of a token's text, in hexadecimal digits, to its id.
    "token-digests-1" TOKEN_DIGESTS token_digests: &'static str => u64;
    /// Entry of the audit log to `audit::Entry`, for what was done.
    "audit-1" AUDIT audit: u64 => Json;
    /// The same for what was refused, with ids from the same counter.
    "audit-refused-1" AUDIT_REFUSED audit_refused: u64 => Json;
    /// (registry, digest of a blob, repository that holds it) to when that was seen, in seconds
    /// since 1970.
    "held-blobs-1" HELD held: (&'static str, &'static str, &'static str) => i64;
    /// (registry, repository, tag) to `copies::SeenTag`.
    "seen-tags-1" SEEN_TAGS seen_tags: (&'static str, &'static str, &'static str) => Json;
    /// (registry, repository, digest of a blob) to `copies::StoredUpload`.
    "uploads-1" UPLOADS uploads: (&'static str, &'static str, &'static str) => Json;
}

/// Every table as one moment left it; each is opened when it is wanted.
pub(super) struct Snapshot(pub(super) ReadTransaction);

impl Snapshot {
    /// One table, by its definition.
    pub(super) fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<ReadOnlyTable<K, V>, StoreError> {
        self.0.open_table(definition).map_err(unreadable)
    }
}

/// One table for writing, opened when it is first asked for: a transaction that opens them all
/// pays more for that than for what it writes.
pub(super) struct Writing<'t, K: Key + 'static, V: Value + 'static> {
    transaction: &'t WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    table: OnceCell<Table<'t, K, V>>,
    writes: Rc<Cell<u64>>,
}

impl<'t, K: Key + 'static, V: Value + 'static> Writing<'t, K, V> {
    /// The table, to be read.
    pub(super) fn open(&self) -> Result<&Table<'t, K, V>, StoreError> {
        if self.table.get().is_none() {
            let table = self.transaction.open_table(self.definition).map_err(unwritable)?;
            // It was empty, and nobody else is here.
            let _ = self.table.set(table);
        }
        self.table.get().ok_or_else(|| unwritable("a table that was opened is gone"))
    }

    fn open_mut(&mut self) -> Result<&mut Table<'t, K, V>, StoreError> {
        self.open()?;
        self.table.get_mut().ok_or_else(|| unwritable("a table that was opened is gone"))
    }

    /// Stores a value, in place of the one that was there.
    pub(super) fn put<'k, 'v>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        value: impl Borrow<V::SelfType<'v>>,
    ) -> Result<(), StoreError> {
        self.writes.set(self.writes.get() + 1);
        self.open_mut()?.insert(key, value).map_err(unwritable)?;
        Ok(())
    }

    /// Removes a value; true where there was one.
    pub(super) fn remove<'k>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
    ) -> Result<bool, StoreError> {
        let was_there = self.open_mut()?.remove(key).map_err(unwritable)?.is_some();
        self.writes.set(self.writes.get() + u64::from(was_there));
        Ok(was_there)
    }

    /// Removes every value whose key is in `range`.
    pub(super) fn remove_range<'k, R: Borrow<K::SelfType<'k>> + 'k>(
        &mut self,
        range: impl RangeBounds<R> + 'k,
    ) -> Result<(), StoreError> {
        self.writes.set(self.writes.get() + 1);
        self.open_mut()?.retain_in(range, |_, _| false).map_err(unwritable)
    }
}

impl<K: Key + 'static> Writing<'_, K, Json> {
    /// Stores a record as JSON, in place of the one that was there.
    pub(super) fn put_json<'k>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        record: &impl Serialize,
    ) -> Result<(), StoreError> {
        let bytes = encode(record)?;
        self.put(key, bytes.as_slice())
    }
}
