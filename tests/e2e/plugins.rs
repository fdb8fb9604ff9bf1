//! A third party's plug-in: made from `wit/` alone, dropped into a directory, approved, at work.

use std::path::Path;

use e2e::{
    daemon::{self, Daemon},
    guests,
    http::Client,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};
use tempfile::TempDir;

const PLUGINS: &str = "/api/portolan/v1/plugins";
const REGISTRIES: &str = "/api/v2.0/registries";
const ACME: &str = "acme-registry";
const USER: &str = "acme-robot";
const SECRET: &str = "acme-s3cret";

/// A daemon that watches a directory of plug-ins.
struct Site {
    data: TempDir,
    plugins: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { data: tempfile::tempdir().unwrap(), plugins: tempfile::tempdir().unwrap() }
    }

    async fn start(&self) -> Daemon {
        let plugins = self.plugins.path().to_str().unwrap();
        Daemon::start(self.data.path(), &["--plugins", plugins]).await
    }

    /// What `portolan plugin …` prints over the daemon's socket; `Err` where it fails.
    async fn cli(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = daemon::command(self.data.path()).await;
        command.env("PORTOLAN_DATA_DIR", self.data.path()).arg("plugin").args(arguments);
        let output = command.output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }
}

/// The third party's plug-ins as the API shows them.
async fn acmes(client: &Client) -> Vec<Value> {
    let Value::Array(all) = client.get(PLUGINS).await.json() else { panic!("a list") };
    all.into_iter().filter(|plugin| plugin["info"]["provider"] == ACME).collect()
}

async fn found(client: &Client, count: usize) -> Vec<Value> {
    eventually(PATIENCE, "the directory was looked at", async || {
        let found = acmes(client).await;
        if found.len() == count { Ok(found) } else { Err(found) }
    })
    .await
}

async fn serves_acme(client: &Client) -> bool {
    let adapters = client.get("/api/v2.0/replication/adapters").await.json();
    adapters.as_array().unwrap().contains(&json!(ACME))
}

fn acme(name: &str, target: &Registry) -> Value {
    json!({"name": name, "type": ACME, "url": target.url(),
        "credential": {"type": "basic", "access_key": USER, "access_secret": SECRET}})
}

async fn plain(client: &Client, target: &Registry) -> i64 {
    let body = json!({"name": "plain", "type": "docker-registry", "url": target.url()});
    client.post(REGISTRIES, &body).await.created_id()
}

/// Replicates everything below `lib/` into another namespace; the ended execution.
async fn replicate(client: &Client, name: &str, from: i64, to: i64) -> Value {
    let policy = json!({"name": name, "src_registry": {"id": from}, "dest_registry": {"id": to},
        "filters": [{"type": "name", "value": "lib/**"}], "dest_namespace": name,
        "enabled": true, "override": true});
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    run(client, policy).await
}

async fn run(client: &Client, policy: i64) -> Value {
    let executions = "/api/v2.0/replication/executions";
    let started = client.post(executions, &json!({"policy_id": policy})).await;
    let path = format!("{executions}/{}", started.created_id());
    eventually(PATIENCE, "the execution ends", async || {
        let execution = client.get(&path).await.json();
        if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
    })
    .await
}

#[tokio::test]
async fn a_strangers_plugin_serves_its_provider_once_it_is_approved() {
    let site = Site::new();
    let daemon = site.start().await;
    let client = daemon.admin();
    let remote = Registry::builder().basic(USER, SECRET).start().await.unwrap();
    let other = Registry::builder().start().await.unwrap();
    let image = remote.put_image("lib/app", "v1", &[layer(1, 50_000)]);

    guests::install(site.plugins.path(), "acme", &guests::bytes(guests::THIRD_PARTY));
    assert_eq!(found(&client, 1).await[0]["state"], "pending");
    let list = site.cli(&["list"]).await.unwrap();
    assert!(list.lines().any(|line| line.contains(ACME) && line.contains("pending")), "{list}");
    assert!(!serves_acme(&client).await, "it works without anybody's leave");
    let refused = client.post(REGISTRIES, &acme("acme", &remote)).await;
    assert_eq!(refused.status, 400);
    for word in [ACME, "approve"] {
        assert!(refused.text().contains(word), "{}", refused.text());
    }
    assert_eq!(remote.total_requests(), 0);

    let unasked = site.cli(&["approve", ACME]).await.unwrap_err();
    assert!(unasked.contains("--yes"), "{unasked}");
    site.cli(&["approve", ACME, "--yes"]).await.unwrap();
    assert!(serves_acme(&client).await);
    let acme = client.post(REGISTRIES, &acme("acme", &remote)).await.created_id();
    let plain = plain(&client, &other).await;
    let mine = json!({"name": "mine", "src_registry": {"id": plain},
        "dest_registry": {"id": acme}, "dest_namespace": "acme-internal"});
    let refused = client.post("/api/v2.0/replication/policies", &mine).await;
    assert_eq!(refused.status, 400);
    let why = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(why.contains("the namespace `acme-internal`") && why.contains("Acme's own"), "{why}");
    let out = replicate(&client, "out", acme, plain).await;
    assert_eq!(out["status"], "Succeed", "{out} {:#?}", daemon.log());
    other.put_image("lib/back", "v2", &[layer(2, 50_000)]);
    let back = replicate(&client, "back", plain, acme).await;
    assert_eq!(back["status"], "Succeed", "{back} {:#?}", daemon.log());
    assert_eq!(other.tag("out/app", "v1"), Some(image));
    assert!(remote.tag("back/back", "v2").is_some());
    assert_eq!(remote.tag("back/back", "v2"), other.tag("lib/back", "v2"));
    other.verify_all().unwrap();
    remote.verify_all().unwrap();

    assert!(daemon.terminate().await.success());
    let daemon = site.start().await;
    let client = daemon.admin();
    assert!(serves_acme(&client).await, "the approval is gone after a restart");
    let ping = client.post(&format!("{REGISTRIES}/ping"), &json!({"id": acme})).await;
    assert_eq!(ping.status, 200, "{}", ping.text());
}

/// The same component with a custom section more: another digest.
fn changed() -> Vec<u8> {
    let mut bytes = guests::bytes(guests::THIRD_PARTY);
    bytes.extend(b"\0\x08\x07version");
    bytes
}

#[tokio::test]
async fn changed_bytes_need_a_new_approval_and_one_can_be_taken_back() {
    let site = Site::new();
    let daemon = site.start().await;
    let client = daemon.admin();
    let remote = Registry::builder().basic(USER, SECRET).start().await.unwrap();
    let other = Registry::builder().start().await.unwrap();
    remote.put_image("lib/app", "v1", &[layer(1, 10_000)]);
    let file = site.plugins.path().join("acme.wasm");
    std::fs::write(&file, guests::bytes(guests::THIRD_PARTY)).unwrap();
    let first = found(&client, 1).await[0]["digest"].as_str().unwrap().to_owned();
    site.cli(&["approve", &first, "--yes"]).await.unwrap();
    let acme_id = client.post(REGISTRIES, &acme("acme", &remote)).await.created_id();
    let plain = plain(&client, &other).await;

    guests::install(site.plugins.path(), "acme", &changed());
    let states = |plugins: &[Value]| -> Vec<(bool, String)> {
        let state = |it: &Value| (it["digest"] == first, it["state"].as_str().unwrap().to_owned());
        let mut states: Vec<_> = plugins.iter().map(state).collect();
        states.sort();
        states
    };
    let pair = |new: &str, old: &str| vec![(false, new.to_owned()), (true, old.to_owned())];
    assert_eq!(states(&found(&client, 2).await), pair("pending", "approved"));
    let ambiguous = site.cli(&["approve", ACME, "--yes"]).await.unwrap_err();
    assert!(ambiguous.contains("several"), "{ambiguous}");
    let all = acmes(&client).await;
    let second = all.iter().find(|plugin| plugin["digest"] != first).unwrap();
    let second = second["digest"].as_str().unwrap();
    site.cli(&["approve", second, "--yes"]).await.unwrap();
    assert_eq!(states(&acmes(&client).await), pair("approved", "pending"));
    let out = replicate(&client, "out", acme_id, plain).await;
    assert_eq!(out["status"], "Succeed", "{out}");

    site.cli(&["revoke", second]).await.unwrap();
    assert_eq!(states(&acmes(&client).await), pair("pending", "pending"));
    assert!(!serves_acme(&client).await);
    let before = remote.total_requests();
    let ping = client.post(&format!("{REGISTRIES}/ping"), &json!({"id": acme_id})).await;
    assert_eq!(ping.status, 400, "{}", ping.text());
    let stopped = replicate(&client, "late", acme_id, plain).await;
    assert_eq!(stopped["status"], "Failed");
    assert!(stopped["status_text"].as_str().unwrap().contains(ACME), "{stopped}");
    assert_eq!(remote.total_requests(), before, "a revoked plug-in still sends requests");

    for digest in [first.as_str(), second] {
        site.cli(&["remove", digest]).await.unwrap();
    }
    assert!(acmes(&client).await.is_empty());
    let unknown = site.cli(&["approve", second, "--yes"]).await.unwrap_err();
    assert!(unknown.contains("there is no adapter"), "{unknown}");
    assert_eq!(client.get("/api/v2.0/ping").await.status, 200);
}

/// A file that is written in place, slowly, is taken once it is whole.
#[tokio::test]
async fn a_file_that_is_still_being_written_is_taken_when_it_is_whole() {
    let site = Site::new();
    let daemon = site.start().await;
    let file = site.plugins.path().join("slow.wasm");
    std::fs::write(&file, guests::truncated()).unwrap();
    refused(&daemon, &file).await;
    std::fs::write(&file, guests::bytes(guests::THIRD_PARTY)).unwrap();
    found(&daemon.admin(), 1).await;
}

async fn refused(daemon: &Daemon, file: &Path) {
    let name = file.display().to_string();
    eventually(PATIENCE, "the file is refused", async || {
        let log = daemon.log();
        match log.iter().any(|line| line.contains(&name) && line.contains("cannot be installed")) {
            true => Ok(()),
            false => Err(log),
        }
    })
    .await;
}
