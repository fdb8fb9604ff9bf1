//! Starts what is due: sleeps until the next schedule, or until somebody changes one.
//!
//! When a schedule is due is the store's to know; what is remembered here is the clock alone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use time::OffsetDateTime;

use super::Shared;
use crate::store::{Fired, Firing, StoreError};

/// Longest sleep: the clock may be set meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(10);
/// How late a run may be before it is called missed.
const LATE: time::Duration = time::Duration::minutes(1);
/// How far wall time may move against the time that went by before plans are made anew.
const MOVED: time::Duration = time::Duration::minutes(1);
/// First and longest wait after the store failed.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Fires schedules until the engine closes.
pub(super) async fn run(shared: Arc<Shared>) {
    let (mut clock, mut pauses) = (Clock::default(), Pauses::default());
    while !shared.closing.is_cancelled() {
        let changed = shared.schedules_changed.notified();
        let turn = turn(&shared, &mut clock).await;
        let failed = turn.is_err();
        let sleep = match turn {
            Ok(sleep) => {
                pauses = Pauses::default();
                sleep
            }
            Err(error) => {
                tracing::error!(%error, "schedules cannot be read or started; they are tried again");
                pauses.next()
            }
        };
        tokio::select! {
            () = changed, if !failed => {}
            () = tokio::time::sleep(sleep) => {}
            () = shared.closing.cancelled() => {}
        }
    }
}

/// Fires what is due, and says how long to sleep.
async fn turn(shared: &Shared, clock: &mut Clock) -> Result<Duration, StoreError> {
    if clock.has_moved(Instant::now(), OffsetDateTime::now_utc()) {
        let replanned = shared.store.replan_schedules(OffsetDateTime::now_utc()).await?;
        if replanned > 0 {
            tracing::warn!(
                replanned,
                "schedules were planned too far ahead: the clock was set back"
            );
        }
        clock.seen = Some((Instant::now(), OffsetDateTime::now_utc()));
    }
    fire_all(shared).await?;
    let due = shared.store.next_schedule().await?;
    let left = due.map(|due| due - OffsetDateTime::now_utc());
    Ok(left.map_or(MAX_SLEEP, |left| Duration::try_from(left).unwrap_or_default().min(MAX_SLEEP)))
}

/// Starts every run that is due now.
async fn fire_all(shared: &Shared) -> Result<(), StoreError> {
    let now = OffsetDateTime::now_utc();
    while !shared.closing.is_cancelled() {
        match shared.store.fire_schedule(now).await? {
            Some(Firing::Started(fired)) => {
                tell(&fired, now);
                shared.stats.started();
                shared.stats.fired(now - fired.due, fired.missed);
                shared.wake.notify_waiters();
            }
            Some(Firing::Failed { policy, cause }) => {
                tracing::warn!(policy = policy.0, %cause, "a scheduled run cannot be started");
            }
            None => break,
        }
    }
    Ok(())
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

/// What both clocks said when plans were last known to be right; nothing at the start.
#[derive(Default)]
struct Clock {
    seen: Option<(Instant, OffsetDateTime)>,
}

impl Clock {
    /// Whether wall time moved against the time that went by since this was asked last. Where it
    /// did, it says so until somebody makes plans anew.
    fn has_moved(&mut self, instant: Instant, now: OffsetDateTime) -> bool {
        let Some((then, wall)) = self.seen else { return true };
        let moved = (now - wall) - instant.saturating_duration_since(then);
        let moved = moved.abs() > MOVED;
        if !moved {
            self.seen = Some((instant, now));
        }
        moved
    }
}

/// Waits that double while the store fails.
struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(PAUSES.0)
    }
}

impl Pauses {
    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = pause.saturating_mul(2).min(PAUSES.1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_after_failures_double_to_a_minute() {
        let mut pauses = Pauses::default();
        let seconds: Vec<u64> = (0..6).map(|_| pauses.next().as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn a_clock_that_was_set_is_noticed() {
        let (start, wall) = (Instant::now(), OffsetDateTime::UNIX_EPOCH);
        let at = |elapsed: u64, shown: i64| {
            (start + Duration::from_secs(elapsed), wall + time::Duration::seconds(shown))
        };
        let asked = |clock: &mut Clock, (instant, now)| clock.has_moved(instant, now);
        let mut clock = Clock::default();
        assert!(asked(&mut clock, at(0, 0)), "at the start");
        for (elapsed, shown, moved) in
            [(10, 10, false), (20, 75, false), (30, 85, false), (40, 400, true), (40, -300, true)]
        {
            if clock.seen.is_none() {
                clock.seen = Some(at(0, 0));
            }
            assert_eq!(asked(&mut clock, at(elapsed, shown)), moved, "{elapsed} {shown}");
        }
        assert!(asked(&mut clock, at(50, -290)), "until plans are made anew");
    }
}
