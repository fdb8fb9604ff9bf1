//! Counts of what an engine did: for the summary of a one-shot run and for metrics.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use portolan_core::task::Tally;
use time::OffsetDateTime;

use super::progress::{Counts, Walk};
use crate::store::TaskOutcome;

/// Counters that any task may bump.
#[derive(Default)]
pub(crate) struct Stats {
    artifacts: AtomicU64,
    skipped: AtomicU64,
    left: AtomicU64,
    believed: AtomicU64,
    blobs: AtomicU64,
    mounted: AtomicU64,
    bytes: AtomicU64,
    planned: AtomicU64,
    executions: AtomicU64,
    tasks: [AtomicU64; 4],
    schedules: AtomicU64,
    schedules_missed: AtomicU64,
    schedule_lag_ms: AtomicU64,
    /// What this try of a task has seen; of it nothing is counted for the whole.
    pub(super) walk: Walk,
    /// When a try of a task succeeded last, in seconds since 1970; 0 is never.
    succeeded_at: AtomicU64,
    /// What this is a part of.
    wholes: Vec<Arc<Self>>,
}

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
    /// Counters of a part of each of `wholes`: what is counted here is counted there, too.
    pub(super) fn part_of(wholes: impl Into<Vec<Arc<Self>>>) -> Self {
        Self { wholes: wholes.into(), ..Self::default() }
    }

    fn add(&self, counter: fn(&Self) -> &AtomicU64, count: u64) {
        counter(self).fetch_add(count, Ordering::Relaxed);
        self.wholes.iter().for_each(|whole| whole.add(counter, count));
    }

    pub(super) fn planned(&self, items: usize) {
        self.add(|it| &it.planned, items as u64);
    }

    pub(super) fn pushed(&self) {
        self.add(|it| &it.artifacts, 1);
    }

    pub(super) fn skipped(&self) {
        self.add(|it| &it.skipped, 1);
    }

    /// It stays as the destination has it, or stays behind: the rule says so.
    pub(super) fn left(&self) {
        self.skipped();
        self.add(|it| &it.left, 1);
    }

    pub(super) fn believed(&self) {
        self.skipped();
        self.add(|it| &it.believed, 1);
    }

    pub(super) fn moved(&self, bytes: u64) {
        self.add(|it| &it.blobs, 1);
        self.add(|it| &it.bytes, bytes);
    }

    pub(super) fn mounted(&self) {
        self.add(|it| &it.mounted, 1);
    }

    pub(super) fn started(&self) {
        self.executions.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the end of a try.
    pub(super) fn ended(&self, outcome: &TaskOutcome) {
        let [succeeded, failed, retried, stopped] = &self.tasks;
        let counter = match outcome {
            TaskOutcome::Success => succeeded,
            TaskOutcome::Failed { retry_at: None, .. } => failed,
            TaskOutcome::Failed { retry_at: Some(_), .. } => retried,
            TaskOutcome::Stopped => stopped,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if matches!(outcome, TaskOutcome::Success) {
            let now = OffsetDateTime::now_utc().unix_timestamp();
            self.succeeded_at.store(now.try_into().unwrap_or_default(), Ordering::Relaxed);
        }
        self.wholes.iter().for_each(|whole| whole.ended(outcome));
    }

    pub(super) fn fired(&self, lag: time::Duration, missed: u64) {
        self.schedules.fetch_add(1, Ordering::Relaxed);
        self.schedules_missed.fetch_add(missed, Ordering::Relaxed);
        let lag = u64::try_from(lag.whole_milliseconds()).unwrap_or_default();
        self.schedule_lag_ms.store(lag, Ordering::Relaxed);
    }

    /// What was counted of one try of a task.
    pub(super) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let left = read(&self.left);
        let tally = Tally {
            copied: read(&self.artifacts),
            there: read(&self.skipped).saturating_sub(left),
            left,
            blobs: read(&self.blobs),
            bytes: read(&self.bytes),
            bytes_there: 0,
        };
        self.walk.counts(tally, read(&self.planned))
    }

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
