//! What is counted of each rule and each endpoint: what the store keeps of runs that ended, and what
//! the engine counted since the start.

use std::collections::BTreeMap;

use portolan_core::{
    endpoint::{Endpoint, Health},
    execution::Status,
    id::PolicyId,
};

use crate::{
    replication::{Counted, Totals},
    store::Outcomes,
};

/// What is counted of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleMeasure {
    pub(crate) id: u64,
    /// How its last run ended: `succeeded`, `failed` or `stopped`; `None` where none did.
    pub(crate) last: Option<&'static str>,
    /// When that was, in seconds since 1970.
    pub(crate) ended: i64,
    /// When one ended with everything at its destinations.
    pub(crate) succeeded: Option<i64>,
    /// Runs that succeeded, failed, were stopped.
    pub(crate) runs: [u64; 3],
    /// Tasks that failed for good.
    pub(crate) failures: u64,
    /// Due times that went by unused.
    pub(crate) missed: u64,
    /// Pushed since the start.
    pub(crate) artifacts: u64,
    /// Bytes of blobs moved since the start.
    pub(crate) bytes: u64,
}

/// What is counted of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EndpointMeasure {
    pub(crate) id: u64,
    /// Whether it worked when it was last tried; `None` where that is not known.
    pub(crate) healthy: Option<bool>,
    /// Of work that copied from it, since the start.
    pub(crate) from: Option<Totals>,
    /// Of work that copied to it, since the start.
    pub(crate) to: Option<Totals>,
}

/// Rules by ascending id.
pub(super) fn rules(stored: Vec<(PolicyId, Outcomes)>, counted: &Counted) -> Vec<RuleMeasure> {
    let mut rules: BTreeMap<u64, RuleMeasure> = BTreeMap::new();
    for (id, it) in stored {
        let last = it.last.map(|status| match status {
            Status::Success => "succeeded",
            Status::Stopped => "stopped",
            _ => "failed",
        });
        let Outcomes { ended, succeeded, runs, failures, missed, .. } = it;
        let rest = RuleMeasure::default();
        let rule = RuleMeasure { id: id.0, last, ended, succeeded, runs, failures, missed, ..rest };
        rules.insert(id.0, rule);
    }
    for (id, totals) in &counted.rules {
        let rule = rules.entry(*id).or_insert(RuleMeasure { id: *id, ..RuleMeasure::default() });
        (rule.artifacts, rule.bytes) = (totals.artifacts, totals.bytes);
    }
    rules.into_values().collect()
}

/// Endpoints by ascending id.
pub(super) fn endpoints(stored: &[Endpoint], counted: &Counted) -> Vec<EndpointMeasure> {
    let mut endpoints: BTreeMap<u64, EndpointMeasure> = BTreeMap::new();
    let new = |id: u64| EndpointMeasure { id, ..EndpointMeasure::default() };
    for endpoint in stored {
        let healthy = match endpoint.health {
            Health::Healthy => Some(true),
            Health::Unhealthy(_) => Some(false),
            Health::Unknown => None,
        };
        let id = endpoint.id.0;
        endpoints.insert(id, EndpointMeasure { healthy, ..new(id) });
    }
    for (id, totals) in &counted.sources {
        endpoints.entry(*id).or_insert_with(|| new(*id)).from = Some(*totals);
    }
    for (id, totals) in &counted.destinations {
        endpoints.entry(*id).or_insert_with(|| new(*id)).to = Some(*totals);
    }
    endpoints.into_values().collect()
}
