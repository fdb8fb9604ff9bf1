//! kill -9 at many moments of a running execution, of the daemon and of the registry: after each
//! restart everything arrives, and what a registry had acknowledged is not sent again.
//!
//! Long: `cargo test --workspace --test e2e -- --ignored faults::kills --nocapture`, with
//! `KILLS` moments for each kind of destination (100 unless told).

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use e2e::{
    api::{EXECUTIONS, POLICIES, create_registry, registry},
    daemon::Daemon,
    debian::{DockerRegistry, Mode},
    http::Client,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Digest, Kind, Registry, layer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::zuul::{self, Zuul};

/// Repositories of a round; each has a layer of its own and one that all of the round share.
const SHIPS: u64 = 8;
/// Requests that the source of a whole run sees, roughly: moments are taken from these.
const MOMENTS: u64 = 5 * SHIPS;
const LONG: Duration = Duration::from_secs(120);

/// What the daemon copies to.
enum Destination {
    Memory(Registry),
    Debian(Box<DockerRegistry>),
    Zuul(Box<Zuul>),
}

/// Who is killed.
#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Daemon,
    Registry,
}

impl Destination {
    fn url(&self) -> String {
        match self {
            Self::Memory(registry) => registry.url(),
            Self::Debian(registry) => registry.url().to_owned(),
            Self::Zuul(zuul) => zuul.url.clone(),
        }
    }

    fn login(&self) -> Option<(&str, &str)> {
        matches!(self, Self::Zuul(_)).then_some((zuul::USER, zuul::PASSWORD))
    }

    /// A client that may read.
    async fn reader(&self) -> Client {
        let client = Client::new(&self.url());
        if !matches!(self, Self::Zuul(_)) {
            return client;
        }
        let token = client.get("/auth/token?scope=repository:any:pull").await.json();
        client.bearer(token["token"].as_str().expect("anybody may read"))
    }

    async fn kill_and_start_again(&mut self) {
        match self {
            Self::Memory(_) => panic!("it lives in this process"),
            Self::Debian(registry) => registry.kill_and_start_again().await,
            Self::Zuul(zuul) => zuul.kill_and_start_again().await,
        }
    }
}

/// An image of the source, and what it is made of.
struct Image {
    name: String,
    manifest: Digest,
    blobs: Vec<Digest>,
}

/// What a destination has of one image.
struct Held {
    manifest: Option<Digest>,
    blobs: BTreeSet<Digest>,
}

impl Image {
    /// The digest under its tag, and every blob of it that is there and hashes to its name.
    async fn held(&self, reader: &Client) -> Held {
        let name = &self.name;
        let typed = reader.clone().accept("application/vnd.oci.image.manifest.v1+json");
        let manifest = typed.get(&format!("/v2/{name}/manifests/v1")).await;
        let manifest = (manifest.status == 200).then(|| Digest::of(&manifest.body));
        let mut held = Held { manifest, blobs: BTreeSet::new() };
        for digest in &self.blobs {
            let blob = reader.get(&format!("/v2/{name}/blobs/{digest}")).await;
            if blob.status == 200 {
                assert_eq!(Digest::of(&blob.body), *digest, "{name} has other bytes");
                held.blobs.insert(digest.clone());
            }
        }
        held
    }
}

/// A daemon between two registries; each round copies images of its own, so that all of them last
/// for as many kills as are wanted.
struct Fleet {
    data: TempDir,
    daemon: Option<Daemon>,
    from: Registry,
    to: Destination,
    ends: (i64, i64),
}

impl Fleet {
    async fn new(to: Destination) -> Self {
        let from = Registry::builder().start().await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        let client = daemon.admin();
        let at = async |name: &str, url: &str, login| {
            create_registry(&client, &registry("docker-registry", name, url, login)).await
        };
        let source = at("from", &from.url(), None).await;
        let ends = (source, at("to", &to.url(), to.login()).await);
        Self { data, daemon: Some(daemon), from, to, ends }
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs between two kills")
    }

    fn images(&self, round: usize) -> Vec<Image> {
        let seed = round as u64 * 1_000;
        let shared = layer(seed + 1, 300_000);
        let image = |number| {
            let name = format!("fleet/{round}-ship-{number}");
            let own = layer(seed + 100 + number, 400_000);
            let manifest = self.from.put_image(&name, "v1", &[shared.clone(), own]);
            let blobs = self.from.blobs().into_iter().filter(|(repository, _)| *repository == name);
            let blobs = blobs.map(|(_, digest)| digest).collect();
            Image { name, manifest, blobs }
        };
        (0..SHIPS).map(image).collect()
    }

    /// Starts a run of one round's images.
    async fn begin(&self, round: usize) -> i64 {
        let client = self.daemon().admin();
        let filter = json!({"type": "name", "value": format!("fleet/{round}-*")});
        let body = json!({"name": format!("round {round}"), "src_registry": {"id": self.ends.0},
            "dest_registry": {"id": self.ends.1}, "enabled": true, "override": true,
            "filters": [filter]});
        let policy = client.post(POLICIES, &body).await.created_id();
        client.post(EXECUTIONS, &json!({"policy_id": policy})).await.created_id()
    }

    /// Waits until the source has seen so many requests of this run, or the run is over.
    async fn moment(&self, execution: i64, requests: u64) {
        let (client, path) = (self.daemon().admin(), format!("{EXECUTIONS}/{execution}"));
        eventually(PATIENCE, "the moment comes", async || {
            let over = client.get(&path).await.json()["status"] != "InProgress";
            let seen = self.from.total_requests();
            if over || seen >= requests { Ok(()) } else { Err(seen) }
        })
        .await;
    }

    async fn ended(&self, execution: i64) -> Result<(), String> {
        let (client, path) = (self.daemon().admin(), format!("{EXECUTIONS}/{execution}"));
        let ended: Value = eventually(LONG, "the execution ends", async || {
            let execution = client.get(&path).await.json();
            if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
        })
        .await;
        if ended["status"] == "Succeed" && ended["total"] == SHIPS {
            return Ok(());
        }
        Err(format!("{ended} {:#?}", self.daemon().log()))
    }

    /// One kill after `requests` requests at the source.
    async fn kill(&mut self, victim: Victim, round: usize, requests: u64) -> Result<(), String> {
        self.from.faults().slow(Kind::BlobGet, 2_000_000);
        self.from.forget_requests();
        let images = self.images(round);
        let execution = self.begin(round).await;
        self.moment(execution, requests).await;
        match victim {
            Victim::Registry => self.to.kill_and_start_again().await,
            Victim::Daemon => self.daemon.take().expect("it runs").kill().await,
        }
        let reader = self.to.reader().await;
        let acknowledged = not_torn(&images, &reader).await?;
        self.from.faults().clear();
        if victim == Victim::Daemon {
            self.from.forget_requests();
            self.daemon = Some(Daemon::start(self.data.path(), &[]).await);
        }
        self.ended(execution).await?;
        whole(&images, &reader).await?;
        if victim == Victim::Registry {
            return Ok(());
        }
        let again = self.from.requests().into_iter().filter(|it| it.kind == Kind::BlobGet);
        let again =
            again.filter(|it| acknowledged.iter().any(|digest| it.path.ends_with(digest.as_str())));
        match again.count() {
            0 => Ok(()),
            blobs => Err(format!("{blobs} blobs were read again that had been acknowledged")),
        }
    }
}

/// The blobs that are there. No tag stands there whose parts are missing.
async fn not_torn(images: &[Image], reader: &Client) -> Result<BTreeSet<Digest>, String> {
    let mut there = BTreeSet::new();
    for image in images {
        let mut held = image.held(reader).await;
        if held.manifest.is_some() && held.blobs.len() != image.blobs.len() {
            return Err(format!("{}:v1 is there without all of its blobs", image.name));
        }
        there.append(&mut held.blobs);
    }
    Ok(there)
}

async fn whole(images: &[Image], reader: &Client) -> Result<(), String> {
    for image in images {
        let (held, name) = (image.held(reader).await, &image.name);
        if held.manifest.as_ref() != Some(&image.manifest) {
            return Err(format!("{name}:v1 is {:?} there", held.manifest));
        }
        let (there, all) = (held.blobs.len(), image.blobs.len());
        if there != all {
            return Err(format!("{name}:v1 has {there} of {all} blobs"));
        }
    }
    Ok(())
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

/// Kills again and again, and tells how long that takes.
async fn kill_often(what: &str, victim: Victim, to: Destination) {
    let mut fleet = Fleet::new(to).await;
    let (begun, moments) = (Instant::now(), moments());
    let mut wrong = Vec::new();
    for (round, moment) in moments.iter().enumerate() {
        if let Err(why) = fleet.kill(victim, round, *moment).await {
            wrong.push((round, *moment, why));
        }
    }
    let (kills, each) = (moments.len(), begun.elapsed().as_secs_f64() / moments.len() as f64);
    eprintln!("{what}: {kills} kills, {each:.1} s each, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_the_daemon_before_the_test_registry() {
    let to = Destination::Memory(Registry::builder().start().await.unwrap());
    kill_often("daemon, test registry", Victim::Daemon, to).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_the_daemon_before_docker_registry() {
    let Some(to) = DockerRegistry::start(Mode::default()).await else { return };
    kill_often("daemon, docker-registry", Victim::Daemon, Destination::Debian(Box::new(to))).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_the_daemon_before_zuul_registry() {
    let Some(to) = Zuul::start().await else { return };
    kill_often("daemon, zuul-registry", Victim::Daemon, Destination::Zuul(Box::new(to))).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_docker_registry() {
    let Some(to) = DockerRegistry::start(Mode::default()).await else { return };
    let to = Destination::Debian(Box::new(to));
    kill_often("docker-registry itself", Victim::Registry, to).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn of_zuul_registry() {
    let Some(to) = Zuul::start().await else { return };
    kill_often("zuul-registry itself", Victim::Registry, Destination::Zuul(Box::new(to))).await;
}
