//! Work within limits: those a registry sets, and those we set ourselves.

use serde_json::json;
use std::time::Instant;

use portolan_core::policy::Options;

use super::*;

fn limited(rule: PolicySpec, name: &str, budget: serde_json::Value) -> PolicySpec {
    let options = Options::parse(&json!({"budget": budget}), &Options::default()).unwrap();
    PolicySpec { name: name.to_owned(), options, ..rule }
}

fn images(world: &World, count: u64) {
    for seed in 0..count {
        world.from.put_image("a", &format!("v{seed}"), &[layer(seed, 100)]);
    }
}

#[tokio::test]
async fn a_source_that_lets_few_requests_through_ends_without_a_failed_tag() {
    let world = World::new().await;
    images(&world, 30);
    world.from.faults().limit(When::any(), 25, Duration::from_millis(900));
    let execution = world.run(world.rule()).await;
    assert_eq!(execution.status, Status::Success, "{}", execution.status_text);
    assert_eq!(execution.counters.failed, 0);
    for task in world.tasks(execution.id).await {
        assert_eq!((task.failures, task.last_error.as_str()), (0, ""), "no task was begun anew");
    }
    assert_eq!(world.to.tags(), world.from.tags());
    world.to.verify_all().unwrap();
    let limits = plugins().await.rate_limits(&world.source.id.to_string());
    assert!(limits.iter().any(|it| it.limit == Some(25)), "{limits:?}");
}

#[tokio::test]
async fn a_rule_sends_no_more_requests_than_its_budget() {
    let world = World::new().await;
    images(&world, 3);
    // Ten at once, then one each 0.1 s or so.
    let rule = limited(world.rule(), "p", json!({"requests_per_minute": 600}));
    let begun = Instant::now();
    let execution = world.run(rule).await;
    let took = begun.elapsed();
    assert_eq!(execution.status, Status::Success, "{}", execution.status_text);
    let requests = world.from.total_requests() + world.to.total_requests();
    let least = Duration::from_millis(100) * u32::try_from(requests - 11).unwrap();
    assert!(requests > 15 && took >= least, "{requests} requests in {took:?}");
    assert_eq!(world.to.tags(), world.from.tags());
}

#[tokio::test]
async fn an_endpoint_has_a_budget_of_its_own() {
    let world = World::new().await;
    images(&world, 3);
    let budget = Budget { requests_per_minute: 300, ..Budget::default() };
    let now = OffsetDateTime::now_utc();
    let spec = EndpointSpec { budget, ..spec("slow", &world.to.url()) };
    let made = world.store.create_endpoint(spec, Credentials::default(), Health::Unknown, now);
    let to = Destination { endpoint: made.await.unwrap().id, namespace: None };
    // The wider one of the rule changes nothing.
    let rule = limited(world.rule(), "p", json!({"requests_per_minute": 60_000}));
    let begun = Instant::now();
    let execution = world.run(PolicySpec { destinations: vec![to], ..rule }).await;
    let took = begun.elapsed();
    assert_eq!(execution.status, Status::Success, "{}", execution.status_text);
    let requests = world.to.total_requests();
    let least = Duration::from_millis(200) * u32::try_from(requests - 6).unwrap();
    assert!(requests > 10 && took >= least, "{requests} requests in {took:?}");
}
