//! What this engine is doing right now, so that it can be cut.

use std::{collections::HashMap, sync::Mutex};

use portolan_core::id::{ExecutionId, TaskId};
use tokio_util::sync::CancellationToken;

use super::lock;

/// Tasks and listings under way, each with the token that cuts it.
#[derive(Default)]
pub(super) struct Running {
    tasks: Mutex<HashMap<TaskId, (ExecutionId, CancellationToken)>>,
    listings: Mutex<HashMap<ExecutionId, CancellationToken>>,
}

impl Running {
    /// Notes a task; the token is cut when somebody stops its execution or its claim is lost.
    pub(super) fn begin_task(&self, id: TaskId, execution: ExecutionId) -> CancellationToken {
        let token = CancellationToken::new();
        lock(&self.tasks).insert(id, (execution, token.clone()));
        token
    }

    pub(super) fn end_task(&self, id: TaskId) {
        lock(&self.tasks).remove(&id);
    }

    /// Notes a listing.
    pub(super) fn begin_listing(&self, execution: ExecutionId) -> CancellationToken {
        let token = CancellationToken::new();
        lock(&self.listings).insert(execution, token.clone());
        token
    }

    pub(super) fn end_listing(&self, execution: ExecutionId) {
        lock(&self.listings).remove(&execution);
    }

    /// Tasks under way.
    pub(super) fn task_ids(&self) -> Vec<TaskId> {
        lock(&self.tasks).keys().copied().collect()
    }

    /// Listings under way.
    pub(super) fn listing_ids(&self) -> Vec<ExecutionId> {
        lock(&self.listings).keys().copied().collect()
    }

    /// How many tasks are under way.
    pub(super) fn len(&self) -> usize {
        lock(&self.tasks).len()
    }

    /// Cuts one task.
    pub(super) fn cancel_task(&self, id: TaskId) {
        if let Some((_, token)) = lock(&self.tasks).get(&id) {
            token.cancel();
        }
    }

    /// Cuts everything done for an execution.
    pub(super) fn cancel_execution(&self, id: ExecutionId) {
        if let Some(token) = lock(&self.listings).get(&id) {
            token.cancel();
        }
        for (execution, token) in lock(&self.tasks).values() {
            if *execution == id {
                token.cancel();
            }
        }
    }

    /// Cuts everything.
    pub(super) fn cancel_all(&self) {
        for token in lock(&self.listings).values() {
            token.cancel();
        }
        for (_, token) in lock(&self.tasks).values() {
            token.cancel();
        }
    }
}
