//! Counts of what an engine did: for the summary of a one-shot run and for metrics.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use portolan_core::task::Tally;
use time::OffsetDateTime;

use super::progress::{Counts, Walk};
use crate::store::TaskOutcome;

#[cfg(any(feature = "api", test))]
mod totals;

#[cfg(any(feature = "api", test))]
pub(crate) use totals::Totals;

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
}
