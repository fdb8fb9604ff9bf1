//! Periodic health checks: every stored endpoint once a round, spread over the round.
//!
//! It records what it finds and changes nothing else; replication does not look at it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use portolan_core::{
    endpoint::{Endpoint, Health},
    id::EndpointId,
};
use time::OffsetDateTime;
use tokio::{task::JoinSet, time::MissedTickBehavior};

use super::{Host, Shared};
use crate::error::{Code, Error};

/// Endpoints checked at once.
const AT_ONCE: usize = 8;
/// Longest time between two checks in one round: a few endpoints need not wait for each other.
const MAX_GAP: Duration = Duration::from_secs(2);

/// Checks every endpoint once in `every` until the host is gone. The first round begins after a
/// random part of it, so that many daemons that start together do not ask together.
pub(super) fn spawn(host: &Host, every: Duration) {
    let weak = Arc::downgrade(&host.shared);
    let closing = host.shared.closing.clone();
    tokio::spawn(async move {
        let rounds = async {
            tokio::time::sleep(every.mul_f64(chance())).await;
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if !round(&weak, every).await {
                    return;
                }
            }
        };
        closing.run_until_cancelled(rounds).await;
    });
}

/// Checks each endpoint; false where the host is gone.
async fn round(weak: &Weak<Shared>, every: Duration) -> bool {
    let Some(host) = strong(weak) else { return false };
    let ids: Vec<EndpointId> = match host.shared.store.endpoints().await {
        Ok(endpoints) => endpoints.iter().map(|endpoint| endpoint.id).collect(),
        Err(error) => {
            tracing::error!(%error, "endpoints cannot be read for their health check");
            return true;
        }
    };
    drop(host);
    let gap = gap(every, ids.len());
    let mut checks = JoinSet::new();
    for id in ids {
        tokio::time::sleep(gap.mul_f64(0.5 + chance())).await;
        while checks.len() >= AT_ONCE {
            checks.join_next().await;
        }
        checks.spawn(check(Weak::clone(weak), id));
    }
    while checks.join_next().await.is_some() {}
    true
}

/// Time between two checks, so that a round fits into half its period.
fn gap(every: Duration, endpoints: usize) -> Duration {
    let endpoints = u32::try_from(endpoints).unwrap_or(u32::MAX).max(1);
    (every / 2 / endpoints).min(MAX_GAP)
}

async fn check(weak: Weak<Shared>, id: EndpointId) {
    let Some(host) = strong(&weak) else { return };
    if let Err(error) = host.recheck_endpoint(id).await {
        // Deleted since the round began, for one.
        tracing::debug!(endpoint = id.0, %error, "a health check was not recorded");
    }
}

fn strong(weak: &Weak<Shared>) -> Option<Host> {
    let shared = weak.upgrade()?;
    let store = shared.store.clone();
    Some(Host { shared, store })
}

/// A number from 0 up to 1; a half where the system has no randomness to give.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

impl Host {
    /// Tests a stored endpoint as it is, and records what was found. A change from healthy to
    /// unhealthy or back is told in the log.
    ///
    /// # Errors
    /// `NotFound`; a registry that does not work is an answer, not an error.
    pub async fn recheck_endpoint(&self, id: EndpointId) -> Result<Health, Error> {
        let (seen, credentials) = self.store.endpoint_with_credentials(id).await?;
        let health = match self.check_settings(&seen.spec, &credentials).await {
            Ok(_) => Health::Healthy,
            Err(error) if error.code() == Code::NotFound => return Err(error),
            Err(error) => Health::Unhealthy(error.to_string()),
        };
        tell(&seen, &health);
        let now = OffsetDateTime::now_utc();
        self.store.set_health(&seen, health.clone(), now).await?;
        Ok(health)
    }
}

fn tell(seen: &Endpoint, found: &Health) {
    let (endpoint, name) = (seen.id.0, seen.spec.name.as_str());
    match (&seen.health, found) {
        (Health::Healthy, Health::Unhealthy(why)) => {
            tracing::warn!(endpoint, name, why, "an endpoint became unhealthy");
        }
        (Health::Unhealthy(_), Health::Healthy) => {
            tracing::info!(endpoint, name, "an endpoint is healthy again");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_fits_into_half_its_period() {
        let minute = Duration::from_secs(60);
        assert_eq!(gap(minute, 0), MAX_GAP);
        assert_eq!(gap(minute, 3), MAX_GAP);
        assert_eq!(gap(minute, 30), Duration::from_secs(1));
        assert_eq!(gap(minute, 30_000), Duration::from_millis(1));
        for _ in 0..100 {
            assert!((0.0..1.0).contains(&chance()));
        }
    }
}
