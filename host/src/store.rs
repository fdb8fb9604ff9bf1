//! Durable state. redb ends here: no type, closure or lock of it is in a signature outside.
//!
//! Functions are verbs of intent, each one transaction, in one file for each noun. Many writers
//! share one commit.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use portolan_core::{
    endpoint::Endpoint,
    oci::Digest,
    policy::options::History,
    provider::{AdapterInfo, AllowedHost},
    secret::Secret,
    task::Tally,
};
use redb::{Database, ReadableDatabase};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

mod audit;
mod backup;
mod changes;
mod claims;
mod copies;
mod endpoints;
mod events;
mod executions;
mod file;
#[cfg(test)]
mod fixtures;
mod history;
mod keys;
mod lately;
mod listings;
mod log;
mod meta;
mod migrations;
mod outcomes;
mod plugins;
mod policies;
mod progress;
mod prunes;
mod queue;
mod retry;
mod rows;
mod schedules;
mod secrets;
mod sightings;
mod tables;
mod tasks;
mod tokens;
mod users;
mod writer;

pub(crate) use backup::{BackupKey, Header as BackupHeader, restore};
pub(crate) use changes::Changes;
pub(crate) use copies::{Seen, StoredUpload, UploadKey};
pub(crate) use events::{Accepted, FiredEvents, Told};
#[cfg(any(feature = "api", test))]
pub(crate) use outcomes::Outcomes;
#[cfg(any(feature = "api", test))]
pub(crate) use queue::Queued;
pub(crate) use schedules::{Fired, Firing};
pub(crate) use tokens::NewToken;
pub(crate) use users::UserChange;

use changes::Committed;
use keys::Ring;
pub(crate) use lately::Lately;
use secrets::Sealer;
use tables::{Snapshot, Tables};
use writer::Writer;

/// Where the database is.
#[derive(Clone)]
pub(crate) enum Location {
    /// A file in this directory, made with mode 0700 where missing.
    Directory(PathBuf),
    /// Nowhere: gone with the process.
    Memory,
}

/// The key secrets are sealed with: 32 bytes, base64 in a `Secret`.
pub(crate) struct SealingKey(pub(crate) Secret);

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// It does not exist.
    #[error("{what} {id} does not exist")]
    NotFound { what: &'static str, id: String },
    /// The name is taken.
    #[error("the name `{name}` is taken by another {what}")]
    Conflict { what: &'static str, name: String },
    /// Somebody changed it since it was read.
    #[error("{what} {id} was changed by somebody else at the same time; look at it and try again")]
    Changed { what: &'static str, id: String },
    /// Something else still needs it; the text says what.
    #[error("{0}")]
    InUse(String),
    /// The execution takes no more tasks.
    #[error("the execution was stopped")]
    Stopped,
    /// The database cannot be opened, read or written.
    #[error("the store at {path} {attempted}: {why}")]
    Database { path: String, attempted: &'static str, why: String },
    /// A backup cannot be made, or what was given is none.
    #[error("the backup cannot be used: {0}")]
    Backup(String),
    /// A sealed secret cannot be opened with this key.
    #[error("the secrets of the store cannot be opened: {0}")]
    Seal(String),
}

/// How a try of a task ended.
#[derive(Clone, Debug)]
pub(crate) enum TaskOutcome {
    /// Everything is at the destination.
    Success,
    /// Somebody asked for a stop.
    Stopped,
    /// It failed.
    Failed {
        /// What is shown as the reason.
        text: String,
        /// When to try again; `None` gives up.
        retry_at: Option<OffsetDateTime>,
    },
}

/// The end of a try: how, and what it did.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) outcome: TaskOutcome,
    pub(crate) tally: Tally,
}

impl From<TaskOutcome> for Ending {
    /// One that did nothing.
    fn from(outcome: TaskOutcome) -> Self {
        Self { outcome, tally: Tally::default() }
    }
}

/// A plug-in as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PluginRecord {
    /// Digest of the component.
    pub(crate) digest: Digest,
    /// What it says of itself.
    pub(crate) info: AdapterInfo,
    /// The administrator's approval; `None` while there is none.
    pub(crate) grant: Option<PluginGrant>,
    /// File name it came from, or empty.
    pub(crate) source: String,
    /// When it was installed.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) installed: OffsetDateTime,
}

/// An administrator's approval of one digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PluginGrant {
    /// The hosts it may talk to.
    pub(crate) hosts: Vec<AllowedHost>,
    /// Who approved.
    pub(crate) by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

/// The store. Cheap to clone. When the last clone of one in a file goes, what was queued is written
/// first, which blocks for a commit or a few.
#[derive(Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
    /// On whose behalf this handle changes things; `None` is nobody who is noted.
    trail: Option<Arc<audit::Trail>>,
}

struct Shared {
    // Before `database`: its thread holds the database until it ends.
    writer: Writer,
    database: Arc<Database>,
    /// It is in a file, and outlasts the process.
    lasts: bool,
    ring: Arc<Ring>,
    path: String,
    committed: Arc<Committed>,
    /// Users by name, for clients that log in with every request.
    users: Lately<String, users::Known>,
    endpoints: Lately<u64, Endpoint>,
    /// How long entries of the audit log are kept.
    audit_days: AtomicU32,
    /// Whether nobody will read the logs of tasks.
    mute: AtomicBool,
    /// How long executions are kept where their policy does not say.
    history: Mutex<History>,
}

/// Most records read without leaving the thread that asks.
const MAX_PEEKED: usize = 32;
/// Days that entries of the audit log are kept where nobody says.
const AUDIT_DAYS: u32 = 365;

impl Store {
    /// Opens the database, makes it where missing, and runs migrations.
    pub(crate) async fn open(location: Location, key: SealingKey) -> Result<Self, StoreError> {
        let sealer = Arc::new(Sealer::new(&key)?);
        let checker = Arc::clone(&sealer);
        let open = move || {
            let lasts = matches!(location, Location::Directory(_));
            let (database, path) = file::open(location)?;
            migrations::run(&database).map_err(|error| error.at(&path))?;
            let database = Arc::new(database);
            let committed = Arc::new(Committed::default());
            let writer = Writer::start((Arc::clone(&database), lasts), Arc::clone(&committed))?;
            let audit_days = AtomicU32::new(AUDIT_DAYS);
            let (users, endpoints) = Default::default();
            let ring = Arc::new(Ring::new(sealer));
            let mute = AtomicBool::default();
            let history = Mutex::default();
            let shared = Shared {
                writer,
                database,
                lasts,
                ring,
                path,
                committed,
                users,
                endpoints,
                audit_days,
                mute,
                history,
            };
            Ok(Self { shared: Arc::new(shared), trail: None })
        };
        let store = blocking(open).await?;
        store.write(move |tables| checker.check(tables)).await?;
        Ok(store)
    }

    /// Keeps no logs of tasks from now on.
    pub(crate) fn keep_no_logs(&self) {
        self.shared.mute.store(true, Ordering::Relaxed);
    }

    /// Whether somebody may read the logs of tasks.
    pub(crate) fn keeps_logs(&self) -> bool {
        !self.shared.mute.load(Ordering::Relaxed)
    }

    /// Whether records changed since [`take_changes`](Self::take_changes) was called.
    pub(crate) fn has_changes(&self) -> bool {
        !self.shared.committed.is_empty()
    }

    /// What changed since the last call. Of a write that was answered it tells always.
    pub(crate) fn take_changes(&self) -> Changes {
        self.shared.committed.take()
    }

    /// Bytes of the database file; `None` where it is in memory.
    pub(crate) async fn size(&self) -> Result<Option<u64>, StoreError> {
        let path = PathBuf::from(&self.shared.path);
        let read = move || match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => Ok(Some(found.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(rows::unreadable(error)),
        };
        blocking(read).await.map_err(|error| error.at(&self.shared.path))
    }

    /// Changes whenever something was committed.
    pub(crate) fn news(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.writer.news.clone()
    }

    /// Changes whenever an execution came to its end.
    #[cfg(feature = "daemon")]
    pub(crate) fn ends(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.committed.ends()
    }

    /// Runs one intent that writes, by the law in [`writer`]: first check, then write.
    async fn write<T: Send + 'static>(
        &self,
        intent: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.writer.write(intent).await.map_err(|error| error.at(&self.shared.path))
    }

    /// Runs one intent that reads a few records, on what was last committed, without leaving this
    /// thread: what every request asks is in memory, or a page or two away.
    fn peek<T>(
        &self,
        intent: impl FnOnce(&Snapshot) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let snapshot = self.shared.database.begin_read().map_err(rows::unreadable);
        let read = snapshot.and_then(|snapshot| intent(&Snapshot(snapshot)));
        read.map_err(|error| error.at(&self.shared.path))
    }

    /// Runs one intent that reads `count` records: a page of them at once, more on a thread that may
    /// block.
    async fn read_few<T: Send + 'static>(
        &self,
        count: usize,
        intent: impl FnOnce(&Snapshot) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if count <= MAX_PEEKED { self.peek(intent) } else { self.read(intent).await }
    }

    /// Runs one intent that reads, on what was last committed; where that may wait for a disk, on a
    /// thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        intent: impl FnOnce(&Snapshot) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if !self.shared.lasts {
            return self.peek(intent);
        }
        let database = Arc::clone(&self.shared.database);
        let read = move || intent(&Snapshot(database.begin_read().map_err(rows::unreadable)?));
        blocking(read).await.map_err(|error| error.at(&self.shared.path))
    }
}

/// Runs what may block on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    // Either the program is ending, or redb met a file it does not understand.
    tokio::task::spawn_blocking(work).await.map_err(rows::unreadable)?
}

impl StoreError {
    /// Names the database where that is not known yet.
    fn at(mut self, place: &str) -> Self {
        if let Self::Database { path, .. } = &mut self
            && path.is_empty()
        {
            place.clone_into(path);
        }
        self
    }

    /// The same fault, for another who waits for the same commit.
    fn repeated(&self) -> Self {
        match self {
            Self::Database { path, attempted, why } => {
                Self::Database { path: path.clone(), attempted, why: why.clone() }
            }
            other => rows::unwritable(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use portolan_core::{
        account::Role,
        endpoint::{Credentials, Health},
        execution::Status,
    };
    use redb::ReadableTable as _;

    use super::*;
    use fixtures::{
        after, at, credentials, endpoint_spec, execution, key, memory, policy_spec, task_specs,
    };

    fn database(directory: &Path) -> Vec<u8> {
        fs::read(directory.join("portolan.redb")).unwrap()
    }

    /// Opens what a kill at this moment would leave.
    async fn killed(directory: &Path) -> (tempfile::TempDir, Store) {
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("portolan.redb"), database(directory)).unwrap();
        let store = at(copy.path()).await.unwrap();
        (copy, store)
    }

    #[tokio::test]
    async fn a_kill_loses_nothing_that_was_acknowledged() {
        let directory = tempfile::tempdir().unwrap();
        let store = at(directory.path()).await.unwrap();
        let endpoint = fixtures::endpoint(&store, "a").await.unwrap();
        let (_copy, left) = killed(directory.path()).await;
        assert_eq!(left.endpoint(endpoint.id).await.unwrap(), endpoint);
        let policy = store.create_policy(policy_spec("p", 1, &[0]), after(0)).await.unwrap();
        let run = execution(&store).await;
        let ids = store.add_tasks(run.id, task_specs(30), after(0)).await.unwrap();
        let task = store.claim_task("o", after(0), after(10)).await.unwrap().unwrap();
        store.append_log(vec![(task.id, "begun".to_owned())]).await.unwrap();
        let admin = || "admin".parse().unwrap();
        store.create_user(admin(), Role::Admin, "hash".to_owned(), after(0)).await.unwrap();
        let (_copy, left) = killed(directory.path()).await;
        assert_eq!(left.policy(policy.id).await.unwrap(), policy);
        assert_eq!(
            left.credentials(endpoint.id).await.unwrap().access_secret.unwrap().expose(),
            "s"
        );
        assert_eq!(left.tasks(run.id).await.unwrap(), store.tasks(run.id).await.unwrap());
        assert_eq!(left.task_log(run.id, task.id, 0, 9).await.unwrap(), ["begun"]);
        assert_eq!(left.user_named("admin".to_owned()).await.unwrap().unwrap().1, "hash");
        // It goes on: the task that ran is taken again when its lease is over.
        let next = left.claim_task("p", after(10), after(20)).await.unwrap().unwrap();
        assert_eq!((next.id, next.status), (ids[0], Status::Running));
    }

    #[tokio::test]
    async fn a_store_that_was_let_go_can_be_opened_at_once() {
        let directory = tempfile::tempdir().unwrap();
        for n in 1..=5 {
            let store = at(directory.path()).await.unwrap();
            let made = fixtures::endpoint(&store, &format!("e{n}")).await.unwrap();
            assert_eq!(made.id.0, n);
            let held = at(directory.path()).await.err().unwrap().to_string();
            assert!(held.contains("another process has it open"), "{held}");
        }
    }

    #[tokio::test]
    async fn secrets_stand_nowhere_in_clear() {
        let directory = tempfile::tempdir().unwrap();
        let store = at(directory.path()).await.unwrap();
        let texts = ["correct-horse-battery", "-----BEGIN staple", "proxy:pass-of-the-proxy"];
        let [access_secret, client_key, proxy_credentials] =
            texts.map(|text| Some(Secret::new(text.to_owned())));
        let webhook_secret = Some(Secret::new("hook-of-the-registry".to_owned()));
        let secrets = Credentials {
            access_secret,
            client_key,
            proxy_credentials,
            webhook_secret,
            session_token: None,
        };
        let spec = endpoint_spec("a");
        let made = store.create_endpoint(spec, secrets.clone(), Health::Unknown, after(0)).await;
        let made = made.unwrap();
        let spec = endpoint_spec("marker-in-clear");
        store.update_endpoint(&made, spec, secrets, Health::Healthy, after(1)).await.unwrap();
        let check = |file: &[u8]| {
            let holds = |text: &[u8]| memchr::memmem::find(file, text).is_some();
            assert!(holds(b"marker-in-clear"), "the search finds what is there");
            for text in texts.into_iter().chain(["hook-of-the-registry"]) {
                assert!(!holds(text.as_bytes()), "{text}");
                // In each of the three ways base64 may fall on it; ends depend on neighbours.
                for skip in 0..3 {
                    let encoded = BASE64_STANDARD.encode(&text.as_bytes()[skip..]);
                    assert!(!holds(&encoded.as_bytes()[..12]), "{text} in base64");
                }
            }
        };
        check(&database(directory.path()));
        drop(store);
        check(&database(directory.path()));
    }

    #[tokio::test]
    async fn another_key_is_refused_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = at(directory.path()).await.unwrap();
        let id = fixtures::endpoint(&store, "a").await.unwrap().id;
        drop(store);
        let location = || Location::Directory(directory.path().to_owned());
        let refused = Store::open(location(), key(8)).await.err().unwrap();
        assert!(matches!(refused, StoreError::Seal(_)));
        assert!(refused.to_string().contains("give the key that was made with this data"));
        let malformed = SealingKey(Secret::new("no key".to_owned()));
        let refused = Store::open(location(), malformed).await.err().unwrap();
        assert!(refused.to_string().contains("32 bytes"), "{refused}");
        let store = at(directory.path()).await.unwrap();
        assert_eq!(store.credentials(id).await.unwrap().access_secret.unwrap().expose(), "s");
    }

    #[tokio::test]
    async fn sealed_secrets_cannot_be_swapped() {
        let store = memory().await;
        for (name, secret) in [("a", "mine"), ("b", "yours")] {
            let spec = endpoint_spec(name);
            let made = store.create_endpoint(spec, credentials(secret), Health::Unknown, after(0));
            made.await.unwrap();
        }
        let swap = |tables: &mut Tables<'_>| {
            let other = tables.secrets.open()?.get(2).unwrap().unwrap().value().to_vec();
            tables.secrets.put(1, other.as_slice())
        };
        store.write(swap).await.unwrap();
        let id = portolan_core::id::EndpointId(1);
        let refused = store.credentials(id).await.err().unwrap();
        assert!(refused.to_string().contains("enter them again"), "{refused}");
    }

    #[tokio::test]
    async fn many_writes_share_few_commits() {
        const WRITES: u64 = 400;
        let directory = tempfile::tempdir().unwrap();
        let store = at(directory.path()).await.unwrap();
        let commits = || *store.shared.writer.news.borrow();
        let before = commits();
        let writes = (0..WRITES).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { fixtures::endpoint(&store, &format!("e{n}")).await })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap().unwrap();
        }
        assert_eq!(store.endpoints().await.unwrap().len() as u64, WRITES);
        let shared = commits() - before;
        assert!((1..=WRITES / 4).contains(&shared), "{shared} commits");
        // What changes nothing commits nothing.
        let before = commits();
        assert!(store.claim_task("o", after(0), after(1)).await.unwrap().is_none());
        assert!(fixtures::endpoint(&store, "e1").await.is_err());
        assert_eq!(commits(), before);
    }
}
