//! Numbered steps from an empty file to today's tables, all that are missing in one transaction.
//!
//! A step that has run anywhere is never changed again; a new one is added at the end.

use std::rc::Rc;

use portolan_core::account::Role;
use redb::{Database, WriteTransaction};
use time::OffsetDateTime;

use super::{
    StoreError,
    rows::{encode, fault, find, unwritable},
    schedules,
    tables::{META, Tables},
    users,
};

/// Fact in `meta`: how many steps have run.
const SCHEMA: &str = "schema";

type Migration = fn(&WriteTransaction) -> Result<(), StoreError>;

/// In order; the first brings version 0 (an empty file) to version 1.
const MIGRATIONS: &[Migration] = &[
    // Makes every table of the first version; needed in an empty file only.
    Tables::make,
    migration_002_users,
    migration_003_schedules,
    // Adds the audit log.
    Tables::make,
    // Adds the due times that schedules fired for.
    Tables::make,
    // Adds what is remembered of destinations.
    Tables::make,
    // Adds what runs saw, and when first.
    Tables::make,
    // Adds what webhooks told and runs are about.
    Tables::make,
    // Adds how far listings are.
    Tables::make,
    // Adds how runs ended.
    Tables::make,
    // Adds what is gone at sources.
    Tables::make,
    // Keeps the rules of executions apart from these.
    Tables::make,
];

/// Brings the file to today's version. A newer file is refused and left as it is.
pub(super) fn run(database: &Database) -> Result<(), StoreError> {
    let known = MIGRATIONS.len();
    let transaction = database.begin_write().map_err(unwritable)?;
    let version = version(&transaction)?;
    if version > known {
        transaction.abort().map_err(unwritable)?;
        return Err(newer(version));
    }
    if version == known {
        return transaction.abort().map_err(unwritable);
    }
    for migration in MIGRATIONS.iter().skip(version) {
        migration(&transaction)?;
    }
    record(&transaction, known)?;
    transaction.commit().map_err(unwritable)
}

fn version(transaction: &WriteTransaction) -> Result<usize, StoreError> {
    let meta = transaction.open_table(META).map_err(unwritable)?;
    Ok(find(&meta, SCHEMA)?.unwrap_or(0))
}

fn record(transaction: &WriteTransaction, version: usize) -> Result<(), StoreError> {
    let mut meta = transaction.open_table(META).map_err(unwritable)?;
    meta.insert(SCHEMA, encode(&version)?.as_slice()).map_err(unwritable)?;
    Ok(())
}

fn newer(version: usize) -> StoreError {
    let why = format!(
        "it has schema {version}, and this program knows none after {}; run the portolan that \
         wrote it, or a later one, or restore a backup made before",
        MIGRATIONS.len()
    );
    fault("cannot be opened", why)
}

/// Adds users and tokens; the administrator's password becomes that of the user `admin`.
fn migration_002_users(transaction: &WriteTransaction) -> Result<(), StoreError> {
    const PASSWORD: &str = "admin-password";
    let mut tables = Tables::of(transaction, &Rc::default());
    let hash: Option<String> = find(tables.meta.open()?, PASSWORD)?;
    let Some(hash) = hash else { return Ok(()) };
    let name = "admin".parse().map_err(unwritable)?;
    users::create(&mut tables, name, Role::Admin, hash, OffsetDateTime::UNIX_EPOCH)?;
    tables.meta.remove(PASSWORD).map(drop)
}

/// Plans the next run of every scheduled policy.
fn migration_003_schedules(transaction: &WriteTransaction) -> Result<(), StoreError> {
    schedules::plan_all(transaction)
}

#[cfg(test)]
mod tests {
    use portolan_core::{
        id::PolicyId,
        policy::{Policy, PolicySpec},
        trigger::{Schedule, Trigger},
    };
    use redb::ReadableDatabase;

    use super::*;
    use crate::store::tables::{CLAIMS, SCHEDULES, Snapshot};

    fn empty() -> Database {
        let backend = redb::backends::InMemoryBackend::new();
        Database::builder().create_with_backend(backend).unwrap()
    }

    #[test]
    fn an_empty_file_gets_every_table_and_today_is_left_alone() {
        let database = empty();
        for _ in 0..2 {
            run(&database).unwrap();
            let snapshot = Snapshot(database.begin_read().unwrap());
            snapshot.open(CLAIMS).unwrap();
            assert_eq!(
                find(&snapshot.open(META).unwrap(), SCHEMA).unwrap(),
                Some(MIGRATIONS.len())
            );
        }
    }

    #[test]
    fn an_old_password_becomes_a_user() {
        let database = empty();
        let transaction = database.begin_write().unwrap();
        Tables::make(&transaction).unwrap();
        record(&transaction, 1).unwrap();
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("admin-password", encode(&"hash").unwrap().as_slice()).unwrap();
        drop(meta);
        transaction.commit().unwrap();
        run(&database).unwrap();
        let snapshot = Snapshot(database.begin_read().unwrap());
        let (user, hash) = users::named(&snapshot, "admin").unwrap().unwrap();
        assert_eq!((user.id.0, user.role, hash.as_str()), (1, Role::Admin, "hash"));
        let left: Option<String> = find(&snapshot.open(META).unwrap(), "admin-password").unwrap();
        assert_eq!(left, None);
    }

    #[test]
    fn old_scheduled_policies_get_a_plan() {
        let database = empty();
        run(&database).unwrap();
        let transaction = database.begin_write().unwrap();
        record(&transaction, 2).unwrap();
        let mut tables = Tables::of(&transaction, &Rc::default());
        let schedule = Schedule::parse("0 0 3 * * *").unwrap();
        let spec = PolicySpec {
            trigger: Trigger::Scheduled(schedule),
            ..crate::store::fixtures::policy_spec("p", 0, &[0])
        };
        let at = OffsetDateTime::UNIX_EPOCH;
        let policy = Policy { id: PolicyId(7), spec, created: at, updated: at };
        tables.policies.put_json(7, &policy).unwrap();
        drop(tables);
        transaction.commit().unwrap();
        run(&database).unwrap();
        let snapshot = Snapshot(database.begin_read().unwrap());
        let due = snapshot.open(SCHEDULES).unwrap().get(7).unwrap().unwrap().value();
        let due = OffsetDateTime::from_unix_timestamp_nanos(due).unwrap();
        assert!(due > OffsetDateTime::now_utc() && due.hour() == 3, "{due}");
    }

    #[test]
    fn a_newer_file_is_refused_and_not_touched() {
        let database = empty();
        let transaction = database.begin_write().unwrap();
        let newer = MIGRATIONS.len() + 6;
        record(&transaction, newer).unwrap();
        transaction.commit().unwrap();
        let refusal = run(&database).unwrap_err().to_string();
        let schema = format!("schema {newer},");
        assert!(refusal.contains(&schema) && refusal.contains("run the portolan"), "{refusal}");
        let tables = database.begin_read().unwrap().list_tables().unwrap().count();
        assert_eq!(tables, 1);
    }
}
