//! Schedules that are due start runs, also those that were missed.

use portolan_core::{execution::StartedBy, trigger::Schedule};

use super::*;

#[tokio::test]
async fn a_missed_schedule_runs_once_when_the_engine_is_there_again() {
    let world = World::new().await;
    world.from.put_image("library/app", "1", &[layer(1, 100)]);
    let trigger = Trigger::Scheduled(Schedule::parse("0 0 * * * *").unwrap());
    let rule = PolicySpec { trigger, ..world.rule() };
    // Planned half a day ago, and nobody was there since.
    let then = OffsetDateTime::now_utc() - time::Duration::hours(12);
    let policy = world.store.create_policy(rule, then).await.unwrap();
    world.engine.schedules_changed();
    let runs = eventually("the missed run starts", async || {
        let runs = world.store.executions(Some(policy.id)).await.unwrap();
        (!runs.is_empty()).then_some(runs)
    });
    let [run] = <[Execution; 1]>::try_from(runs.await).unwrap();
    assert_eq!(run.started_by, StartedBy::Scheduled);
    let run = world.ended(run.id).await;
    assert_eq!((run.status, run.counters.succeeded), (Status::Success, 1));
    let next = world.store.next_schedule().await.unwrap().unwrap();
    assert!(next > OffsetDateTime::now_utc() && next.minute() == 0, "{next}");
    assert_eq!(world.store.executions(Some(policy.id)).await.unwrap().len(), 1);
    let totals = world.engine.totals();
    assert_eq!(totals.schedules, 1);
    assert!((10..=12).contains(&totals.schedules_missed), "{totals:?}");
}
