//! What was counted of calls and requests, and what hosts said of their limits. It only reads.

use std::sync::PoisonError;

use super::{Calls, Enabled, Plugins};
use crate::net;

impl Plugins {
    /// HTTP requests sent to the endpoints that are remembered now.
    pub(crate) fn requests(&self) -> u64 {
        self.inner.memories.requests()
    }

    /// How requests were answered since the start, by endpoint. What is not stored, and what is
    /// beyond a thousand endpoints, counts as `other`.
    pub(crate) fn answers(&self) -> Vec<(String, [u64; 6])> {
        self.inner.memories.all_answers()
    }

    /// What the hosts of an endpoint said last of how often they may be asked.
    pub(crate) fn rate_limits(&self, id: &str) -> Vec<net::RateLimit> {
        self.inner.memories.limits(id)
    }

    /// The same of every endpoint whose requests are counted.
    pub(crate) fn all_rate_limits(&self) -> Vec<(String, Vec<net::RateLimit>)> {
        self.inner.memories.all_limits()
    }

    /// Calls of each enabled adapter since it was loaded, and how many of them were its own fault.
    pub(crate) fn calls(&self) -> Vec<(String, Calls)> {
        let adapters = self.inner.adapters.read().unwrap_or_else(PoisonError::into_inner);
        let calls =
            |(provider, enabled): (&String, &Enabled)| (provider.clone(), enabled.package.calls());
        adapters.iter().map(calls).collect()
    }
}
