//! What Harbor has no words for, through the spawned binary: browsing, plans, events, endpoints that
//! are down, tokens, the audit log, and a backup that a new daemon goes on from.

use std::path::Path;

use e2e::{
    api::{EXECUTIONS, POLICIES, create_registry, registry, run},
    daemon::{Daemon, command},
    http::Client,
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

const OWN: &str = "/api/portolan/v1";

/// A daemon with two registries as its endpoints 1 and 2, and a rule between them.
struct World {
    data: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
    from: Registry,
    to: Registry,
}

impl World {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        let client = daemon.admin();
        let (from, to) = (Registry::builder().start(), Registry::builder().start());
        let (from, to) = (from.await.unwrap(), to.await.unwrap());
        for name in ["team/app", "team/deep/other", "zoo"] {
            from.put_image(name, "v1", &[layer(1, 20_000)]);
        }
        for (name, it) in [("from", &from), ("to", &to)] {
            create_registry(&client, &registry("docker-registry", name, &it.url(), None)).await;
        }
        let policy = json!({"name": "p", "src_registry": {"id": 1}, "dest_registry": {"id": 2},
            "dest_namespace_replace_count": 0, "enabled": true,
            "filters": [{"type": "name", "value": "team/**"}]});
        assert_eq!(client.post(POLICIES, &policy).await.status, 201);
        Self { data, daemon, client, from, to }
    }

    /// What the terminal prints, on the daemon's own socket.
    async fn terminal(&self, arguments: &[&str]) -> String {
        let socket = self.data.path().join("portolan.sock");
        let server = format!("unix:{}", socket.display());
        let mut command = command(self.data.path()).await;
        let output = command.args(arguments).args(["--server", &server]).output().await.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let text = self.terminal(&[arguments, &["-o", "json"]].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

#[tokio::test]
async fn endpoints_are_browsed_page_by_page() {
    let world = World::new().await;
    let repositories = format!("{OWN}/endpoints/1/repositories");
    let first = world.client.get(&format!("{repositories}?limit=2")).await.json();
    let token = first["next_page_token"].as_str().unwrap();
    let path = format!("{repositories}?limit=2&page_token={token}");
    let second = world.client.get(&path).await.json();
    assert_eq!(first["repositories"].as_array().unwrap().len(), 2);
    assert_eq!(second, json!({"repositories": [{"name": "zoo"}]}));
    let path = format!("{repositories}/team%2Fdeep%2Fother/artifacts");
    let artifacts = world.client.get(&path).await.json();
    assert_eq!(artifacts["artifacts"][0]["tags"], json!(["v1"]));
    let bad = world.client.get(&format!("{repositories}?page_token=!")).await;
    assert_eq!(bad.status, 400, "{}", bad.text());
    let listed = world.json(&["endpoint", "browse", "from", "--prefix", "team/"]).await;
    assert_eq!(listed, json!([{"name": "team/app"}, {"name": "team/deep/other"}]));
    let text = world.terminal(&["endpoint", "browse", "from", "team/deep/other"]).await;
    assert!(text.starts_with("DIGEST") && text.contains("v1"), "{text}");
}

#[tokio::test]
async fn a_rule_is_planned_run_and_followed() {
    let world = World::new().await;
    let plan = world.json(&["rule", "plan", "p"]).await;
    assert_eq!(plan["counts"], json!({"copy": 2, "skipped": 1}), "{plan}");
    assert!(world.to.tags().is_empty(), "a plan copies nothing");
    let unsaved = json!({"src_registry": {"id": 1}, "dest_registry": {"id": 2},
        "dest_namespace": "mirror", "filters": [{"type": "name", "value": "zoo"}]});
    let plan = world.client.post(&format!("{OWN}/plans"), &unsaved).await.json();
    assert_eq!(plan["artifacts"][0]["destination_repository"], "mirror/zoo", "{plan}");
    let ended = run(&world.client, 1).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    let events = world.client.get(&format!("{OWN}/executions/1/events")).await.text();
    let data = events.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    assert!(events.starts_with("event: end\n"), "{events}");
    let last: Value = serde_json::from_str(data).unwrap();
    assert_eq!(last["execution"]["status"], "Succeed");
    assert_eq!(
        (&last["progress"]["artifacts"], last["tasks"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    assert!(last["progress"]["bytes"].as_u64().unwrap() >= 20_000, "{last}");
    let plan = world.json(&["rule", "plan", "p"]).await;
    assert_eq!(plan["counts"], json!({"already-there": 2, "skipped": 1}), "{plan}");
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_saved_on_purpose_alone() {
    let world = World::new().await;
    let mut body = registry("docker-registry", "down", "http://127.0.0.1:1", Some(("u", "hush")));
    let endpoints = format!("{OWN}/endpoints");
    assert_eq!(world.client.post(&endpoints, &body).await.status, 400);
    body["unchecked"] = json!(true);
    assert_eq!(world.client.post("/api/v2.0/registries", &body).await.status, 400, "Harbor's way");
    let made = world.client.post(&endpoints, &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["status"], &made["id"]), (&json!("unhealthy"), &json!(3)));
    assert!(made["status_text"].as_str().unwrap().contains("connection refused"), "{made}");
    let change = json!({"url": world.to.url(), "unchecked": true});
    let changed = world.client.put(&format!("{endpoints}/3"), &change).await.json();
    assert_eq!((&changed["status"], changed.get("status_text")), (&json!("healthy"), None));
    let unknown = registry("nothing", "x", "http://127.0.0.1:1", None);
    let mut unknown = unknown;
    unknown["unchecked"] = json!(true);
    assert_eq!(world.client.post(&endpoints, &unknown).await.status, 400);
}

#[tokio::test]
async fn tokens_are_made_and_everything_is_in_the_log() {
    let world = World::new().await;
    let token = world.terminal(&["token", "add", "ci", "--role", "operator", "--expires", "9d"]);
    let token = token.await.trim().to_owned();
    assert!(token.starts_with("portolan_"), "{token}");
    let ci = Client::new(world.daemon.url()).basic("robot$ci", &token);
    assert_eq!(ci.post(EXECUTIONS, &json!({"policy_id": 1})).await.status, 201);
    assert_eq!(ci.get(&format!("{OWN}/audit")).await.status, 403);
    let entries = world.json(&["audit", "--who", "robot$ci"]).await;
    let told: Vec<_> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["outcome"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect();
    let (audit, start) = (format!("GET {OWN}/audit"), format!("POST {EXECUTIONS}"));
    assert_eq!(told, [("refused", audit.as_str()), ("done", start.as_str())]);
    let text = world.terminal(&["audit", "--noun", "token"]).await;
    assert!(text.contains("socket") && !text.contains(&token), "{text}");
    world.terminal(&["token", "remove", "ci"]).await;
    assert_eq!(ci.get("/api/v2.0/registries").await.status, 401);
    assert_eq!(world.json(&["token", "list"]).await, json!([]));
}

async fn restore(home: &Path, backup: &Path, to: &Path, passphrase: &Path) -> (bool, String) {
    let mut command = command(home).await;
    command.arg("restore").arg(backup).arg("--data-dir").arg(to);
    let output = command.arg("--passphrase-file").arg(passphrase).output().await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn a_new_daemon_goes_on_from_a_backup() {
    let world = World::new().await;
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name);
    let (backup, right, wrong) = (place("b"), place("right"), place("wrong"));
    std::fs::write(&right, "correct horse\n").unwrap();
    std::fs::write(&wrong, "battery staple\n").unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (file, passphrase) = (text(&backup), text(&right));
    world.terminal(&["backup", &file, "--passphrase-file", &passphrase]).await;
    let bytes = std::fs::read(&backup).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("portolan-backup-1") && !holds("team/**") && !holds("docker-registry"));
    world.daemon.terminate().await;

    let new = place("data");
    let refused = restore(home.path(), &backup, &new, &wrong).await;
    assert!(!refused.0 && refused.1.contains("the passphrase is not the one"), "{}", refused.1);
    let refused = restore(home.path(), &backup, home.path(), &right).await;
    assert!(!refused.0 && refused.1.contains("is not empty"), "{}", refused.1);
    let done = restore(home.path(), &backup, &new, &right).await;
    assert!(done.0, "{}", done.1);
    let daemon = Daemon::start(&new, &[]).await;
    let ended = run(&daemon.admin(), 1).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(world.to.tags().len(), 2);
    assert!(world.from.total_requests() > 0);
    let entries = daemon.admin().get(&format!("{OWN}/audit?noun=backup")).await.json();
    assert_eq!(entries["entries"].as_array().unwrap().len(), 0, "noted after its moment");
}
