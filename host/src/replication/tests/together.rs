//! One source to several destinations: each byte leaves the source once.

use portolan_core::{oci::Digest, policy::Options};
use portolan_testregistry::Child;

use super::{
    resumes::{MIB, SIZE, key, log, sent},
    *,
};
use crate::net::Budgets;

/// A world with two more destinations.
struct Wide {
    world: World,
    more: [Registry; 2],
    rule: PolicySpec,
}

impl Wide {
    async fn new(workers: usize) -> Self {
        let mut world = World::new().await;
        world.engine = engine(&world.store, "wide", workers).await;
        let more = [Registry::builder(), Registry::builder()];
        let [second, third] = more.map(Builder::start);
        let more = [second.await.unwrap(), third.await.unwrap()];
        let mut rule = world.rule();
        for (place, registry) in more.iter().enumerate() {
            let made = endpoint(&world.store, &format!("to-{place}"), &registry.url()).await;
            rule.destinations.push(Destination { endpoint: made.id, namespace: None });
        }
        Self { world, more, rule }
    }

    fn destinations(&self) -> [&Registry; 3] {
        [&self.world.to, &self.more[0], &self.more[1]]
    }

    fn verify(&self) {
        let mut tags = self.world.from.tags();
        tags.sort();
        for registry in self.destinations() {
            registry.verify_all().unwrap();
            let mut there = registry.tags();
            there.sort();
            assert_eq!(there, tags);
        }
    }
}

/// Repositories with layers of their own and some that many have, and an index.
fn fill(registry: &Registry) {
    for (place, repository) in ["a", "b", "c"].into_iter().enumerate() {
        for tag in 0..4 {
            let own = layer(100 + 10 * place as u64 + tag, 300_000);
            let layers = [layer(1, 2_000_000), own, layer(2 + tag % 2, 50_000)];
            registry.put_image(repository, &format!("v{tag}"), &layers);
        }
    }
    let platforms = ["linux/amd64", "linux/arm64"].map(|platform| {
        let layers = [layer(1, 2_000_000), layer(platform.len() as u64, 70_000)];
        let digest = registry.put_platform_image("d", None, platform, &layers);
        Child { digest, platform: platform.to_owned() }
    });
    registry.put_index("d", Some("all"), &platforms);
}

/// Requests of a kind, and the different things they were for.
fn asked(registry: &Registry, kind: Kind) -> (usize, usize) {
    let requests = registry.requests().into_iter().filter(|it| it.kind == kind);
    let last = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    let named: Vec<String> = requests.map(|it| last(it.path)).collect();
    let different: std::collections::HashSet<&String> = named.iter().collect();
    (named.len(), different.len())
}

#[tokio::test]
async fn each_blob_and_each_manifest_is_pulled_once_for_all() {
    for workers in [1, 4] {
        let wide = Wide::new(workers).await;
        fill(&wide.world.from);
        let execution = wide.world.run(wide.rule.clone()).await;
        assert_eq!((execution.status, execution.counters.total), (Status::Success, 12));
        wide.verify();
        let (blobs, different) = asked(&wide.world.from, Kind::BlobGet);
        assert_eq!(blobs, different, "{workers} workers");
        // 12 images, an index and its two children.
        assert_eq!(wide.world.from.count(Kind::ManifestGet), 15, "{workers} workers");
    }
}

/// In one repository: what another brings at the same time may be pulled for a registry that turns
/// out to need it only after the first pull has begun.
#[tokio::test]
async fn who_has_it_already_holds_nobody_up_and_who_has_not_shares() {
    let wide = Wide::new(4).await;
    for tag in 0..4 {
        let layers = [layer(1, 2_000_000), layer(100 + tag, 300_000), layer(2 + tag % 2, 50_000)];
        wide.world.from.put_image("a", &format!("v{tag}"), &layers);
        wide.more[0].put_image("a", &format!("v{tag}"), &layers);
        if tag != 2 {
            wide.more[1].put_image("a", &format!("v{tag}"), &layers);
        }
    }
    assert_eq!(wide.world.run(wide.rule.clone()).await.status, Status::Success);
    wide.verify();
    let (blobs, different) = asked(&wide.world.from, Kind::BlobGet);
    assert_eq!(blobs, different);
    assert_eq!(wide.more[0].count(Kind::UploadPut), 0);
    assert_eq!(wide.more[1].count(Kind::UploadPut), 2, "a layer and a configuration");
}

#[tokio::test]
async fn a_destination_that_fails_disturbs_no_other() {
    let wide = Wide::new(4).await;
    fill(&wide.world.from);
    wide.more[0].faults().status_always(Kind::UploadPut, 403);
    let execution = wide.world.run(wide.rule.clone()).await;
    assert_eq!((execution.status, execution.counters.failed), (Status::Error, 4));
    for registry in [&wide.world.to, &wide.more[1]] {
        registry.verify_all().unwrap();
        assert_eq!(registry.tags().len(), 13);
    }
    assert!(wide.more[0].tags().is_empty());
}

/// Its end is stored when it comes, not when the last of them does: nobody takes it up once more.
#[tokio::test]
async fn a_destination_that_takes_long_holds_back_no_end_of_another() {
    let wide = Wide::new(1).await;
    wide.world.from.put_image("a", "v1", &[layer(1, 1_000)]);
    let stall = wide.more[0].faults().stall(When::from(Kind::ManifestPut));
    let execution = wide.world.start(wide.rule.clone()).await;
    let two_are_done = async || {
        let tasks = wide.world.tasks(execution.id).await;
        let done = tasks.iter().filter(|task| task.status == Status::Success).count();
        (done == 2).then_some(())
    };
    eventually("two of three are done", two_are_done).await;
    drop(stall);
    assert_eq!(wide.world.ended(execution.id).await.status, Status::Success);
    wide.verify();
}

#[tokio::test]
async fn a_shared_pull_is_paid_for_once_at_the_source() {
    let wide = Wide::new(4).await;
    wide.world.from.put_image("a", "v1", &[layer(1, 300_000)]);
    // All of it passes at once: what was paid for is what time it would have taken.
    let budget = Budget { bytes_per_second: 1_000, ..Budget::default() };
    let store = &wide.world.store;
    let limited = async |name: &str, registry: &Registry| {
        let spec = EndpointSpec { budget, ..spec(name, &registry.url()) };
        let now = OffsetDateTime::now_utc();
        let made = store.create_endpoint(spec, Credentials::default(), Health::Unknown, now);
        made.await.unwrap().id
    };
    let source = limited("slow-from", &wide.world.from).await;
    let target = limited("slow-to", &wide.more[1]).await;
    let options = Options { budget, ..Options::default() };
    let mut rule = PolicySpec { source, options, ..wide.rule.clone() };
    rule.destinations[2].endpoint = target;
    let execution = wide.world.run(rule).await;
    assert_eq!(execution.status, Status::Success, "{}", execution.status_text);
    wide.verify();
    let shared = &wide.world.engine.shared;
    let bytes = pulled(&wide.world.from);
    let paid = |budgets: &Budgets| budgets.bytes()[0].owed().as_secs() * 1_000;
    for (endpoint, side) in [(source, "source"), (target, "destination")] {
        let connection = shared.connections.connection(endpoint).await.unwrap();
        let paid = paid(connection.adapter().client().budgets());
        assert!(paid <= bytes && paid > bytes / 2, "{side}: {paid} of {bytes}");
    }
    let paid = paid(&shared.budgets.of(execution.policy, budget));
    assert!(paid > bytes * 2 && paid <= bytes * 3, "rule: {paid} of three times {bytes}");
}

/// Bytes of blobs that the source sent.
fn pulled(registry: &Registry) -> u64 {
    let blobs = registry.requests().into_iter().filter(|it| it.kind == Kind::BlobGet);
    blobs.map(|it| it.sent).sum()
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_alone_and_the_others_in_one_go() {
    let wide = Wide::new(4).await;
    wide.world.from.put_image("a", "v1", &[layer(1, SIZE as usize)]);
    for registry in wide.destinations() {
        // They begin with the same byte, and whoever leads is among them.
        registry.faults().cut_upload_after(10 * MIB);
    }
    let execution = wide.world.run(wide.rule.clone()).await;
    let log = log(&wide.world, execution.id).await;
    assert_eq!(execution.status, Status::Success, "{log}");
    wide.verify();
    for registry in wide.destinations() {
        assert!(sent(registry) <= SIZE + 2 * MIB, "{} {log}", sent(registry));
    }
    assert!(pulled(&wide.world.from) < 4 * SIZE, "{}", pulled(&wide.world.from));
    let wide = Wide::new(4).await;
    wide.world.from.put_image("a", "v1", &[layer(1, SIZE as usize)]);
    wide.more[1].faults().cut_upload_after(10 * MIB);
    assert_eq!(wide.world.run(wide.rule.clone()).await.status, Status::Success);
    wide.verify();
    let whole = [&wide.world.to, &wide.more[0]].map(sent);
    assert_eq!(whole, [SIZE, SIZE]);
    assert!(pulled(&wide.world.from) < 2 * SIZE + MIB, "{}", pulled(&wide.world.from));
}

#[tokio::test]
async fn after_a_kill_each_destination_goes_on_where_it_was() {
    let mut wide = Wide::new(4).await;
    let blob = layer(1, SIZE as usize);
    wide.world.from.put_image("a", "v1", std::slice::from_ref(&blob));
    let stall = wide.world.from.faults().stall_after(Kind::BlobGet, 18 * MIB);
    let execution = wide.world.start(wide.rule.clone()).await;
    let digest = Digest::of(&blob);
    for registry in wide.destinations() {
        let key = key(registry, &digest);
        eventually("the upload is remembered", async || {
            let upload = wide.world.store.upload(&key, OffsetDateTime::UNIX_EPOCH).unwrap();
            upload.filter(|upload| upload.states.len() == 2)
        })
        .await;
    }
    let pulls = asked(&wide.world.from, Kind::BlobGet);
    assert_eq!(pulls, (2, 2), "the layer and the configuration, each for three uploads");
    let gone = engine(&wide.world.store, "another", 0).await;
    drop(std::mem::replace(&mut wide.world.engine, gone));
    let mut before = Vec::new();
    for registry in wide.destinations() {
        let cut = async || (sent(registry) > 0).then_some(());
        eventually("the registry sees the cut", cut).await;
        before.push(sent(registry));
        registry.forget_requests();
    }
    drop(stall);
    wide.world.engine = engine(&wide.world.store, "wide", 4).await;
    assert_eq!(wide.world.ended(execution.id).await.status, Status::Success);
    wide.verify();
    for (registry, before) in wide.destinations().into_iter().zip(before) {
        assert_eq!(sent(registry), SIZE - before, "only the rest");
    }
}
