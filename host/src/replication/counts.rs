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

use super::{Engine, Stats, Totals, lock};

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

/// What was counted, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// Of each rule.
    pub(crate) rules: Vec<(u64, Totals)>,
    /// Of each endpoint that was copied from.
    pub(crate) sources: Vec<(u64, Totals)>,
    /// Of each endpoint that was copied to.
    pub(crate) destinations: Vec<(u64, Totals)>,
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

    /// What was counted.
    pub(super) fn all(&self) -> Counted {
        let read = |map: &Map| lock(map).iter().map(|(id, it)| (*id, it.totals())).collect();
        Counted {
            rules: read(&self.rules),
            sources: read(&self.sources),
            destinations: read(&self.destinations),
        }
    }
}

impl Engine {
    /// What was done since the start.
    pub(crate) fn totals(&self) -> Totals {
        let requests = self.shared.connections.requests();
        Totals { requests, ..self.shared.stats.totals() }
    }

    /// What was done since the start, by rule and endpoint.
    pub(crate) fn counted(&self) -> Counted {
        self.shared.counts.all()
    }

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
