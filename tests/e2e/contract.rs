//! `/api/v2.0` as clients written for Harbor use it: the bodies of Harbor's Terraform provider,
//! replayed with its habits.

use e2e::{
    api::{EXECUTIONS, POLICIES, REGISTRIES, replicate, run},
    daemon::Daemon,
    http::Client,
};
use portolan::core::oci::Digest;
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

/// SHA-256 over the files of `wit/v0.1`, which is frozen: see `wit/README.md` for what may change
/// within a line, and how.
const FROZEN: &str = "sha256:297ead7457919c91c4803108835602f385ab0f90808d356c96177ad37eb8bc4a";

#[test]
fn the_plug_in_interface_is_frozen() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/v0.1");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        all.extend_from_slice(name.as_bytes());
        all.push(0);
        all.extend(std::fs::read(&file).unwrap());
        all.push(0);
    }
    let digest = Digest::of(&all).to_string();
    assert_eq!(digest, FROZEN, "wit/v0.1 changed: is that allowed by wit/README.md?");
}

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

fn registry_body(name: &str, url: &str) -> Value {
    json!({"credential": {"type": "basic"}, "name": name, "url": url, "type": "docker-registry",
        "insecure": false, "description": "", "ca_certificate": ""})
}

#[tokio::test]
async fn terraform_keeps_a_registry() {
    let (_data, _daemon, client) = daemon().await;
    let remote = Registry::builder().start().await.unwrap();
    let path = created(&client, REGISTRIES, &registry_body("Foo bar", &remote.url())).await;
    let shown = read(&client, &path).await;
    assert_eq!((&shown["name"], &shown["status"]), (&json!("Foo bar"), &json!("healthy")));
    assert_eq!((&shown["url"], &shown["credential"]), (&json!(remote.url()), &json!({})));
    assert!(shown.get("insecure").is_none() && shown.get("description").is_none(), "{shown}");
    // The data source asks by name and picks the exact one of the first page.
    let found = read(&client, &format!("{REGISTRIES}?name=Foo%20bar")).await;
    assert_eq!(found, json!([shown]));
    let change = json!({"access_key": "", "access_secret": "", "name": "renamed",
        "url": remote.url(), "insecure": true, "description": "d", "ca_certificate": ""});
    let answer = client.put(&path, &change).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    let shown = read(&client, &path).await;
    assert_eq!((&shown["name"], &shown["insecure"]), (&json!("renamed"), &json!(true)));
    assert_eq!((&shown["description"], &shown["credential"]), (&json!("d"), &json!({})));
    destroy(&client, &path).await;
}

/// An empty key takes the credentials away; what needs them is then refused and unchanged.
#[tokio::test]
async fn empty_secrets_of_a_change_are_taken_at_their_word() {
    let (_data, _daemon, client) = daemon().await;
    let remote = Registry::builder().basic("alice", "s3cret").start().await.unwrap();
    let mut body = registry_body("guarded", &remote.url());
    body["credential"] = json!({"type": "basic", "access_key": "alice", "access_secret": "s3cret"});
    let path = created(&client, REGISTRIES, &body).await;
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

fn policy_body(name: &str, src: Value, dest: Value) -> Value {
    json!({"name": name, "id": 0, "src_registry": src, "dest_registry": dest,
        "dest_namespace": "gcp-project", "dest_namespace_replace_count": 0,
        "trigger": {"type": "manual", "trigger_settings": {}}, "enabled": true,
        "deletion": false, "override": true, "speed": -1, "copy_by_chunk": false,
        "filters": [{"type": "name", "value": "team/**"},
            {"type": "tag", "value": "v*", "decoration": "matches"},
            {"type": "label", "value": ["prod"], "decoration": "excludes"}]})
}

#[tokio::test]
async fn terraform_keeps_a_policy_with_one_empty_side() {
    let (_data, _daemon, client) = daemon().await;
    let remote = Registry::builder().start().await.unwrap();
    let registry = created(&client, REGISTRIES, &registry_body("remote", &remote.url())).await;
    let id: i64 = registry.rsplit('/').next().unwrap().parse().unwrap();
    for (name, src, dest, sides) in [
        ("push", json!({}), json!({"id": id}), (0, id)),
        ("pull", json!({"id": id}), json!({}), (id, 0)),
    ] {
        let body = policy_body(name, src, dest);
        let path = created(&client, POLICIES, &body).await;
        let shown = read(&client, &path).await;
        assert_eq!(shown["src_registry"]["id"], sides.0, "{shown}");
        assert_eq!(shown["dest_registry"]["id"], sides.1, "{shown}");
        let local = if sides.0 == 0 { &shown["src_registry"] } else { &shown["dest_registry"] };
        assert_eq!(local["name"], "Local");
        for key in ["dest_namespace", "dest_namespace_replace_count", "filters", "enabled"] {
            assert_eq!(shown[key], body[key], "{key}");
        }
        assert_eq!((&shown["speed"], &shown["copy_by_chunk"]), (&json!(0), &json!(false)));
        assert!(shown.get("deletion").is_none(), "{shown}");
        // A change of the schedule, with every property sent again.
        let mut change = body.clone();
        change["trigger"] =
            json!({"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}});
        change["filters"] = json!([]);
        assert_eq!(client.put(&path, &change).await.status, 200);
        let shown = read(&client, &path).await;
        assert_eq!(shown["trigger"], change["trigger"]);
        assert_eq!(shown["filters"], Value::Null);
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
    let nowhere = client.post(POLICIES, &policy_body("nowhere", json!({}), json!({}))).await;
    assert_eq!(nowhere.status, 400, "{}", nowhere.text());
    let unknown = policy_body("unknown", json!({}), json!({"id": 4_711}));
    assert_eq!(client.post(POLICIES, &unknown).await.status, 404);
    destroy(&client, &registry).await;
}

#[tokio::test]
async fn two_remote_sides_are_allowed_and_history_goes_with_the_policy() {
    let (_data, _daemon, client) = daemon().await;
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    from.put_image("team/app", "v1", &[layer(1, 1_000)]);
    let mut ids = Vec::new();
    for (name, registry) in [("from", &from), ("to", &to)] {
        let path = created(&client, REGISTRIES, &registry_body(name, &registry.url())).await;
        ids.push(path.rsplit('/').next().unwrap().parse::<i64>().unwrap());
    }
    let more = json!({"dest_namespace": "n", "dest_namespace_replace_count": 0, "speed": -1});
    let ended = replicate(&client, ids[0], ids[1], more).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(to.tags(), [("n/team/app".to_owned(), "v1".to_owned())]);
    let policy = ended.execution["policy_id"].as_i64().unwrap();
    let execution = format!("{EXECUTIONS}/{}", ended.execution["id"]);
    let task = client.get(&format!("{execution}/tasks/{}", ended.tasks[0]["id"])).await;
    assert_eq!(task.status, 404, "there is no such route");
    destroy(&client, &format!("{POLICIES}/{policy}")).await;
    assert_eq!(client.get(&execution).await.status, 404);
}
