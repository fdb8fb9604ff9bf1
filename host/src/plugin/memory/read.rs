//! What was counted and heard of endpoints, for those who ask.

use super::{Memories, lock};
use crate::net;

impl Memories {
    /// What was counted, by endpoint.
    pub(in crate::plugin) fn all_answers(&self) -> Vec<(String, [u64; 6])> {
        lock(&self.answers).iter().map(|(id, answers)| (id.clone(), answers.counts())).collect()
    }

    /// What the hosts of one endpoint said of how often they may be asked.
    pub(in crate::plugin) fn limits(&self, id: &str) -> Vec<net::RateLimit> {
        lock(&self.answers).get(id).map(|answers| answers.limits.all()).unwrap_or_default()
    }

    /// The same of every endpoint that is counted.
    pub(in crate::plugin) fn all_limits(&self) -> Vec<(String, Vec<net::RateLimit>)> {
        let all = lock(&self.answers);
        all.iter().map(|(id, answers)| (id.clone(), answers.limits.all())).collect()
    }

    /// Requests sent by the clients of every memory.
    pub(in crate::plugin) fn requests(&self) -> u64 {
        lock(&self.all).values().map(|it| it.memory.client.requests()).sum()
    }
}
