//! What the counters say at one moment, for the summary of a one-shot run and for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Stats;

/// What the counters say at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Tags and untagged artifacts pushed.
    pub(crate) artifacts: u64,
    /// Tags and untagged artifacts that were there already.
    pub(crate) skipped: u64,
    /// Of these, tags that were not asked for at the destination: they were there lately.
    pub(crate) believed: u64,
    /// Blobs whose bytes were moved.
    pub(crate) blobs: u64,
    /// Blobs mounted from another repository.
    pub(crate) mounted: u64,
    /// Bytes of the blobs that were moved.
    pub(crate) bytes: u64,
    /// Tags and untagged artifacts that are to be looked at.
    pub(crate) planned: u64,
    /// Runs that were started.
    pub(crate) executions: u64,
    /// Tries of tasks that ended with everything at the destination.
    pub(crate) tasks_succeeded: u64,
    /// Those that failed for good.
    pub(crate) tasks_failed: u64,
    /// Those that failed and are tried again.
    pub(crate) tasks_retried: u64,
    /// Those that somebody stopped.
    pub(crate) tasks_stopped: u64,
    /// Runs that schedules started.
    pub(crate) schedules: u64,
    /// Times that went by unused, besides those.
    pub(crate) schedules_missed: u64,
    /// How late the last of them was, in milliseconds.
    pub(crate) schedule_lag_ms: u64,
    /// When a try of a task succeeded last, in seconds since 1970; 0 is never.
    pub(crate) succeeded_at: u64,
    /// HTTP requests sent to endpoints that are in use, adapters' included.
    pub(crate) requests: u64,
}

impl Stats {
    /// What the counters say now.
    pub(crate) fn totals(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let [tasks_succeeded, tasks_failed, tasks_retried, tasks_stopped] =
            self.tasks.each_ref().map(read);
        Totals {
            artifacts: read(&self.artifacts),
            skipped: read(&self.skipped),
            believed: read(&self.believed),
            blobs: read(&self.blobs),
            mounted: read(&self.mounted),
            bytes: read(&self.bytes),
            planned: read(&self.planned),
            executions: read(&self.executions),
            tasks_succeeded,
            tasks_failed,
            tasks_retried,
            tasks_stopped,
            schedules: read(&self.schedules),
            schedules_missed: read(&self.schedules_missed),
            schedule_lag_ms: read(&self.schedule_lag_ms),
            succeeded_at: read(&self.succeeded_at),
            requests: 0,
        }
    }
}
