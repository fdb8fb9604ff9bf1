//! What is counted, gathered for metrics.

mod nouns;

use std::time::Duration;

use super::{Host, limits::RateLimit};
pub(crate) use nouns::{EndpointMeasure, RuleMeasure};

use crate::{error::Error, plugin::Calls, replication::Totals, store::Queued};

/// What was counted since the start, and how things are now.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    pub(crate) totals: Totals,
    pub(crate) queue: Queued,
    /// Of each rule, by ascending id.
    pub(crate) rules: Vec<RuleMeasure>,
    /// Of each endpoint, by ascending id.
    pub(crate) endpoints: Vec<EndpointMeasure>,
    /// Requests by endpoint: without an answer, then with 1xx to 5xx.
    pub(crate) answers: Vec<(String, [u64; 6])>,
    /// Requests left by endpoint, where it says so: the fewest of its hosts.
    pub(crate) left: Vec<(String, u64)>,
    /// Webhooks by outcome.
    pub(crate) deliveries: Vec<(&'static str, u64)>,
    /// Calls by provider.
    pub(crate) calls: Vec<(String, Calls)>,
    /// Size of the database file; `None` in memory.
    pub(crate) store_bytes: Option<u64>,
    /// Memory of this process; `None` where the system does not tell.
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) uptime: Duration,
}

impl Host {
    /// Gathers everything that is counted.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub(crate) async fn measures(&self) -> Result<Measures, Error> {
        let shared = &self.shared;
        let counted = shared.engine.counted();
        Ok(Measures {
            rules: nouns::rules(self.store.outcomes().await?, &counted),
            endpoints: nouns::endpoints(&self.store.endpoints().await?, &counted),
            totals: shared.engine.totals(),
            queue: self.store.queued()?,
            answers: shared.plugins.answers(),
            left: fewest(shared.plugins.all_rate_limits()),
            deliveries: shared.hooks.counts(),
            calls: shared.plugins.calls(),
            store_bytes: self.store_size().await?,
            resident_bytes: resident().await,
            uptime: self.uptime(),
        })
    }
}

fn fewest(all: Vec<(String, Vec<RateLimit>)>) -> Vec<(String, u64)> {
    let left = |hosts: Vec<RateLimit>| hosts.iter().filter_map(|it| it.remaining).min();
    all.into_iter().filter_map(|(id, hosts)| Some((id, left(hosts)?))).collect()
}

/// Linux tells it in kilobytes; other systems do not have the file.
async fn resident() -> Option<u64> {
    let status = tokio::fs::read_to_string("/proc/self/status").await.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
