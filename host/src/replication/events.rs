//! Starts rules for what webhooks told, once for each burst of it.
//!
//! What waits is the store's to know, and survives a kill; here is only the clock.

use std::{sync::Arc, time::Duration};

use portolan_core::id::EndpointId;
use time::OffsetDateTime;

use super::{Engine, Shared};
use crate::store::{Accepted, FiredEvents, StoreError, Told};

/// Longest sleep: the clock may be set meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(10);
/// Wait after the store failed.
const PAUSE: Duration = Duration::from_secs(5);

impl Engine {
    /// Keeps the events of one delivery until rules run for them.
    pub(crate) async fn accept_events(
        &self,
        endpoint: EndpointId,
        told: Vec<Told>,
    ) -> Result<Accepted, StoreError> {
        let shared = &self.shared;
        let now = OffsetDateTime::now_utc();
        let accepted = shared.store.accept_events(endpoint, told, shared.event_window, now).await?;
        shared.events_changed.notify_waiters();
        Ok(accepted)
    }
}

/// Starts rules for events until the engine closes.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        let changed = shared.events_changed.notified();
        let turn = turn(&shared).await;
        let failed = turn.is_err();
        let sleep = turn.unwrap_or_else(|error| {
            tracing::error!(%error, "events cannot be read; they are tried again");
            PAUSE
        });
        tokio::select! {
            () = changed, if !failed => {}
            () = tokio::time::sleep(sleep) => {}
            () = shared.closing.cancelled() => {}
        }
    }
}

/// Starts what is due, and says how long to sleep.
async fn turn(shared: &Shared) -> Result<Duration, StoreError> {
    let now = OffsetDateTime::now_utc();
    while !shared.closing.is_cancelled() {
        let Some(fired) = shared.store.fire_events(shared.event_window, now).await? else { break };
        tell(&fired);
        fired.executions.iter().for_each(|_| shared.stats.started());
        shared.wake.notify_waiters();
    }
    let due = shared.store.next_events().await?;
    let left = due.map(|due| due - OffsetDateTime::now_utc());
    Ok(left.map_or(MAX_SLEEP, |left| Duration::try_from(left).unwrap_or_default().min(MAX_SLEEP)))
}

fn tell(fired: &FiredEvents) {
    let FiredEvents { endpoint, events, executions, failed } = fired;
    let endpoint = endpoint.0;
    for execution in executions {
        let (policy, execution) = (execution.policy.0, execution.id.0);
        tracing::info!(endpoint, events, policy, execution, "events started a run");
    }
    for (policy, cause) in failed {
        tracing::warn!(endpoint, events, policy = policy.0, %cause, "events cannot start a run");
    }
    if executions.is_empty() && failed.is_empty() && *events > 0 {
        tracing::info!(endpoint, events, "no enabled event-based rule takes these events");
    }
}
