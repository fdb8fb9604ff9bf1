//! How much is in the queue, for those who ask.

use redb::ReadableTableMetadata;

use super::super::{
    Store, StoreError,
    rows::unreadable,
    tables::{ACTIVE, DUE, TASK_LEASES},
};

/// How much is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queued {
    /// Executions that are not final.
    pub(crate) executions: u64,
    pub(crate) tasks_waiting: u64,
    pub(crate) tasks_running: u64,
}

impl Store {
    /// How much is under way.
    pub(crate) fn queued(&self) -> Result<Queued, StoreError> {
        self.peek(|tables| {
            Ok(Queued {
                executions: tables.open(ACTIVE)?.len().map_err(unreadable)?,
                tasks_waiting: tables.open(DUE)?.len().map_err(unreadable)?,
                tasks_running: tables.open(TASK_LEASES)?.len().map_err(unreadable)?,
            })
        })
    }
}
