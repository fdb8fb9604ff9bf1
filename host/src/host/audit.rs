//! On whose behalf things are changed, the log of it, and how the host is.

use std::time::Duration;

use portolan_core::audit::{Actor, AuditQuery, Change, Entry, Outcome};

use super::Host;
use crate::error::Error;

impl Host {
    /// A handle whose changes are noted in the audit log as those of `actor`, each in the
    /// transaction of the change itself.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self { store: self.store.acting_as(actor), ..self.clone() }
    }

    /// Whether a change through this very handle, or a clone of it, is in the audit log.
    #[must_use]
    pub fn has_noted(&self) -> bool {
        self.store.has_noted()
    }

    /// Notes what was done outside the store, or was refused.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn note(
        &self,
        actor: Actor,
        outcome: Outcome,
        reason: String,
        change: Change,
    ) -> Result<(), Error> {
        Ok(self.store.note(actor, outcome, reason, change).await?)
    }

    /// The audit log: at most `limit` entries, newest first.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn audit(&self, query: AuditQuery, limit: usize) -> Result<Vec<Entry>, Error> {
        Ok(self.store.audit(query, limit).await?)
    }

    /// How long this host has been running.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.shared.begun.elapsed()
    }

    /// Bytes of the database file; `None` where it is in memory.
    ///
    /// # Errors
    /// `Internal` where its size cannot be read.
    pub async fn store_size(&self) -> Result<Option<u64>, Error> {
        Ok(self.store.size().await?)
    }

    /// Ends when the host begins to shut down: for answers that would go on without end.
    pub async fn closing(&self) {
        self.shared.closing.cancelled().await;
    }
}
