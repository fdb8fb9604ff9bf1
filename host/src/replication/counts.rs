//! What is counted of each rule and each endpoint since the start, for metrics. Bounded: what is
//! beyond is counted together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use portolan_core::{
    id::{EndpointId, PolicyId},
    task::TaskSpec,
};

use super::{Engine, Stats, lock};

#[cfg(any(feature = "api", test))]
mod counted;

#[cfg(any(feature = "api", test))]
pub(crate) use counted::Counted;

/// Most rules, and most endpoints on each side, that are counted one by one.
const MAX: usize = 10_000;
/// What the others are counted under; no id is so large.
const OTHERS: u64 = u64::MAX;

type Map = Mutex<BTreeMap<u64, Arc<Stats>>>;

/// The counters.
#[derive(Default)]
pub(super) struct Counts {
    rules: Map,
    sources: Map,
    destinations: Map,
}

impl Counts {
    /// The counters of a rule; `whole` counts with them.
    pub(super) fn of_rule(&self, id: PolicyId, whole: &Arc<Stats>) -> Arc<Stats> {
        of(&self.rules, id.0, || Stats::part_of([Arc::clone(whole)]))
    }

    /// The counters of one try of a task: those of its run, and of both its ends.
    pub(super) fn of_task(&self, spec: &TaskSpec, run: Arc<Stats>) -> Arc<Stats> {
        let source = of(&self.sources, spec.source.0, Stats::default);
        let destination = of(&self.destinations, spec.destination.0, Stats::default);
        Arc::new(Stats::part_of([run, source, destination]))
    }

    /// Forgets an endpoint that is gone.
    pub(super) fn forget_endpoint(&self, id: EndpointId) {
        lock(&self.sources).remove(&id.0);
        lock(&self.destinations).remove(&id.0);
    }
}

impl Engine {
    /// Forgets what was counted of an endpoint that is gone.
    pub(crate) fn forget_endpoint(&self, id: EndpointId) {
        self.shared.counts.forget_endpoint(id);
    }
}

fn of(map: &Map, id: u64, new: impl FnOnce() -> Stats) -> Arc<Stats> {
    let mut all = lock(map);
    let room = all.len() < MAX || all.contains_key(&id);
    Arc::clone(all.entry(if room { id } else { OTHERS }).or_insert_with(|| Arc::new(new())))
}
