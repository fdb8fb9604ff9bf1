//! Uploads that are cut, and go on.

use portolan_core::oci::{Algorithm, Digest, Verifier};
use portolan_testregistry::Stall;

use super::*;
use crate::store::UploadKey;

pub(super) const MIB: u64 = 1 << 20;
pub(super) const SIZE: u64 = 24 * MIB;

/// A world whose source has one large blob, and its digest.
async fn large() -> (World, Digest) {
    let world = World::new().await;
    let blob = layer(1, SIZE as usize);
    world.from.put_image("a", "v1", std::slice::from_ref(&blob));
    (world, Digest::of(&blob))
}

/// Body bytes of uploads that the registry was sent.
pub(super) fn sent(registry: &Registry) -> u64 {
    let uploads = registry.requests().into_iter();
    let uploads = uploads.filter(|it| matches!(it.kind, Kind::UploadPut | Kind::UploadPatch));
    uploads.map(|it| it.received).filter(|received| *received > MIB / 2).sum()
}

pub(super) async fn log(world: &World, execution: ExecutionId) -> String {
    let mut lines = Vec::new();
    for task in world.tasks(execution).await {
        lines.extend(world.store.task_log(execution, task.id, 0, 1_000).await.unwrap());
    }
    lines.join("\n")
}

pub(super) fn key(to: &Registry, digest: &Digest) -> UploadKey {
    let registry = format!("{}/", to.url());
    UploadKey { registry, repository: "a".parse().unwrap(), digest: digest.clone() }
}

/// Runs until 18 of the 24 MiB have left the source, and what is remembered says so; then the
/// engine is gone, as after a kill: nothing is said to anybody.
async fn cut(world: &mut World, digest: &Digest, stall: Stall) -> Execution {
    let execution = world.start(world.rule()).await;
    let key = key(&world.to, digest);
    eventually("the upload is remembered", async || {
        let upload = world.store.upload(&key, OffsetDateTime::UNIX_EPOCH).unwrap();
        upload.filter(|upload| upload.states.len() == 2)
    })
    .await;
    let gone = engine(&world.store, "another", 0).await;
    drop(std::mem::replace(&mut world.engine, gone));
    eventually("the registry sees the cut", async || (sent(&world.to) > 0).then_some(())).await;
    drop(stall);
    execution
}

#[tokio::test]
async fn after_a_kill_an_upload_goes_on_where_the_registry_says() {
    for (asked, spoiled, refused) in
        [(true, false, false), (false, false, false), (true, true, false), (true, false, true)]
    {
        let (mut world, digest) = large().await;
        let stall = world.from.faults().stall_after(Kind::BlobGet, 18 * MIB);
        let execution = cut(&mut world, &digest, stall).await;
        let before = sent(&world.to);
        assert!(before >= 10 * MIB, "{before}");
        if !asked {
            world.to.faults().status_always(Kind::UploadStatus, 404);
        }
        if spoiled {
            let mut upload =
                world.store.upload(&key(&world.to, &digest), OffsetDateTime::UNIX_EPOCH).unwrap();
            let mut wrong = Verifier::new(Algorithm::Sha256);
            wrong.update(&vec![1; 8 << 20]);
            upload.as_mut().unwrap().states = vec![wrong.save()];
            world.store.put_upload(key(&world.to, &digest), upload.unwrap()).await.unwrap();
        }
        if refused {
            world.to.faults().status_once(Kind::UploadPut, 400);
        }
        world.from.forget_requests();
        world.to.forget_requests();
        world.engine = engine(&world.store, "host", 4).await;
        let ended = world.ended(execution.id).await;
        let log = log(&world, execution.id).await;
        assert_eq!(ended.status, Status::Success, "{log}");
        world.to.verify_all().unwrap();
        assert_eq!(log.contains(&format!(" of {SIZE} bytes")), asked, "{log}");
        if asked && !spoiled && !refused {
            assert_eq!(sent(&world.to), SIZE - before, "only the rest");
            let pulled: u64 = world.from.requests().iter().map(|it| it.sent).sum();
            assert!(pulled < SIZE - 8 * MIB + MIB, "{pulled}: the hash went on, too");
        }
        if !asked {
            assert!(log.contains("begins anew"), "{log}");
            assert_eq!(sent(&world.to), SIZE);
        }
        let left =
            world.store.upload(&key(&world.to, &digest), OffsetDateTime::UNIX_EPOCH).unwrap();
        assert!(left.is_none(), "it is over");
    }
}

/// An acknowledgement right before a kill is in no record; the blob is mounted, not sent again.
#[tokio::test]
async fn after_a_kill_a_blob_that_was_acknowledged_is_not_read_again() {
    let mut world = World::new().await;
    let (shared, other) = (layer(1, 1_000), layer(2, 1_000));
    world.from.put_image("a", "v1", &[shared.clone(), other.clone()]);
    world.from.put_image("b", "v1", std::slice::from_ref(&shared));
    let (shared, other) = (Digest::of(&shared), Digest::of(&other));
    let stall = world.from.faults().stall(When::from(Kind::BlobGet).path(other.as_str()));
    // So that `a` goes first.
    let late = world.from.faults().stall(When::from(Kind::Tags).path("/b/"));
    world.engine = engine(&world.store, "host", 1).await;
    let execution = world.start(world.rule()).await;
    let uploaded = async || (world.to.count(Kind::UploadPut) == 2).then_some(());
    eventually("the layer and the configuration are there", uploaded).await;
    drop(late);
    let listed = async || (world.tasks(execution.id).await.len() == 2).then_some(());
    eventually("both are listed", listed).await;
    let gone = engine(&world.store, "another", 0).await;
    drop(std::mem::replace(&mut world.engine, gone));
    drop(stall);
    // Whoever was cut comes later this time.
    let stall = world.to.faults().stall(When::from(Kind::ManifestHead).path("/a/"));
    world.engine = engine(&world.store, "host", 2).await;
    let b_is_there = async || (world.to.tags().len() == 1).then_some(());
    eventually("the other image is there", b_is_there).await;
    drop(stall);
    assert_eq!(world.ended(execution.id).await.status, Status::Success);
    world.to.verify_all().unwrap();
    let read = world.from.requests().into_iter();
    let read = read.filter(|it| it.kind == Kind::BlobGet && it.path.ends_with(shared.as_str()));
    assert_eq!(read.count(), 1);
    let mounted = world.to.requests().into_iter();
    let mounted = mounted.filter(|it| it.kind == Kind::Mount && it.path.starts_with("/v2/b/"));
    assert_eq!(mounted.count(), 1);
}

#[tokio::test]
async fn a_source_that_breaks_off_again_and_again_sends_each_byte_once() {
    let (world, digest) = large().await;
    let broken = When::from(Kind::BlobGet).path(digest.as_str());
    world.from.faults().drop_always_after(broken, 10 * MIB);
    let execution = world.run(world.rule()).await;
    let log = log(&world, execution.id).await;
    assert_eq!(execution.status, Status::Success, "{log}");
    world.to.verify_all().unwrap();
    assert!(sent(&world.to) <= SIZE + MIB, "{log}");
    assert_eq!(world.tasks(execution.id).await[0].failures, 0);
}

/// One session is never used by two.
#[tokio::test]
async fn a_second_run_leaves_the_upload_of_the_first_alone() {
    let (world, digest) = large().await;
    let stall = world.from.faults().stall_after(Kind::BlobGet, 18 * MIB);
    let first = world.start(world.rule()).await;
    let key = key(&world.to, &digest);
    eventually("the upload is remembered", async || {
        world.store.upload(&key, OffsetDateTime::UNIX_EPOCH).unwrap()
    })
    .await;
    let again = PolicySpec { name: "again".to_owned(), ..world.rule() };
    let second = world.start(again).await;
    eventually("both upload", async || (world.to.open_uploads() >= 2).then_some(())).await;
    drop(stall);
    for execution in [first, second] {
        assert_eq!(world.ended(execution.id).await.status, Status::Success);
    }
    assert_eq!(world.to.count(Kind::UploadStatus), 0);
    world.to.verify_all().unwrap();
}

/// Who is told when to come back comes back then, and nothing has failed.
#[tokio::test]
async fn a_registry_that_asks_for_a_pause_gets_it_without_a_failed_try() {
    let world = World::new().await;
    for tag in 0..4 {
        world.from.put_image("a", &format!("v{tag}"), &[layer(tag, 100)]);
    }
    world.from.faults().retry_after(Kind::BlobGet, "1", 7);
    let before = std::time::Instant::now();
    let execution = world.run(world.rule()).await;
    assert_eq!(execution.status, Status::Success);
    assert_eq!(world.tasks(execution.id).await[0].failures, 0);
    assert!(before.elapsed().as_millis() >= 1_000, "{:?}", before.elapsed());
}
