//! kill -9 at many moments of a running execution, of the daemon and of the registry: after each
//! restart everything arrives, and what a registry had acknowledged is not sent again.
//!
//! Long: `cargo test --workspace --test e2e -- --ignored faults::kills --nocapture`, with
//! `KILLS` moments for each kind of destination (100 unless told).

use std::{collections::BTreeSet, time::Duration};

use e2e::{
    api::{EXECUTIONS, POLICIES, create_registry, registry},
    daemon::Daemon,
    debian::{DockerRegistry, Mode},
    http::Client,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Digest, Kind, Registry, layer};
use serde_json::{Value, json};

/// Repositories of the source; each has a layer of its own and one that all share.
const SHIPS: u64 = 8;
/// Requests that the source of a whole run sees, roughly: moments are taken from these.
const MOMENTS: u64 = 5 * SHIPS;
const LONG: Duration = Duration::from_secs(120);

/// What the daemon copies to.
enum Destination {
    Memory(Registry),
    Debian(Box<DockerRegistry>),
}

impl Destination {
    fn url(&self) -> String {
        match self {
            Self::Memory(registry) => registry.url(),
            Self::Debian(registry) => registry.url().to_owned(),
        }
    }

    /// The digest under a tag, and every blob of it that is there and hashes to its name.
    async fn held(&self, repository: &str, tag: &str, blobs: &[Digest]) -> Held {
        let client = Client::new(&self.url());
        let path = format!("/v2/{repository}/manifests/{tag}");
        let client = client.accept("application/vnd.oci.image.manifest.v1+json");
        let manifest = client.get(&path).await;
        let manifest = (manifest.status == 200).then(|| Digest::of(&manifest.body));
        let mut held = Held { manifest, blobs: BTreeSet::new() };
        for digest in blobs {
            let blob = client.get(&format!("/v2/{repository}/blobs/{digest}")).await;
            if blob.status == 200 {
                assert_eq!(Digest::of(&blob.body), *digest, "{repository} has other bytes");
                held.blobs.insert(digest.clone());
            }
        }
        held
    }
}

/// What a destination has of one image.
#[derive(Default)]
struct Held {
    manifest: Option<Digest>,
    blobs: BTreeSet<Digest>,
}

/// A source, and what each of its images is made of.
struct Fleet {
    from: Registry,
    images: Vec<(String, Digest, Vec<Digest>)>,
}

impl Fleet {
    async fn new() -> Self {
        let from = Registry::builder().start().await.unwrap();
        let shared = layer(1, 300_000);
        let mut images = Vec::new();
        for number in 0..SHIPS {
            let name = format!("fleet/ship-{number}");
            let own = layer(100 + number, 400_000);
            let manifest = from.put_image(&name, "v1", &[shared.clone(), own]);
            let blobs = from.blobs().into_iter().filter(|(repository, _)| *repository == name);
            images.push((name.clone(), manifest, blobs.map(|(_, digest)| digest).collect()));
        }
        from.faults().slow(Kind::BlobGet, 2_000_000);
        Self { from, images }
    }

    /// Blobs that the destination has somewhere.
    async fn arrived(&self, to: &Destination) -> BTreeSet<Digest> {
        let mut there = BTreeSet::new();
        for (name, _, blobs) in &self.images {
            there.append(&mut to.held(name, "v1", blobs).await.blobs);
        }
        there
    }

    async fn is_whole(&self, to: &Destination) -> Result<(), String> {
        for (name, manifest, blobs) in &self.images {
            let held = to.held(name, "v1", blobs).await;
            if held.manifest.as_ref() != Some(manifest) {
                return Err(format!("{name}:v1 is {:?} there", held.manifest));
            }
            if held.blobs.len() != blobs.len() {
                return Err(format!("{name}:v1 has {} of {} blobs", held.blobs.len(), blobs.len()));
            }
        }
        Ok(())
    }

    /// No tag stands there whose parts are missing.
    async fn has_no_torn_tag(&self, to: &Destination) -> Result<(), String> {
        for (name, _, blobs) in &self.images {
            let held = to.held(name, "v1", blobs).await;
            if held.manifest.is_some() && held.blobs.len() != blobs.len() {
                return Err(format!("{name}:v1 is there without all of its blobs"));
            }
        }
        Ok(())
    }
}

async fn begin(client: &Client, from: &str, to: &str) -> i64 {
    let at = async |name: &str, url: &str| {
        create_registry(client, &registry("docker-registry", name, url, None)).await
    };
    let (source, target) = (at("from", from).await, at("to", to).await);
    let body = json!({"name": "p", "src_registry": {"id": source}, "dest_registry": {"id": target},
        "enabled": true, "override": true});
    let policy = client.post(POLICIES, &body).await.created_id();
    client.post(EXECUTIONS, &json!({"policy_id": policy})).await.created_id()
}

async fn ended(client: &Client, execution: i64) -> Value {
    let path = format!("{EXECUTIONS}/{execution}");
    eventually(LONG, "the execution ends", async || {
        let execution = client.get(&path).await.json();
        if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
    })
    .await
}

/// Waits until the source has seen so many requests of this run, or the run is over.
async fn moment(fleet: &Fleet, client: &Client, execution: i64, requests: u64) {
    let path = format!("{EXECUTIONS}/{execution}");
    eventually(PATIENCE, "the moment comes", async || {
        let over = client.get(&path).await.json()["status"] != "InProgress";
        let seen = fleet.from.total_requests();
        if over || seen >= requests { Ok(()) } else { Err(seen) }
    })
    .await;
}

/// One kill of the daemon after `requests` requests at the source.
async fn kill_the_daemon(to: &Destination, requests: u64) -> Result<(), String> {
    let fleet = Fleet::new().await;
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let execution = begin(&client, &fleet.from.url(), &to.url()).await;
    moment(&fleet, &client, execution, requests).await;
    daemon.kill().await;
    fleet.has_no_torn_tag(to).await?;
    let acknowledged = fleet.arrived(to).await;
    fleet.from.forget_requests();
    fleet.from.faults().clear();
    let daemon = Daemon::start(data.path(), &[]).await;
    let ended = ended(&daemon.admin(), execution).await;
    if ended["status"] != "Succeed" || ended["total"] != SHIPS {
        return Err(format!("{ended} {:#?}", daemon.log()));
    }
    fleet.is_whole(to).await?;
    let again = fleet.from.requests().into_iter().filter(|request| request.kind == Kind::BlobGet);
    let again = again.filter(|request| {
        acknowledged.iter().any(|digest| request.path.ends_with(digest.as_str()))
    });
    match again.count() {
        0 => Ok(()),
        blobs => Err(format!("{blobs} blobs were read again that had been acknowledged")),
    }
}

/// One kill of docker-registry after `requests` requests at the source.
async fn kill_the_registry(mut registry: DockerRegistry, requests: u64) -> Result<(), String> {
    let fleet = Fleet::new().await;
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let execution = begin(&client, &fleet.from.url(), registry.url()).await;
    moment(&fleet, &client, execution, requests).await;
    registry.kill_and_start_again().await;
    let to = Destination::Debian(Box::new(registry));
    fleet.has_no_torn_tag(&to).await?;
    let ended = ended(&client, execution).await;
    if ended["status"] != "Succeed" {
        return Err(format!("{ended} {:#?}", daemon.log()));
    }
    fleet.is_whole(&to).await
}

/// Moments drawn from a fixed seed, so that a failure comes again.
fn moments() -> Vec<u64> {
    let told = std::env::vars().find(|(name, _)| name == "KILLS");
    let count = told.and_then(|(_, text)| text.parse().ok()).unwrap_or(100);
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        1 + state % MOMENTS
    };
    (0..count).map(|_| next()).collect()
}

fn report(what: &str, outcomes: &[(u64, Result<(), String>)]) {
    let wrong: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_err()).collect();
    eprintln!("{what}: {} kills, {} wrong", outcomes.len(), wrong.len());
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_the_daemon_before_the_test_registry() {
    let mut outcomes = Vec::new();
    for moment in moments() {
        let to = Destination::Memory(Registry::builder().start().await.unwrap());
        outcomes.push((moment, kill_the_daemon(&to, moment).await));
    }
    report("daemon, test registry", &outcomes);
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_the_daemon_before_docker_registry() {
    let mut outcomes = Vec::new();
    for moment in moments() {
        let Some(to) = DockerRegistry::start(Mode::default()).await else { return };
        outcomes.push((moment, kill_the_daemon(&Destination::Debian(Box::new(to)), moment).await));
    }
    report("daemon, docker-registry", &outcomes);
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_docker_registry() {
    let mut outcomes = Vec::new();
    for moment in moments() {
        let Some(to) = DockerRegistry::start(Mode::default()).await else { return };
        outcomes.push((moment, kill_the_registry(to, moment).await));
    }
    report("docker-registry itself", &outcomes);
}
