//! What was counted, for those who ask.

use super::{
    super::{Engine, Totals, lock},
    Counts, Map,
};

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
}
