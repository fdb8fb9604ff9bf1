//! Harbor's Terraform provider, its requests replayed with its habits: create, read back, an empty
//! plan, a change with empty secrets, destroy and 404.
//!
//! `Config` is what somebody writes; the provider makes bodies of it, and the same attributes of
//! what it reads. A plan is empty where both are equal.

use e2e::{
    api::{POLICIES, REGISTRIES, run},
    daemon::Daemon,
    http::Client,
};
use portolan_testregistry::Registry;
use serde_json::{Value, json};

/// What the provider keeps as the id of a resource: `Location` without `/api/v2.0`.
async fn created(client: &Client, path: &str, body: &Value) -> String {
    let answer = client.post(path, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.body.is_empty() && answer.header("content-type").is_empty());
    let location = answer.header("location");
    let id = location.strip_prefix("/api/v2.0").unwrap_or_else(|| panic!("{location}"));
    format!("/api/v2.0{id}")
}

async fn read(client: &Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// DELETE is 200, and the check that it is gone reads 404 with Harbor's envelope.
async fn destroy(client: &Client, path: &str) {
    let answer = client.delete(path).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    let gone = client.get(path).await;
    assert_eq!(gone.status, 404);
    assert_eq!(gone.json()["errors"][0]["code"], "NOT_FOUND");
}

async fn daemon() -> (tempfile::TempDir, Daemon, Client) {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin().json_always();
    (data, daemon, client)
}

/// `GetRegistryBody`: always a credential, of which the key may be empty.
fn registry_body(config: &Value) -> Value {
    json!({"credential": {"access_key": config["access_id"], "type": "basic",
            "access_secret": config["access_secret"]},
        "name": config["name"], "url": config["endpoint_url"], "type": config["provider_name"],
        "insecure": config["insecure"], "description": config["description"],
        "ca_certificate": config["ca_certificate"]})
}

/// `GetRegistryUpdateBody`: flat, everything every time.
fn registry_change(config: &Value) -> Value {
    json!({"access_key": config["access_id"], "access_secret": config["access_secret"],
        "name": config["name"], "url": config["endpoint_url"], "insecure": config["insecure"],
        "description": config["description"], "ca_certificate": config["ca_certificate"]})
}

fn text(value: &Value) -> Value {
    json!(value.as_str().unwrap_or_default())
}

fn yes(value: &Value) -> Value {
    json!(value.as_bool().unwrap_or_default())
}

/// `resourceRegistryRead`: Go's zero where a property is absent. A secret is not read.
fn registry_plan(config: &Value, shown: &Value) {
    let read = [
        ("name", text(&shown["name"])),
        ("description", text(&shown["description"])),
        ("endpoint_url", text(&shown["url"])),
        ("access_id", text(&shown["credential"]["access_key"])),
        ("insecure", yes(&shown["insecure"])),
        ("provider_name", text(&shown["type"])),
        ("ca_certificate", text(&shown["ca_certificate"])),
    ];
    for (attribute, read) in read {
        assert_eq!(read, config[attribute], "the plan changes {attribute}");
    }
    assert_eq!(shown["status"], "healthy");
    assert!(shown["id"].is_u64());
}

fn registry_config(url: &str) -> Value {
    json!({"name": "Foo bar", "provider_name": "docker-registry", "endpoint_url": url,
        "access_id": "", "access_secret": "", "insecure": false, "description": "",
        "ca_certificate": ""})
}

fn but(config: &Value, more: Value) -> Value {
    let mut config = config.clone();
    for (attribute, value) in more.as_object().into_iter().flatten() {
        config[attribute] = value.clone();
    }
    config
}

#[tokio::test]
async fn a_registry() {
    let (_data, _daemon, client) = daemon().await;
    let remote = Registry::builder().start().await.unwrap();
    let mut config = registry_config(&remote.url());
    let path = created(&client, REGISTRIES, &registry_body(&config)).await;
    registry_plan(&config, &read(&client, &path).await);
    // The data source asks by name and picks the exact one of the first page.
    let found = read(&client, &format!("{REGISTRIES}?name=Foo%20bar")).await;
    assert_eq!(found, json!([read(&client, &path).await]));
    let login = json!({"access_id": "k", "access_secret": "s"});
    let changes = [
        json!({"name": "renamed", "description": "d", "insecure": true}),
        login,
        json!({"description": "", "insecure": false}),
        json!({"access_id": "", "access_secret": ""}),
    ];
    for change in changes {
        config = but(&config, change);
        let answer = client.put(&path, &registry_change(&config)).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{config}");
        registry_plan(&config, &read(&client, &path).await);
    }
    destroy(&client, &path).await;
}

/// An empty key takes the credentials away; what needs them is then refused and unchanged.
#[tokio::test]
async fn empty_secrets_of_a_change_are_taken_at_their_word() {
    let (_data, _daemon, client) = daemon().await;
    let remote = Registry::builder().basic("alice", "s3cret").start().await.unwrap();
    let login = json!({"access_id": "alice", "access_secret": "s3cret"});
    let config = but(&registry_config(&remote.url()), login);
    let path = created(&client, REGISTRIES, &registry_body(&config)).await;
    registry_plan(&config, &read(&client, &path).await);
    let login = json!({"type": "basic", "access_key": "alice", "access_secret": "*****"});
    assert_eq!(read(&client, &path).await["credential"], login);
    let secret_gone = json!({"access_key": "alice", "access_secret": "", "insecure": false});
    let answer = client.put(&path, &secret_gone).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let kept = json!({"description": "only this"});
    assert_eq!(client.put(&path, &kept).await.status, 200);
    assert_eq!(read(&client, &path).await["credential"], login);
    let both_gone = json!({"access_key": "", "access_secret": ""});
    // Anonymous, the registry answers 401 at `/v2/`: reachable, and so healthy.
    let answer = client.put(&path, &both_gone).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(read(&client, &path).await["credential"], json!({}));
}

/// `GetReplicationBody`: both sides, one of them empty.
fn policy_body(config: &Value) -> Value {
    let side = json!({"id": config["registry_id"]});
    let (src, dest) =
        if config["action"] == "push" { (json!({}), side) } else { (side, json!({})) };
    let trigger = match config["schedule"].as_str().unwrap() {
        kind @ ("manual" | "event_based") => json!({"type": kind, "trigger_settings": {}}),
        cron => json!({"type": "scheduled", "trigger_settings": {"cron": cron}}),
    };
    json!({"name": config["name"], "id": 0, "src_registry": src, "dest_registry": dest,
        "dest_namespace": config["dest_namespace"],
        "dest_namespace_replace_count": config["dest_namespace_replace"], "trigger": trigger,
        "enabled": config["enabled"], "deletion": config["deletion"],
        "override": config["override"], "speed": config["speed"],
        "copy_by_chunk": config["copy_by_chunk"], "filters": config["filters"]})
}

/// `resourceReplicationRead`; filters and speed are not read, but have to be what was sent.
fn policy_plan(config: &Value, shown: &Value) {
    let id = |side: &str| shown[side]["id"].as_i64().unwrap();
    let (action, registry) = match id("dest_registry") {
        0 => ("pull", id("src_registry")),
        other => ("push", other),
    };
    let schedule = match shown["trigger"]["type"].as_str().unwrap() {
        "scheduled" => shown["trigger"]["trigger_settings"]["cron"].clone(),
        "event_based" => json!("event_based"),
        _ => json!("manual"),
    };
    let read = [
        ("action", json!(action)),
        ("registry_id", json!(registry)),
        ("schedule", schedule),
        ("enabled", yes(&shown["enabled"])),
        ("name", text(&shown["name"])),
        ("deletion", yes(&shown["deletion"])),
        ("override", yes(&shown["override"])),
        ("dest_namespace", text(&shown["dest_namespace"])),
        ("dest_namespace_replace", shown["dest_namespace_replace_count"].clone()),
        ("copy_by_chunk", yes(&shown["copy_by_chunk"])),
    ];
    for (attribute, read) in read {
        assert_eq!(read, config[attribute], "the plan changes {attribute}");
    }
    assert_eq!(shown["speed"], config["speed"].as_i64().unwrap().max(0));
    let none = config["filters"] == json!([]);
    assert_eq!(shown["filters"], if none { Value::Null } else { config["filters"].clone() });
}

#[tokio::test]
async fn a_policy_with_one_empty_side() {
    let (_data, _daemon, client) = daemon().await;
    let remote = Registry::builder().start().await.unwrap();
    let body = registry_body(&registry_config(&remote.url()));
    let registry = created(&client, REGISTRIES, &body).await;
    let id: i64 = registry.rsplit('/').next().unwrap().parse().unwrap();
    // The provider's defaults.
    let config = json!({"name": "p", "action": "push", "registry_id": id, "schedule": "manual",
        "enabled": true, "deletion": false, "override": true, "dest_namespace": "",
        "dest_namespace_replace": 0, "copy_by_chunk": false, "speed": -1, "filters": []});
    let filters = json!([{"type": "name", "value": "team/**"},
        {"type": "tag", "value": "v*", "decoration": "matches"},
        {"type": "label", "value": ["prod"], "decoration": "excludes"},
        {"type": "resource", "value": "artifact"}]);
    let changes = [
        json!({"dest_namespace": "gcp-project", "filters": filters}),
        json!({"schedule": "0 0 2 * * *", "speed": 1024, "enabled": false}),
        json!({"schedule": "event_based", "deletion": true, "copy_by_chunk": true}),
        json!({"dest_namespace_replace": -1, "filters": [], "override": false, "enabled": true}),
        json!({"schedule": "manual", "dest_namespace": "", "deletion": false}),
    ];
    for action in ["push", "pull"] {
        let mut config = but(&config, json!({"action": action, "name": action}));
        let path = created(&client, POLICIES, &policy_body(&config)).await;
        policy_plan(&config, &read(&client, &path).await);
        for change in &changes {
            config = but(&config, change.clone());
            let answer = client.put(&path, &policy_body(&config)).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{config}");
            policy_plan(&config, &read(&client, &path).await);
        }
        // The registry cannot go while the policy names it.
        let answer = client.delete(&registry).await;
        assert_eq!(answer.status, 412, "{}", answer.text());
        // `execute_on_changed`: accepted, and told what is missing.
        let policy: i64 = path.rsplit('/').next().unwrap().parse().unwrap();
        let ended = run(&client, policy).await;
        assert_eq!(ended.execution["status"], "Failed");
        let why = ended.execution["status_text"].as_str().unwrap();
        assert!(why.contains("[local]"), "{why}");
        destroy(&client, &path).await;
    }
    let unknown = policy_body(&but(&config, json!({"registry_id": 4_711})));
    assert_eq!(client.post(POLICIES, &unknown).await.status, 404);
    let nowhere = but(&unknown, json!({"dest_registry": {}}));
    assert_eq!(client.post(POLICIES, &nowhere).await.status, 400);
    destroy(&client, &registry).await;
}
