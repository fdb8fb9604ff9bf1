//! Executions and tasks: start, look at, stop.

use portolan_core::{
    execution::{Execution, StartedBy},
    id::{ExecutionId, PolicyId, TaskId},
    policy::Policy,
    task::Task,
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Host, Rows};
use crate::{
    error::{Code, Error},
    replication::Reading,
};

/// How far an execution or a task is. Bytes and artifacts are exact as far as they are known; the
/// percentage and the time left are estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Tags and untagged artifacts pushed.
    pub artifacts: u64,
    /// Tags and untagged artifacts that were there already.
    pub there_already: u64,
    /// Tags and untagged artifacts that the rule leaves as they are at the destination, or behind.
    pub left: u64,
    /// Tags and untagged artifacts that are to be looked at.
    pub planned: u64,
    /// Blobs whose bytes were moved.
    pub blobs: u64,
    /// Bytes that were moved, of blobs on their way, too.
    pub bytes: u64,
    /// Bytes of blobs that were there already, or were mounted.
    pub bytes_there: u64,
    /// Bytes in all, as far as they are known: moved, there, and to come.
    pub bytes_expected: u64,
    /// 0 to 100.
    pub percent: u8,
    /// Bytes a second, of the last ten seconds.
    pub rate: u64,
    /// Seconds it may take yet; absent where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

impl From<Reading> for Progress {
    fn from(reading: Reading) -> Self {
        let Reading { tally, planned, expected, percent, rate, seconds_left } = reading;
        Self {
            artifacts: tally.copied,
            there_already: tally.there,
            left: tally.left,
            planned,
            blobs: tally.blobs,
            bytes: tally.bytes,
            bytes_there: tally.bytes_there,
            bytes_expected: expected,
            percent,
            rate,
            seconds_left,
        }
    }
}

impl Host {
    /// Starts a run.
    ///
    /// # Errors
    /// `NotFound`; `Precondition` where the policy is disabled.
    pub async fn start_execution(
        &self,
        policy: PolicyId,
        started_by: StartedBy,
    ) -> Result<Execution, Error> {
        let policy = self.enabled(policy).await?;
        Ok(self.shared.engine.run_policy(&policy, started_by).await?)
    }

    /// Starts a run of the tasks of an ended one that failed or were stopped, as they were planned
    /// then; nothing is listed again.
    ///
    /// # Errors
    /// `NotFound`; `Precondition` where it has not ended, has no such task, not all of its tasks are
    /// known, or the policy is disabled.
    pub async fn retry_execution(&self, id: ExecutionId) -> Result<Execution, Error> {
        self.enabled(self.store.execution(id).await?.policy).await?;
        Ok(self.shared.engine.retry_execution(id).await?)
    }

    async fn enabled(&self, policy: PolicyId) -> Result<Policy, Error> {
        let policy = self.store.policy(policy).await?;
        if policy.spec.enabled {
            return Ok(policy);
        }
        let text = format!("the rule {} is disabled: enable it first", policy.spec.name);
        Err(Error::new(Code::Precondition, text))
    }

    /// Starts a run over repositories and tags that are known already.
    #[cfg(feature = "daemon")]
    pub(crate) async fn start_selection(
        &self,
        policy: PolicyId,
        selection: crate::replication::Selection,
    ) -> Result<Execution, Error> {
        let policy = self.store.policy(policy).await?;
        Ok(self.shared.engine.run_selection(&policy, selection).await?)
    }

    /// Every execution, of one policy where given, newest first.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn executions(&self, policy: Option<PolicyId>) -> Result<Vec<Execution>, Error> {
        Ok(self.store.executions(policy).await?)
    }

    /// One page of the executions, of one policy where given, newest first: at most `take` after
    /// the first `skip`. However many there are, it reads that page alone.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn newest_executions(
        &self,
        policy: Option<PolicyId>,
        (skip, take): (usize, usize),
    ) -> Result<Rows<Execution>, Error> {
        let (rows, total) = self.store.newest_executions(policy, (skip, take)).await?;
        Ok(Rows { rows, total })
    }

    /// One execution.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execution(&self, id: ExecutionId) -> Result<Execution, Error> {
        Ok(self.store.execution(id).await?)
    }

    /// Asks an execution to stop; a final one is left alone.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn stop_execution(&self, id: ExecutionId) -> Result<Execution, Error> {
        Ok(self.shared.engine.stop_execution(id).await?)
    }

    /// Every task of an execution by ascending id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn tasks(&self, execution: ExecutionId) -> Result<Vec<Task>, Error> {
        Ok(self.store.tasks(execution).await?)
    }

    /// The log of a task: at most `limit` lines from line `from` on.
    ///
    /// # Errors
    /// `NotFound` where there is no such task in that execution.
    pub async fn task_log(
        &self,
        execution: ExecutionId,
        task: TaskId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        Ok(self.store.task_log(execution, task, from, limit).await?)
    }

    /// The executions that are not final, newest first, those begun after `since`, and those of
    /// `also`; at most `most`.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn active_executions(
        &self,
        since: ExecutionId,
        also: Vec<ExecutionId>,
        most: usize,
    ) -> Result<Vec<Execution>, Error> {
        Ok(self.store.active_executions(since, also, most).await?)
    }

    /// The newest execution; 0 where there is none.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn newest_execution(&self) -> Result<ExecutionId, Error> {
        Ok(self.store.newest_execution().await?)
    }

    /// How far an execution is; nothing of one that ended before this process began.
    #[must_use]
    pub fn progress(&self, id: ExecutionId) -> Progress {
        self.shared.engine.progress(id).into()
    }

    /// How far a task is, all its tries together.
    #[must_use]
    pub fn task_progress(&self, task: &Task) -> Progress {
        self.shared.engine.task_progress(task).into()
    }

    /// Changes whenever something was stored.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.store.news()
    }

    /// Changes whenever an execution came to its end.
    #[cfg(feature = "daemon")]
    pub(crate) fn ends(&self) -> watch::Receiver<u64> {
        self.store.ends()
    }

    /// What was done since the start.
    #[cfg(feature = "daemon")]
    pub(crate) fn totals(&self) -> crate::replication::Totals {
        self.shared.engine.totals()
    }
}
