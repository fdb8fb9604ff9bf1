//! Event-based rules as they are lived with: docker-registry, or a Harbor, tells the daemon what was
//! pushed, and just that arrives; after a kill, too.

use std::path::Path;

use e2e::{
    api::{EXECUTIONS, POLICIES, create_registry, registry},
    daemon::Daemon,
    debian::{DockerRegistry, Mode},
    harbor::{Happened, Harbor, PASSWORD, Payload},
    http::Client,
    oracles,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};
use tokio::process::Command;

const SECRET: &str = "a-word-between-the-two";

/// docker-registry, which tells a daemon of pushes, and a registry that they go to.
struct World {
    from: DockerRegistry,
    to: Registry,
    /// Where images are pushed from.
    seeds: Registry,
}

impl World {
    /// `None`, said aloud, where docker-registry or skopeo is not installed.
    async fn start(daemon: &Daemon) -> Option<Self> {
        // The first endpoint of a new daemon has the id 1.
        let hook = format!("{}/hooks/1", daemon.url());
        let mode = Mode { hook: Some((&hook, SECRET)), ..Mode::default() };
        let from = DockerRegistry::start(mode).await?;
        if Command::new("skopeo").arg("--version").output().await.is_err() {
            oracles::skipped("skopeo is not installed");
            return None;
        }
        let (to, seeds) = (Registry::builder().start(), Registry::builder().start());
        let world = Self { from, to: to.await.unwrap(), seeds: seeds.await.unwrap() };
        let client = daemon.admin();
        let mut source = registry("docker-registry", "from", world.from.url(), None);
        source["webhook_secret"] = json!(SECRET);
        assert_eq!(create_registry(&client, &source).await, 1);
        let target = registry("docker-registry", "to", &world.to.url(), None);
        assert_eq!(create_registry(&client, &target).await, 2);
        let rule = json!({"name": "on push", "src_registry": {"id": 1}, "dest_registry": {"id": 2},
            "enabled": true, "override": true, "trigger": {"type": "event_based"},
            "filters": [{"type": "name", "value": "team/**"}]});
        client.post(POLICIES, &rule).await.created_id();
        Some(world)
    }

    async fn push(&self, repository: &str, tag: &str) {
        let seed = tag.bytes().map(u64::from).sum();
        self.seeds.put_image(repository, tag, &[layer(seed, 20_000), layer(1, 50_000)]);
        let place = |url: &str| format!("{}/{repository}:{tag}", url.replace("http", "docker"));
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["copy", "--src-tls-verify=false", "--dest-tls-verify=false"]);
        skopeo.args([place(&self.seeds.url()), place(self.from.url())]);
        let output = skopeo.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn arrived(&self, expected: &[String]) {
        arrived(&self.to, expected).await;
    }
}

/// Until these tags, and no others, are at the destination, whole.
async fn arrived(to: &Registry, expected: &[String]) {
    eventually(PATIENCE, "what was pushed arrives", async || {
        let mut tags: Vec<String> =
            to.tags().into_iter().map(|(name, tag)| format!("{name}:{tag}")).collect();
        tags.sort();
        if tags == expected { Ok(()) } else { Err(tags) }
    })
    .await;
    to.verify_all().unwrap();
}

async fn executions(client: &Client) -> Vec<Value> {
    let runs = client.get(&format!("{EXECUTIONS}?page_size=0")).await.json();
    runs.as_array().unwrap().clone()
}

async fn daemon(data: &Path, window: u32) -> Daemon {
    let file = data.join("portolan.toml");
    std::fs::write(&file, format!("event_window_seconds = {window}\n")).unwrap();
    Daemon::start(data, &["--config", file.to_str().unwrap()]).await
}

#[tokio::test]
async fn a_push_brings_just_its_tag_and_a_burst_few_runs() {
    let data = tempfile::tempdir().unwrap();
    let daemon = daemon(data.path(), 2).await;
    let Some(world) = World::start(&daemon).await else { return };
    let client = daemon.admin();
    world.push("other/app", "v1").await;
    world.push("team/app", "v0").await;
    let first = "team/app:v0".to_owned();
    world.arrived(std::slice::from_ref(&first)).await;
    let runs = executions(&client).await;
    assert_eq!((runs.len(), &runs[0]["trigger"]), (1, &json!("event_based")));

    // The same event once more, and one whose proof is wrong.
    let event = json!({"events": [{"id": "again", "action": "push",
        "target": {"repository": "other/app", "tag": "v1"}}]});
    let hook = |word: &str| format!("/hooks/1/{word}");
    let anybody = Client::new(daemon.url());
    for (word, status, taken) in
        [("wrong", 401, None), (SECRET, 202, Some(1)), (SECRET, 202, Some(0))]
    {
        let answer = anybody.post(&hook(word), &event).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.json()["events"].as_u64(), taken);
    }

    let mut expected = vec![first];
    for n in 10..30 {
        world.push("team/app", &format!("v{n}")).await;
        expected.push(format!("team/app:v{n}"));
    }
    world.arrived(&expected).await;
    let runs = executions(&client).await.len();
    assert!((2..12).contains(&runs), "{runs} runs for a burst of 20 tags");
    let webhook = client.get("/api/portolan/v1/endpoints/1/webhook").await.json();
    assert_eq!(webhook["secret_set"], true);
    assert!(webhook["last_delivery"]["at"].is_string(), "{webhook}");
    let told: Vec<_> = daemon.log().into_iter().filter(|line| line.contains(SECRET)).collect();
    assert!(told.is_empty(), "{told:?}");
    assert!(daemon.log().iter().any(|line| line.contains("/hooks/{id}/{token}")));
}

#[tokio::test]
async fn what_was_accepted_arrives_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let first = daemon(data.path(), 8).await;
    let Some(world) = World::start(&first).await else { return };
    world.push("team/app", "v1").await;
    let client = first.admin();
    eventually(PATIENCE, "the event is accepted", async || {
        let webhook = client.get("/api/portolan/v1/endpoints/1/webhook").await.json();
        if webhook["waiting"].as_u64() > Some(0) { Ok(()) } else { Err(webhook) }
    })
    .await;
    assert_eq!(executions(&client).await, [] as [Value; 0]);
    first.kill().await;
    let second = daemon(data.path(), 1).await;
    world.arrived(&["team/app:v1".to_owned()]).await;
    let runs = executions(&second.admin()).await;
    assert_eq!((runs.len(), &runs[0]["trigger"]), (1, &json!("event_based")));
}

/// Both generations of Harbor, and both forms of 2.x.
#[tokio::test]
async fn a_harbor_tells_of_its_artifacts() {
    let data = tempfile::tempdir().unwrap();
    let daemon = daemon(data.path(), 1).await;
    let client = daemon.admin();
    let hook = Client::new(daemon.url()).authorization(SECRET);
    let to = Registry::builder().start().await.unwrap();
    let target = registry("docker-registry", "to", &to.url(), None);
    let target = create_registry(&client, &target).await;
    let harbors = [
        ("new", Harbor::start().await, Payload::Default, "artifact"),
        ("cloud", Harbor::start().await, Payload::CloudEvents, "artifact"),
        ("old", Harbor::first("v1.10.4", false).await, Payload::Default, "image"),
    ];
    let mut expected = Vec::new();
    for (name, harbor, payload, kind) in harbors {
        let repository = &*format!("{name}/app");
        harbor.add_project(name, false);
        let digests = ["v1", "v2", "v3"].map(|tag| {
            let seed = tag.bytes().map(u64::from).sum();
            harbor.registry().put_image(repository, tag, &[layer(seed, 20_000)])
        });
        let mut source = registry("harbor", name, &harbor.url(), Some(("admin", PASSWORD)));
        source["webhook_secret"] = json!(SECRET);
        let from = create_registry(&client, &source).await;
        let rule = json!({"name": name, "src_registry": {"id": from}, "deletion": true,
            "dest_registry": {"id": target}, "enabled": true, "override": true,
            "trigger": {"type": "event_based"}});
        client.post(POLICIES, &rule).await.created_id();
        let path = &*format!("/hooks/{from}");
        let tell = async |what, n: usize, events: u64| {
            let tag = format!("v{n}");
            let artifact = (repository, &*tag, &digests[n - 1]);
            let answer = harbor.tell((&hook, path), payload, what, artifact).await;
            assert_eq!(answer.status, 202, "{}", answer.text());
            assert_eq!(answer.json()["events"], events, "{name} {what:?}");
        };
        tell(Happened::Pulled, 1, 0).await;
        for n in [2, 3] {
            tell(Happened::Pushed, n, 1).await;
        }
        expected.extend([2, 3].map(|n| format!("{repository}:v{n}")));
        expected.sort();
        arrived(&to, &expected).await;
        // What is told to be gone, and is.
        assert!(harbor.registry().remove(repository, digests[1].as_str()));
        tell(Happened::Deleted, 2, 1).await;
        expected.retain(|place| *place != format!("{repository}:v2"));
        arrived(&to, &expected).await;
        let newest = &executions(&client).await[0];
        assert_eq!(newest["trigger"], "event_based");
        let tasks = client.get(&format!("{EXECUTIONS}/{}/tasks", newest["id"])).await.json();
        assert_eq!(
            (&tasks[0]["operation"], &tasks[0]["resource_type"]),
            (&json!("deletion"), &json!(kind))
        );
    }
    let wrong = Client::new(daemon.url()).authorization("wrong");
    assert_eq!(wrong.post("/hooks/2", &json!({})).await.status, 401);
}
