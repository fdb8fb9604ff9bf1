//! What a task does to blobs, manifests and tags.

use std::sync::Arc;

use portolan_core::{
    accepts::Accepts,
    id::TaskId,
    oci::{Digest, MediaType},
    task::{Item, Operation, TaskSpec},
};
use portolan_testregistry::Child;

use super::*;
use crate::replication::{ledger::Place, log::TaskLog, queue, transfer::Job};

/// A job for one repository, without a queue.
pub(super) async fn job(world: &World, repository: &str, items: Vec<Item>) -> Job {
    let spec = TaskSpec {
        operation: Operation::Copy,
        resource_type: "image".to_owned(),
        source: world.source.id,
        source_repository: repository.parse().unwrap(),
        destination: world.target.id,
        destination_repository: repository.parse().unwrap(),
        items,
        override_tags: true,
        speed: 0,
        copy_by_chunk: false,
        visibility: None,
        attached: Vec::new(),
        options: Default::default(),
    };
    let task = Task {
        id: TaskId(1),
        execution: ExecutionId(1),
        spec,
        status: Status::Running,
        failures: 0,
        last_error: String::new(),
        started: None,
        ended: None,
        not_before: None,
        tally: Default::default(),
        counted: None,
    };
    let log = Arc::new(TaskLog::new(world.store.clone(), task.id));
    queue::prepare(&world.engine.shared, &task, &log).await.unwrap()
}

fn item(tags: &[&str]) -> Item {
    let tags = tags.iter().map(|tag| tag.parse().unwrap()).collect();
    Item { digest: None, tags, refused: None }
}

/// Times the bytes of a blob were asked for.
fn pulls(registry: &Registry, blob: &[u8]) -> usize {
    let digest = Digest::of(blob).to_string();
    let pulls = registry.requests().into_iter().filter(|r| r.method == "GET");
    pulls.filter(|request| request.path.contains(&digest)).count()
}

#[tokio::test]
async fn a_tag_that_fails_does_not_hold_its_siblings() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    world.from.put_image("a", "v2", &[layer(1, 100)]);
    world.to.faults().status_always(When::from(Kind::ManifestPut).path("manifests/v1"), 403);
    let items = [item(&["v1", "v2"])];
    let failures = job(&world, "a", items.to_vec()).await.run(&items).await;
    assert!(failures.first.unwrap().to_string().contains("403"));
    assert_eq!((failures.more, failures.retryable), (0, false));
    assert_eq!(world.to.tags(), [("a".to_owned(), "v2".to_owned())]);
}

/// What stands below an index counts, too, before the first blob.
#[tokio::test]
async fn what_a_destination_does_not_take_is_refused_before_any_blob() {
    let world = World::new().await;
    let image = world.from.put_platform_image("a", Some("image"), "linux/amd64", &[layer(1, 100)]);
    let child = |digest| Child { digest, platform: "linux/amd64".to_owned() };
    let inner = world.from.put_index("a", None, &[child(image)]);
    world.from.put_index("a", Some("outer"), &[child(inner)]);
    let cases = [
        (&[MediaType::DOCKER_MANIFEST][..], "image", Some(MediaType::OCI_MANIFEST)),
        (&[MediaType::OCI_MANIFEST], "outer", Some(MediaType::OCI_INDEX)),
        (&[MediaType::OCI_INDEX], "outer", Some(MediaType::OCI_MANIFEST)),
        (&[MediaType::OCI_INDEX, MediaType::OCI_MANIFEST], "outer", None),
    ];
    for (accepted, tag, refused) in cases {
        let mut job = job(&world, "a", Vec::new()).await;
        let accepted = accepted.iter().map(|text| MediaType::new(text)).collect();
        job.accepts = Accepts::new("narrow", accepted);
        let failures = job.run(&[item(&[tag])]).await;
        assert!(!failures.retryable);
        match (failures.first, refused) {
            (None, None) => {}
            (Some(error), Some(kind)) => {
                let text = error.to_string();
                assert!(text.contains(&format!("no manifests of the type `{kind}`")), "{text}");
                assert_eq!(world.from.count(Kind::BlobGet), 0);
                assert_eq!((world.to.blobs().len(), world.to.count(Kind::UploadStart)), (0, 0));
            }
            (failed, _) => panic!("{tag}: {failed:?}"),
        }
    }
    assert_eq!(world.to.tags(), [("a".to_owned(), "outer".to_owned())]);
}

#[tokio::test]
async fn a_blob_too_large_for_one_request_goes_in_chunks() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 5_000)]);
    world.to.faults().status_once(Kind::UploadPut, 413);
    let execution = world.run(world.rule()).await;
    let tasks = world.tasks(execution.id).await;
    assert_eq!((execution.status, tasks[0].failures), (Status::Success, 0), "{tasks:?}");
    assert!(world.to.count(Kind::UploadPatch) > 0);
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn a_child_whose_parts_are_gone_is_walked_again() {
    let world = World::new().await;
    let blob = layer(1, 1_000);
    let child =
        world.from.put_platform_image("a", None, "linux/amd64", std::slice::from_ref(&blob));
    world.from.put_index(
        "a",
        Some("v1"),
        &[Child { digest: child, platform: "linux/amd64".into() }],
    );
    let job = job(&world, "a", Vec::new()).await;
    // What was remembered is not so.
    let place = job
        .ledger
        .place(world.target.id, &Digest::of(&blob), &"a".parse().unwrap(), Vec::new)
        .await;
    let Place::Away(lead, None) = place else { panic!("nobody has it") };
    lead.held();
    let failures = job.run(&[item(&["v1"])]).await;
    assert!(failures.first.is_none(), "{:?}", failures.first);
    assert_eq!(world.to.tag("a", "v1"), world.from.tag("a", "v1"));
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn without_mounts_a_blob_comes_once_for_each_repository() {
    let world = World::new().await;
    world.to.faults().refuse_mount();
    let shared = layer(1, 100_000);
    for repository in ["a", "b", "c"] {
        for tag in 0..4_u64 {
            let own = layer(100 + tag, 50);
            world.from.put_image(repository, &format!("v{tag}"), &[shared.clone(), own]);
        }
    }
    assert_eq!(world.run(world.rule()).await.status, Status::Success);
    assert_eq!(pulls(&world.from, &shared), 3);
    world.to.verify_all().unwrap();
    assert_eq!(world.to.open_uploads(), 0, "what was not needed was given up");
    // Later, nothing that is there comes again.
    for repository in ["a", "b", "c"] {
        world.from.put_image(repository, "new", &[shared.clone(), layer(7, 50)]);
    }
    let again = PolicySpec { name: "again".to_owned(), ..world.rule() };
    assert_eq!(world.run(again).await.status, Status::Success);
    assert_eq!(pulls(&world.from, &shared), 3);
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn a_blob_that_fails_does_not_cut_its_siblings() {
    let world = World::new().await;
    let (good, bad) = (layer(1, 50_000), layer(2, 50_000));
    world.from.put_image("a", "v1", &[good.clone(), bad.clone()]);
    let bad = When::from(Kind::BlobGet).path(Digest::of(&bad).as_str());
    world.from.faults().status_always(bad, 403);
    let slow = When::from(Kind::BlobGet).path(Digest::of(&good).as_str());
    world.from.faults().slow(slow, 200_000);
    assert_eq!(world.run(world.rule()).await.status, Status::Error);
    let arrived = |(_, digest): (String, portolan_testregistry::Digest)| {
        digest.as_str() == Digest::of(&good).as_str()
    };
    assert!(world.to.blobs().into_iter().any(arrived), "it was let through");
}

#[tokio::test]
async fn what_the_source_does_not_give_leaves_no_open_upload() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    world.from.faults().status_always(Kind::BlobGet, 403);
    let execution = world.run(world.rule()).await;
    assert_eq!(execution.status, Status::Error);
    assert_eq!((world.to.open_uploads(), world.to.tags().len()), (0, 0));
}

#[tokio::test]
async fn speed_holds_a_task_back() {
    let world = World::new().await;
    // 160 kb/s are 20,480 bytes/s, after the first 1,024,000.
    world.from.put_image("a", "v1", &[layer(1, 1_024_000), layer(2, 30_000)]);
    let before = std::time::Instant::now();
    let execution = world.run(PolicySpec { speed: 160, ..world.rule() }).await;
    assert_eq!(execution.status, Status::Success);
    assert!(before.elapsed().as_millis() > 1_400, "{:?}", before.elapsed());
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn copy_by_chunk_sends_large_blobs_in_chunks_of_ten_mebibytes() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, (10 << 20) + 1), layer(2, 5_000)]);
    let execution = world.run(PolicySpec { copy_by_chunk: true, ..world.rule() }).await;
    assert_eq!(execution.status, Status::Success);
    let ranges = world.to.requests().into_iter().filter(|request| request.method == "PATCH");
    assert_eq!(ranges.count(), 2);
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn two_sources_of_one_name_are_said() {
    let world = World::new().await;
    world.from.put_image("a/x", "v1", &[layer(1, 100)]);
    world.from.put_image("b/x", "v2", &[layer(2, 100)]);
    let to = Destination { endpoint: world.target.id, namespace: Some("n".to_owned()) };
    let rule = PolicySpec { replace_count: -1, destinations: vec![to], ..world.rule() };
    let execution = world.run(rule).await;
    assert_eq!(execution.status, Status::Success);
    let tags = ["v1", "v2"].map(|tag| ("n/x".to_owned(), tag.to_owned()));
    assert_eq!(world.to.tags(), tags);
    let mut logs = Vec::new();
    for task in world.tasks(execution.id).await {
        logs.extend(world.store.task_log(execution.id, task.id, 0, 100).await.unwrap());
    }
    let said = logs.iter().filter(|line| line.contains("goes to n/x too"));
    assert_eq!(said.count(), 1, "{logs:#?}");
}

#[tokio::test]
async fn one_endpoint_may_be_two_destinations() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    let to = |namespace: &str| Destination {
        endpoint: world.target.id,
        namespace: Some(namespace.to_owned()),
    };
    let rule = PolicySpec { destinations: vec![to("one"), to("two")], ..world.rule() };
    let execution = world.run(rule).await;
    assert_eq!((execution.status, execution.counters.total), (Status::Success, 2));
    let names: Vec<_> = world.to.tags().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["one/a", "two/a"]);
    world.to.verify_all().unwrap();
}
