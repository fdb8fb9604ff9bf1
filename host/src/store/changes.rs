//! Which listed records changed since somebody asked, so that an index of them can follow.

use std::{
    collections::BTreeSet,
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use portolan_core::id::{EndpointId, ExecutionId, PolicyId};
use tokio::sync::watch;

/// Most ids remembered; beyond, everything counts as changed.
const MAX_IDS: usize = 100_000;

/// Records that were written or removed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) endpoints: BTreeSet<EndpointId>,
    pub(crate) policies: BTreeSet<PolicyId>,
    pub(crate) executions: BTreeSet<ExecutionId>,
    /// Any user; no listing follows these.
    pub(crate) users: bool,
    /// An execution came to its end.
    pub(crate) ended: bool,
    /// More than can be told one by one.
    pub(crate) all: bool,
}

impl Changes {
    /// Adds what changed later.
    pub(crate) fn add(&mut self, later: Self) {
        self.endpoints.extend(later.endpoints);
        self.policies.extend(later.policies);
        self.executions.extend(later.executions);
        let ids = self.endpoints.len() + self.policies.len() + self.executions.len();
        self.all |= later.all || ids > MAX_IDS;
        if self.all {
            self.endpoints.clear();
            self.policies.clear();
            self.executions.clear();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.all
            && self.endpoints.is_empty()
            && self.policies.is_empty()
            && self.executions.is_empty()
    }
}

/// Changes that were committed and that nobody took yet.
#[derive(Debug, Default)]
pub(super) struct Committed {
    changes: Mutex<Changes>,
    some: AtomicBool,
    /// Counts commits that changed users.
    users: AtomicU64,
    /// The same for endpoints.
    endpoints: AtomicU64,
    /// Counts commits with which executions came to their end.
    ends: watch::Sender<u64>,
}

impl Committed {
    /// Notes changes that were committed, before whoever asked for them is told.
    pub(super) fn add(&self, changes: Changes) {
        self.users.fetch_add(u64::from(changes.users), Ordering::AcqRel);
        let endpoints = changes.all || !changes.endpoints.is_empty();
        self.endpoints.fetch_add(u64::from(endpoints), Ordering::AcqRel);
        if changes.ended {
            self.ends.send_modify(|ends| *ends += 1);
        }
        if !changes.is_empty() {
            self.changes.lock().unwrap_or_else(PoisonError::into_inner).add(changes);
            self.some.store(true, Ordering::Release);
        }
    }

    /// Another number whenever a user was changed.
    pub(super) fn users(&self) -> u64 {
        self.users.load(Ordering::Acquire)
    }

    /// Another number whenever an endpoint was changed.
    pub(super) fn endpoints(&self) -> u64 {
        self.endpoints.load(Ordering::Acquire)
    }

    /// Changes whenever an execution came to its end.
    #[cfg(feature = "daemon")]
    pub(super) fn ends(&self) -> watch::Receiver<u64> {
        self.ends.subscribe()
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.some.load(Ordering::Acquire)
    }

    pub(super) fn take(&self) -> Changes {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        self.some.store(false, Ordering::Release);
        mem::take(&mut changes)
    }
}
