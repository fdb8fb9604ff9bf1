//! Starts what is due: sleeps until the next schedule, or until somebody changes one.
//!
//! When a schedule is due is the store's to know; nothing is remembered here.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::Shared;
use crate::store::Fired;

/// Longest sleep: the clock may be set forward meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(10);
/// How late a run may be before it is called missed.
const LATE: time::Duration = time::Duration::minutes(1);

/// Fires schedules until the engine closes.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        let changed = shared.schedules_changed.notified();
        fire_all(&shared).await;
        let sleep = until_next(&shared).await;
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(sleep) => {}
            () = shared.closing.cancelled() => {}
        }
    }
}

/// Starts every run that is due now.
async fn fire_all(shared: &Shared) {
    let now = OffsetDateTime::now_utc();
    while !shared.closing.is_cancelled() {
        match shared.store.fire_schedule(now).await {
            Ok(Some(fired)) => {
                tell(&fired, now);
                shared.stats.started();
                shared.stats.fired(now - fired.due, fired.missed);
                shared.wake.notify_waiters();
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "a scheduled run could not be started");
                return;
            }
        }
    }
}

fn tell(fired: &Fired, now: OffsetDateTime) {
    let (policy, execution) = (fired.execution.policy.0, fired.execution.id.0);
    if fired.missed > 0 || now - fired.due > LATE {
        let (due, also_missed) = (fired.due, fired.missed);
        tracing::warn!(
            policy, execution, %due, also_missed,
            "a schedule was missed while nothing ran here; it runs once now"
        );
    } else {
        tracing::info!(policy, execution, "a schedule started a run");
    }
}

async fn until_next(shared: &Shared) -> Duration {
    match shared.store.next_schedule().await {
        Ok(Some(due)) => {
            let left = due - OffsetDateTime::now_utc();
            Duration::try_from(left).unwrap_or_default().min(MAX_SLEEP)
        }
        Ok(None) => MAX_SLEEP,
        Err(error) => {
            tracing::error!(%error, "the next schedule cannot be read");
            MAX_SLEEP
        }
    }
}
