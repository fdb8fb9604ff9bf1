//! Durable state. redb ends here: no type, closure or lock of it is in a signature outside.
//!
//! Functions are verbs of intent, each one transaction, in one file for each noun. Many writers
//! share one commit.

use std::{path::PathBuf, sync::Arc};

use portolan_core::{
    oci::Digest,
    provider::{AdapterInfo, AllowedHost},
    secret::Secret,
};
use redb::{Database, ReadableDatabase};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

mod claims;
mod endpoints;
mod executions;
mod file;
#[cfg(test)]
mod fixtures;
mod log;
mod meta;
mod migrations;
mod plugins;
mod policies;
mod progress;
mod queue;
mod rows;
mod secrets;
mod tables;
mod tasks;
mod writer;

use secrets::Sealer;
use tables::{Snapshot, Tables};
use writer::Writer;

/// Where the database is.
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
    /// Something else still needs it; the text says what.
    #[error("{0}")]
    InUse(String),
    /// The execution takes no more tasks.
    #[error("the execution was stopped")]
    Stopped,
    /// The database cannot be opened, read or written.
    #[error("the store at {path} {attempted}: {why}")]
    Database { path: String, attempted: &'static str, why: String },
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

/// The store. Cheap to clone. When the last clone goes, what was queued is written first.
#[derive(Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    // Before `database`: its thread holds the database until it ends.
    writer: Writer,
    database: Arc<Database>,
    sealer: Arc<Sealer>,
    path: String,
}

impl Store {
    /// Opens the database, makes it where missing, and runs migrations.
    pub(crate) async fn open(location: Location, key: SealingKey) -> Result<Self, StoreError> {
        let sealer = Arc::new(Sealer::new(&key)?);
        let checker = Arc::clone(&sealer);
        let open = move || {
            let (database, path) = file::open(location)?;
            migrations::run(&database).map_err(|error| error.at(&path))?;
            let database = Arc::new(database);
            let writer = Writer::start(Arc::clone(&database))?;
            Ok(Self { shared: Arc::new(Shared { writer, database, sealer, path }) })
        };
        let store = blocking(open).await?;
        store.write(move |tables| checker.check(tables)).await?;
        Ok(store)
    }

    /// Runs one intent that writes, by the law in [`writer`]: first check, then write.
    async fn write<T: Send + 'static>(
        &self,
        intent: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.writer.write(intent).await.map_err(|error| error.at(&self.shared.path))
    }

    /// Runs one intent that reads, on what was last committed.
    async fn read<T: Send + 'static>(
        &self,
        intent: impl FnOnce(&Snapshot) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.shared.database);
        let read = move || {
            let transaction = database.begin_read().map_err(rows::unreadable)?;
            intent(&Snapshot::open(&transaction)?)
        };
        blocking(read).await.map_err(|error| error.at(&self.shared.path))
    }
}

/// Runs what may block on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let cut = |_| rows::unreadable("the program is ending");
    tokio::task::spawn_blocking(work).await.map_err(cut)?
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
