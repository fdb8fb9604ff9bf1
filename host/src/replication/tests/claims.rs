//! Who works on what, until when: stops, lost claims, ends of the engine.

use super::*;

/// Starts a copy that hangs in a blob; gives the execution once it does.
async fn hanging(world: &World) -> Execution {
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    let execution = world.start(world.rule()).await;
    eventually("an upload is open", async || (world.to.open_uploads() > 0).then_some(())).await;
    execution
}

#[tokio::test]
async fn a_shutdown_lets_tasks_end_as_long_as_its_patience_goes() {
    let world = World::new().await;
    let stall = world.from.faults().stall(Kind::BlobGet);
    let execution = hanging(&world).await;
    let release = async {
        world.engine.shared.closing.cancelled().await;
        drop(stall);
    };
    let (report, ()) = tokio::join!(world.engine.shutdown(PATIENCE), release);
    assert_eq!(report, (1, 0));
    assert_eq!(world.tasks(execution.id).await[0].status, Status::Success);
}

#[tokio::test]
async fn a_shutdown_without_patience_cuts_and_gives_back() {
    let world = World::new().await;
    let stall = world.from.faults().stall(Kind::BlobGet);
    let execution = hanging(&world).await;
    assert_eq!(world.engine.shutdown(Duration::ZERO).await, (0, 1));
    let task = world.tasks(execution.id).await.remove(0);
    assert_eq!((task.status, task.failures), (Status::Pending, 0));
    drop(stall);
    let _next = engine(&world.store, "another", 1).await;
    assert_eq!(world.ended(execution.id).await.status, Status::Success);
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn an_engine_that_nobody_holds_ends() {
    let world = World::new().await;
    let _stall = world.from.faults().stall(Kind::BlobGet);
    hanging(&world).await;
    let shared = Arc::downgrade(&world.engine.shared);
    drop(world.engine);
    eventually("it is gone", async || (shared.strong_count() == 0).then_some(())).await;
}

#[tokio::test]
async fn who_lost_a_listing_does_not_say_that_it_is_complete() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    let _stall = world.from.faults().stall(Kind::Catalog);
    let execution = world.start(world.rule()).await;
    let listings = &world.engine.shared.running.listings;
    eventually("it is listed", async || (listings.len() == 1).then_some(())).await;
    world.store.release_tasks("host").await.unwrap();
    let now = OffsetDateTime::now_utc();
    let claimed = world.store.claim_execution("other", now, now + PATIENCE).await.unwrap();
    assert_eq!(claimed.unwrap().id, execution.id);
    eventually("it is cut", async || (listings.len() == 0).then_some(())).await;
    let execution = world.store.execution(execution.id).await.unwrap();
    assert_eq!((execution.listed, execution.status), (false, Status::Running));
}

#[tokio::test]
async fn a_stop_that_another_engine_was_asked_for_ends_a_listing() {
    let world = World::new().await;
    let _stall = world.from.faults().stall(Kind::Catalog);
    let execution = world.start(world.rule()).await;
    eventually("it is asked for", async || (world.from.total_requests() > 0).then_some(())).await;
    world.store.request_stop(execution.id, OffsetDateTime::now_utc()).await.unwrap();
    assert_eq!(world.ended(execution.id).await.status, Status::Stopped);
}

#[tokio::test]
async fn nothing_is_remembered_of_what_is_over() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    // Refused for now: the task waits for its second try, and is stopped there.
    world.from.faults().status_always(Kind::ManifestGet, 404);
    let execution = world.start(world.rule()).await;
    eventually("it waits", async || {
        let tasks = world.tasks(execution.id).await;
        tasks.first().is_some_and(|task| task.failures == 1).then_some(())
    })
    .await;
    assert_eq!(lock(&world.engine.shared.ledgers).len(), 1);
    let stopped = world.engine.stop_execution(execution.id).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    let ledgers = &world.engine.shared.ledgers;
    eventually("it is forgotten", async || lock(ledgers).is_empty().then_some(())).await;
}

#[tokio::test]
async fn what_is_said_of_an_endpoint_counts_at_once() {
    let world = World::new().await;
    let connections = &world.engine.shared.connections;
    connections.adapter(world.source.id).await.unwrap().check_health().await.unwrap();
    // No new address, no new secret: the generation stays.
    let spec =
        EndpointSpec { proxy: Some("http://127.0.0.1:1".to_owned()), ..world.source.spec.clone() };
    let now = OffsetDateTime::now_utc();
    let (store, health) = (&world.store, Health::Unknown);
    let changed = store.update_endpoint(&world.source, spec, Credentials::default(), health, now);
    assert_eq!(changed.await.unwrap().generation, world.source.generation);
    let health = connections.adapter(world.source.id).await.unwrap().check_health().await;
    assert!(health.is_err(), "it goes through the proxy now");
}

/// Tasks of one execution share what was bound for one of them.
#[tokio::test]
async fn an_endpoint_that_is_changed_meanwhile_is_what_it_is_now_to_the_next_task() {
    let mut world = World::new().await;
    world.engine = engine(&world.store, "alone", 1).await;
    let moved = Registry::builder().start().await.unwrap();
    for registry in [&world.from, &moved] {
        registry.put_image("a", "v1", &[layer(1, 100)]);
        registry.put_image("b", "v1", &[layer(2, 100)]);
    }
    let stall = world.from.faults().stall(Kind::BlobGet);
    let execution = world.start(world.rule()).await;
    eventually("an upload is open", async || (world.to.open_uploads() > 0).then_some(())).await;
    let seen = world.store.endpoint(world.source.id).await.unwrap();
    let (spec, now) = (spec("from", &moved.url()), OffsetDateTime::now_utc());
    let change =
        world.store.update_endpoint(&seen, spec, Credentials::default(), Health::Unknown, now);
    change.await.unwrap();
    drop(stall);
    assert_eq!(world.ended(execution.id).await.status, Status::Success);
    let pulls = [&world.from, &moved].map(|registry| registry.count(Kind::ManifestGet));
    assert_eq!(pulls, [1, 1]);
    world.to.verify_all().unwrap();
}
