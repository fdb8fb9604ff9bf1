//! What is not asked: the registries count.

use super::{copies::job, *};
use portolan_core::{oci::Digest, task::Item};

/// Requests that change something at a registry.
fn writes(registry: &Registry) -> u64 {
    let kinds = [Kind::UploadStart, Kind::Mount, Kind::UploadPatch, Kind::UploadPut];
    kinds.into_iter().chain([Kind::ManifestPut]).map(|kind| registry.count(kind)).sum()
}

/// Three tags in each of two repositories: one layer is shared by all, one is each tag's own.
fn fill(registry: &Registry) {
    for (place, repository) in ["a", "b"].into_iter().enumerate() {
        for tag in 0..3 {
            let own = layer(100 + 10 * place as u64 + tag, 50);
            registry.put_image(repository, &format!("v{tag}"), &[layer(1, 1_000), own]);
        }
    }
}

#[tokio::test]
async fn a_first_run_asks_no_more_than_it_must() {
    let world = World::new().await;
    fill(&world.from);
    assert_eq!(world.run(world.rule()).await.status, Status::Success);
    world.to.verify_all().unwrap();
    let (from, to) = (&world.from, &world.to);
    // 1 shared layer, 6 of their own, and as many configurations as there are different ones.
    let (moved, linked) = (to.count(Kind::UploadPut), to.count(Kind::Mount));
    let counts = [
        ("manifests looked for at the source", from.count(Kind::ManifestHead), 0),
        ("manifests pulled", from.count(Kind::ManifestGet), 6),
        ("tags looked for, the first of each repository", to.count(Kind::ManifestHead), 2),
        ("pages of tags", to.count(Kind::Tags), 2),
        ("blobs looked for", to.count(Kind::BlobHead), 0),
        ("blobs pulled, each once", from.count(Kind::BlobGet), moved),
        ("uploads, whole", to.count(Kind::UploadPatch), 0),
        ("uploads opened", to.count(Kind::UploadStart), moved),
        ("manifests pushed", to.count(Kind::ManifestPut), 6),
    ];
    for (what, count, expected) in counts {
        assert_eq!(count, expected, "{what}");
    }
    assert!(linked > 0, "the shared layer is mounted");
}

#[tokio::test]
async fn a_run_with_nothing_to_do_asks_for_each_tag_once_on_each_side() {
    let world = World::new().await;
    fill(&world.from);
    world.run(world.rule()).await;
    world.from.forget_requests();
    world.to.forget_requests();
    let again = PolicySpec { name: "again".to_owned(), ..world.rule() };
    assert_eq!(world.run(again).await.status, Status::Success);
    let heads = |registry: &Registry| registry.count(Kind::ManifestHead);
    assert_eq!((heads(&world.from), heads(&world.to)), (6, 6));
    let asked = |kind: Kind| world.to.count(kind);
    let others = asked(Kind::BlobHead) + asked(Kind::Tags) + asked(Kind::ManifestGet);
    assert_eq!((others, writes(&world.to)), (0, 0));
    assert_eq!(world.from.count(Kind::ManifestGet), 0);
}

/// What a page of tags does not tell is asked for.
#[tokio::test]
async fn tags_that_cannot_be_listed_are_asked_for() {
    for (cap, refusal) in [(1, None), (1_000, Some(403)), (1_000, Some(405))] {
        let world = World::with(Registry::builder(), Registry::builder().page_cap(cap)).await;
        fill(&world.from);
        for tag in ["old", "older"] {
            world.to.put_image("a", tag, &[layer(9, 10)]);
        }
        if let Some(status) = refusal {
            world.to.faults().status_always(Kind::Tags, status);
        }
        assert_eq!(world.run(world.rule()).await.status, Status::Success);
        world.to.verify_all().unwrap();
        let asked =
            world.to.requests().into_iter().filter(|request| {
                request.kind == Kind::ManifestHead && request.path.contains("/a/")
            });
        assert_eq!(asked.count(), 3, "{cap} {refusal:?}");
    }
}

/// A cut run may have brought it: its bytes cost more than the question.
#[tokio::test]
async fn a_large_blob_is_looked_for_in_an_empty_repository_too() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 1 << 20), layer(2, 100)]);
    assert_eq!(world.run(world.rule()).await.status, Status::Success);
    assert_eq!(world.to.count(Kind::BlobHead), 1);
}

#[tokio::test]
async fn a_manifest_with_several_tags_is_pulled_once_where_its_digest_is_told() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    world.from.put_image("a", "latest", &[layer(1, 100)]);
    let digest: Digest = world.from.tag("a", "v1").unwrap().as_str().parse().unwrap();
    let tags = ["v1", "latest"].map(|tag| tag.parse().unwrap()).to_vec();
    let items = [Item { digest: Some(digest), tags, refused: None }];
    let failures = job(&world, "a", items.to_vec()).await.run(&items).await;
    assert!(failures.first.is_none(), "{:?}", failures.first);
    assert_eq!((world.from.count(Kind::ManifestGet), world.to.tags().len()), (1, 2));
}

fn items(tags: &[&str]) -> Vec<Item> {
    let item = |tag: &&str| Item { digest: None, tags: vec![tag.parse().unwrap()], refused: None };
    tags.iter().map(item).collect()
}

#[tokio::test]
async fn a_repository_is_made_ready_once_something_is_missing_there() {
    let world = World::new().await;
    fill(&world.from);
    world.run(world.rule()).await;
    let job = async |tags: &[&str]| {
        let (items, job) = (items(tags), job(&world, "a", items(tags)).await);
        let failures = job.run(&items).await;
        assert!(failures.first.is_none(), "{:?}", failures.first);
        job.ready.is_made()
    };
    assert!(!job(&["v0", "v1"]).await);
    world.from.put_image("a", "new", &[layer(3, 10)]);
    assert!(job(&["v0", "new"]).await);
    // A tag that is there and is to be moved.
    world.from.put_image("a", "v0", &[layer(4, 10)]);
    assert!(job(&["v0"]).await);
    // Some tell of what is in no project of theirs that it is forbidden.
    world.to.faults().status_once(Kind::ManifestHead, 403);
    assert!(job(&["v1"]).await);
}

/// Bytes of blobs that the source sent.
fn pulled(registry: &Registry) -> u64 {
    let blobs = registry.requests().into_iter().filter(|it| it.kind == Kind::BlobGet);
    blobs.map(|it| it.sent).sum()
}

#[tokio::test]
async fn what_a_run_brought_is_known_to_the_next() {
    let world = World::new().await;
    fill(&world.from);
    world.run(world.rule()).await;
    world.engine.shared.records.flush().await;
    world.from.put_image("a", "new", &[layer(1, 1_000), layer(200, 50)]);
    world.from.put_image("c", "v1", &[layer(1, 1_000), layer(200, 50)]);
    world.from.forget_requests();
    world.to.forget_requests();
    let again = PolicySpec { name: "again".to_owned(), ..world.rule() };
    assert_eq!(world.run(again).await.status, Status::Success);
    world.to.verify_all().unwrap();
    let shared = Digest::of(&layer(1, 1_000)).to_string();
    let asked = |registry: &Registry, kind: Kind| {
        let requests = registry.requests().into_iter();
        requests.filter(|it| it.kind == kind && it.path.contains(&shared)).count()
    };
    assert_eq!((asked(&world.to, Kind::BlobHead), asked(&world.from, Kind::BlobGet)), (0, 0));
    assert_eq!(asked(&world.to, Kind::Mount), 1, "into c");
    // The layer of its own, once for both, and two configurations at most.
    assert!(pulled(&world.from) < 1_000, "{}", pulled(&world.from));
}

#[tokio::test]
async fn what_is_remembered_wrongly_is_put_right() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 1_000)]);
    world.to.put_image("a", "other", &[layer(2, 10)]);
    let wrong = crate::store::Seen::Blob {
        registry: format!("{}/", world.to.url()),
        repository: "a".parse().unwrap(),
        digest: Digest::of(&layer(1, 1_000)),
    };
    world.store.note_seen(vec![wrong], OffsetDateTime::now_utc()).await.unwrap();
    assert_eq!(world.run(world.rule()).await.status, Status::Success);
    assert_eq!(world.to.count(Kind::ManifestPut), 2, "the first was refused");
    world.to.verify_all().unwrap();
}

/// A world with an engine that remembers tags and believes them for so long.
async fn believing(trust: Duration) -> World {
    let mut world = World::new().await;
    let records = Records::new(world.store.clone(), Some(trust));
    world.engine = engine_with(&world.store, "believing", 4, records).await;
    world
}

async fn again(world: &World, name: &str) {
    world.engine.shared.records.flush().await;
    world.from.forget_requests();
    world.to.forget_requests();
    let rule = PolicySpec { name: name.to_owned(), ..world.rule() };
    assert_eq!(world.run(rule).await.status, Status::Success);
}

#[tokio::test]
async fn a_tag_that_is_believed_costs_the_destination_nothing() {
    let world = believing(Duration::from_secs(3_600)).await;
    fill(&world.from);
    world.run(world.rule()).await;
    again(&world, "second").await;
    assert_eq!((world.to.total_requests(), world.from.count(Kind::ManifestHead)), (0, 6));
    assert_eq!(world.engine.totals().believed, 6);
    // What moved at the source is brought all the same.
    world.from.put_image("a", "v1", &[layer(77, 60)]);
    again(&world, "third").await;
    assert_eq!(world.to.tag("a", "v1"), world.from.tag("a", "v1"));
}

#[tokio::test]
async fn without_belief_what_was_moved_or_lost_at_the_destination_is_repaired() {
    let world = believing(Duration::ZERO).await;
    fill(&world.from);
    world.run(world.rule()).await;
    world.to.put_image("a", "v1", &[layer(66, 60)]);
    again(&world, "second").await;
    assert_eq!(world.to.tag("a", "v1"), world.from.tag("a", "v1"));
    assert_eq!(world.to.count(Kind::ManifestHead), 6);
    world.to.verify_all().unwrap();
}
