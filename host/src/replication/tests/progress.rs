//! How far an execution and its tasks are said to be.

use super::*;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn bytes_are_told_while_a_blob_is_on_its_way_and_kept_with_the_task() {
    let world = World::new().await;
    let shared = layer(1, MIB);
    world.from.put_image("a", "v1", &[shared.clone(), layer(2, 8 * MIB)]);
    world.from.put_image("a", "v2", &[shared]);
    let stall = world.from.faults().stall_after(Kind::BlobGet, 6 * MIB as u64);
    let id = world.start(world.rule()).await.id;
    let at = eventually("bytes are on their way", async || {
        let at = world.engine.progress(id);
        (at.tally.copied == 1 && at.tally.bytes > 3 * MIB as u64).then_some(at)
    })
    .await;
    assert_eq!(at.planned, 2);
    assert!(at.expected > 10 * MIB as u64, "the shared layer is expected twice: {at:?}");
    assert!((51..=99).contains(&at.percent), "{at:?}");
    assert!(at.tally.bytes + at.tally.bytes_there < at.expected, "{at:?}");
    let task = world.tasks(id).await.remove(0);
    let of_task = world.engine.task_progress(&task);
    assert_eq!((of_task.planned, of_task.tally.copied), (2, 1), "{of_task:?}");
    drop(stall);
    assert_eq!(world.ended(id).await.status, Status::Success);
    let over = world.engine.progress(id);
    assert_eq!((over.percent, over.seconds_left, over.rate), (100, Some(0), 0), "{over:?}");
    let tally = world.tasks(id).await.remove(0).tally;
    assert_eq!((tally, tally.copied, tally.blobs), (over.tally, 2, 4), "two layers, two configs");
    assert_eq!(over.expected, tally.bytes + tally.bytes_there);
    assert_eq!(tally.bytes_there, MIB as u64, "it goes once");

    let again = world.run(world.renamed("again")).await.id;
    let over = world.engine.progress(again);
    assert_eq!((over.tally.there, over.tally.bytes, over.percent), (2, 0, 100));
}

#[tokio::test]
async fn a_second_try_and_another_process_count_nothing_twice() {
    let mut world = World::new().await;
    for (tag, seed) in [("v1", 1), ("v2", 2)] {
        world.from.put_image("a", tag, &[layer(seed, MIB)]);
    }
    world.to.faults().status_times(When::from(Kind::ManifestPut).path("manifests/v2"), 500, 30);
    let id = world.start(world.rule()).await.id;
    eventually("one try failed", async || {
        let tasks = world.tasks(id).await;
        tasks.first().filter(|task| task.failures == 1).map(|task| task.tally.copied)
    })
    .await;
    let waiting = world.engine.progress(id);
    assert_eq!((waiting.planned, waiting.percent), (2, 0), "all is looked at again: {waiting:?}");
    let next = engine(&world.store, "another", 0).await;
    drop(std::mem::replace(&mut world.engine, next));
    world.to.faults().clear();
    world.engine = engine(&world.store, "host", 4).await;
    assert_eq!(world.ended(id).await.status, Status::Success);
    let over = world.engine.progress(id);
    let tally = world.tasks(id).await.remove(0).tally;
    assert_eq!((tally.copied, tally.there), (2, 0), "what the first try brought was no luck");
    assert_eq!((over.planned, over.percent), (2, 100), "{over:?}");
    assert_eq!((over.tally.copied + over.tally.there, over.tally.bytes), (2, tally.bytes));
}
