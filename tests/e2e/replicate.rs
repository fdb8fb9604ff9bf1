//! The main job: images from one registry to another, by the binary and by the daemon's API.

use std::time::{Duration, Instant};

use e2e::{
    daemon::{self, Daemon},
    debian::{DockerRegistry, Mode, PASSWORD, USER},
    http::Client,
    poll::{PATIENCE, eventually},
    tls::Certificate,
};
use portolan_testregistry::{Child, Digest, Kind, Registry, Request, When, layer};
use serde_json::{Value, json};

/// Two platforms behind an index of indexes, and an image with two tags that shares its layers.
fn fill(registry: &Registry) {
    let shared = layer(1, 200_000);
    let image = |platform: &str, seed| {
        let layers = [shared.clone(), layer(seed, 30_000)];
        let digest = registry.put_platform_image("team/app", None, platform, &layers);
        Child { digest, platform: platform.to_owned() }
    };
    let inner = registry.put_index("team/app", None, &[image("linux/arm64", 2)]);
    let children =
        [image("linux/amd64", 3), Child { digest: inner, platform: "linux/arm64".to_owned() }];
    registry.put_index("team/app", Some("v1"), &children);
    registry.put_image("team/other", "latest", &[shared.clone(), layer(4, 20_000)]);
    registry.put_image("team/other", "old", &[shared, layer(5, 20_000)]);
    registry.put_image("private/thing", "x", &[layer(6, 1_000)]);
}

fn same_tags(from: &Registry, to: &Registry, prefix: &str, repository: &str) {
    for (name, tag) in from.tags().into_iter().filter(|(name, _)| name.starts_with(repository)) {
        let there = to.tag(&format!("{prefix}{name}"), &tag);
        assert_eq!(there, from.tag(&name, &tag), "{name}:{tag}");
    }
}

#[tokio::test]
async fn the_demonstration_replicates_and_verifies() {
    let home = tempfile::tempdir().unwrap();
    let output = daemon::command(home.path()).await.args(["demo", "--once"]).output().await;
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("execution 1: Success, 2 task(s), 0 failed"), "{text}");
    assert!(text.contains("every byte hashes to its digest"), "{text}");
}

#[tokio::test]
async fn one_shot_copies_what_the_globs_select() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().page_cap(2).start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    fill(&from);
    let mut command = daemon::command(home.path()).await;
    command.args(["replicate", "--from", &from.url(), "--to", &to.url()]);
    command.args(["--repository", "team/**", "--dest-namespace", "mirror"]);
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("3 artifacts copied"), "{text}");
    same_tags(&from, &to, "mirror/", "team/");
    assert!(to.tags().iter().all(|(name, _)| name.starts_with("mirror/team/")));
    to.verify_all().unwrap();
}

#[tokio::test]
async fn one_shot_by_list_asks_the_source_for_no_listing_and_repeats_for_free() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    fill(&from);
    let list = home.path().join("list");
    std::fs::write(&list, "# two of three\nteam/app:v1\n\nteam/other:old\n").unwrap();
    let run = async || {
        let mut command = daemon::command(home.path()).await;
        command.args(["replicate", "--from", &from.url(), "--to", &to.url(), "--list"]);
        let output = command.arg(&list).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    assert!(run().await.contains("2 artifacts copied"));
    let listed = from.requests().into_iter().filter(|request| request.path.contains("list"));
    assert_eq!(listed.count(), 0);
    to.verify_all().unwrap();
    to.forget_requests();
    assert!(run().await.contains("0 artifacts copied, 2 there already"));
    let reads = |request: &Request| matches!(request.method.as_str(), "GET" | "HEAD");
    assert!(to.requests().iter().all(reads), "nothing was written: {:?}", to.requests());
}

#[tokio::test]
async fn a_failure_is_told_and_ends_with_status_one() {
    let home = tempfile::tempdir().unwrap();
    let from = Registry::builder().start().await.unwrap();
    fill(&from);
    let mut command = daemon::command(home.path()).await;
    command.args(["replicate", "--from", &from.url(), "--to", "http://127.0.0.1:1"]);
    let output = command.args(["--repository", "private/thing"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    let told = "error: the endpoint --to at http://127.0.0.1:1 is unhealthy: ";
    assert!(text.starts_with(told) && text.contains("refused"), "{text}");
    assert_eq!(text.lines().count(), 1, "once, and not for every repository: {text}");
}

/// Creates an endpoint and returns its id.
pub(crate) async fn endpoint(client: &Client, name: &str, url: &str, more: Value) -> i64 {
    let mut body = json!({"name": name, "type": "docker-registry", "url": url});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    client.post("/api/v2.0/registries", &body).await.created_id()
}

/// The execution once it has ended.
pub(crate) async fn finished(client: &Client, execution: i64) -> Value {
    let path = format!("/api/v2.0/replication/executions/{execution}");
    eventually(PATIENCE, "the execution ends", async || {
        let execution = client.get(&path).await.json();
        if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
    })
    .await
}

/// Starts a rule; the id of its execution.
pub(crate) async fn start(client: &Client, policy: i64) -> i64 {
    let body = json!({"policy_id": policy});
    client.post("/api/v2.0/replication/executions", &body).await.created_id()
}

#[tokio::test]
async fn the_daemon_replicates_from_the_test_registry_to_debians_over_tls() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let from = Registry::builder().start().await.unwrap();
    fill(&from);
    let certificate = Certificate::new();
    let mode = Mode { htpasswd: true, tls: Some(&certificate), ..Mode::default() };
    let Some(to) = DockerRegistry::start(mode).await else { return };
    let source = endpoint(&client, "from", &from.url(), json!({})).await;
    let login = json!({"access_key": USER, "access_secret": PASSWORD});
    let trusted = json!({"credential": login, "ca_certificate": certificate.pem});
    let target = endpoint(&client, "to", to.url(), trusted).await;
    let policy = json!({"name": "p", "src_registry": {"id": source}, "dest_registry": {"id": target},
        "filters": [{"type": "name", "value": "team/*"}, {"type": "tag", "value": "{v*,latest}"}],
        "dest_namespace": "mirror", "dest_namespace_replace_count": 1,
        "enabled": true, "override": true});
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    let execution = start(&client, policy).await;
    let ended = finished(&client, execution).await;
    assert_eq!(ended["status"], "Succeed", "{ended} {:#?}", daemon.log());
    assert_eq!((&ended["total"], &ended["succeed"]), (&json!(2), &json!(2)));
    let tasks = format!("/api/v2.0/replication/executions/{execution}/tasks");
    let tasks = client.get(&tasks).await.json();
    assert_eq!(tasks[0]["status"], "Succeed");
    let log = format!(
        "/api/v2.0/replication/executions/{execution}/tasks/{}/log",
        tasks[0]["id"].as_i64().unwrap()
    );
    let log = client.get(&log).await.text();
    assert!(log.contains("copying") && log.contains("pushed"), "{log}");
    assert_eq!(arrived(&to, &certificate, "mirror/app", "v1").await, from.tag("team/app", "v1"));
    let path = format!("/api/v2.0/registries/{source}");
    assert_eq!(client.delete(&path).await.status, 412);
    assert!(daemon.terminate().await.success());
}

/// The digest that skopeo, trusting the certificate alone, finds under a tag.
async fn arrived(
    to: &DockerRegistry,
    certificate: &Certificate,
    repository: &str,
    tag: &str,
) -> Option<Digest> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.crt"), &certificate.pem).unwrap();
    let place = format!("{}/{repository}:{tag}", to.url().replace("https", "docker"));
    let output = tokio::process::Command::new("skopeo")
        .args(["inspect", "--raw", &format!("--creds={USER}:{PASSWORD}")])
        .arg(format!("--cert-dir={}", folder.path().display()))
        .arg(place)
        .output()
        .await
        .expect("skopeo is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(Digest::of(&output.stdout))
}

#[tokio::test]
async fn kill_nine_in_mid_execution_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    for number in 0..12 {
        let layers = [layer(1, 100_000), layer(100 + number, 200_000)];
        from.put_image(&format!("fleet/ship-{number}"), "v1", &layers);
    }
    from.faults().slow(Kind::BlobGet, 400_000);
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let source = endpoint(&client, "from", &from.url(), json!({})).await;
    let target = endpoint(&client, "to", &to.url(), json!({})).await;
    let policy = json!({"name": "p", "src_registry": {"id": source},
        "dest_registry": {"id": target}, "enabled": true, "override": true});
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    let execution = start(&client, policy).await;
    eventually(PATIENCE, "some of it is there", async || match to.tags().len() {
        0 => Err(to.blobs().len()),
        some => Ok(some),
    })
    .await;
    daemon.kill().await;
    assert!(to.tags().len() < 12, "it was killed in the middle");
    from.faults().clear();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let ended = finished(&client, execution).await;
    assert_eq!(ended["status"], "Succeed", "{ended} {:#?}", daemon.log());
    assert_eq!(ended["total"], 12);
    same_tags(&from, &to, "", "fleet/");
    to.verify_all().unwrap();
}

#[tokio::test]
async fn stop_means_stopped_within_a_second() {
    let data = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    from.put_image("slow/ship", "v1", &[layer(1, 5_000_000)]);
    from.faults().slow(Kind::BlobGet, 50_000);
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let source = endpoint(&client, "from", &from.url(), json!({})).await;
    let target = endpoint(&client, "to", &to.url(), json!({})).await;
    let policy = json!({"name": "p", "src_registry": {"id": source},
        "dest_registry": {"id": target}, "enabled": true});
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    // A machine that does other things as well may be late once, and not three times.
    let mut took = Vec::new();
    while took.len() < 3 && took.iter().all(|took| *took >= Duration::from_secs(1)) {
        let execution = start(&client, policy).await;
        eventually(PATIENCE, "an upload is open", async || match to.open_uploads() {
            0 => Err(()),
            _ => Ok(()),
        })
        .await;
        let path = format!("/api/v2.0/replication/executions/{execution}");
        let before = Instant::now();
        assert_eq!(client.put(&path, &json!({})).await.status, 200);
        assert_eq!(finished(&client, execution).await["status"], "Stopped");
        took.push(before.elapsed());
        assert!(to.tags().is_empty());
    }
    assert!(took.iter().any(|took| *took < Duration::from_secs(1)), "{took:?}");
}

#[tokio::test]
async fn the_first_bytes_move_before_the_last_page_is_listed() {
    let data = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().page_cap(2).start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    for number in 0..5 {
        from.put_image(&format!("fleet/ship-{number}"), "v1", &[layer(number, 1_000)]);
    }
    let last_page = When::from(Kind::Catalog).path("ship%2D3");
    let held = from.faults().stall(last_page);
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let source = endpoint(&client, "from", &from.url(), json!({})).await;
    let target = endpoint(&client, "to", &to.url(), json!({})).await;
    let policy = json!({"name": "p", "src_registry": {"id": source},
        "dest_registry": {"id": target}, "enabled": true});
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    let execution = start(&client, policy).await;
    eventually(PATIENCE, "what is listed arrives", async || match to.tags().len() {
        4 => Ok(()),
        other => Err(other),
    })
    .await;
    let path = format!("/api/v2.0/replication/executions/{execution}");
    assert_eq!(client.get(&path).await.json()["status"], "InProgress");
    drop(held);
    assert_eq!(finished(&client, execution).await["total"], 5);
    to.verify_all().unwrap();
}
