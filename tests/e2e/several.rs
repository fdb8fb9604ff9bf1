//! One source, several destinations, through the daemon and by `replicate`: what leaves the source
//! leaves it once.

use std::{collections::HashMap, process::Output};

use e2e::{
    daemon::{self, Daemon},
    debian::{DockerRegistry, Mode},
    http::Client,
};
use portolan_testregistry::{Digest, Kind, Registry, layer};
use serde_json::json;

use crate::replicate::{endpoint, finished, start};

/// Bytes of blobs and manifests that the source sent, and how many they are, each once.
fn read(from: &Registry) -> (u64, u64) {
    let requests = from.requests().into_iter();
    let mut once = HashMap::new();
    let mut all = 0;
    for request in requests.filter(|it| matches!(it.kind, Kind::BlobGet | Kind::ManifestGet)) {
        all += request.sent;
        once.insert(request.path, request.sent);
    }
    (all, once.values().sum())
}

/// Three images that share a large layer.
fn fill(from: &Registry) {
    for (repository, tag) in [("team/app", 1), ("team/app", 2), ("team/other", 3)] {
        let layers = [layer(9, 12 << 20), layer(tag, 700_000), layer(10 + tag, 3_000)];
        from.put_image(repository, &format!("v{tag}"), &layers);
    }
}

#[tokio::test]
async fn one_source_to_three_of_debians_reads_each_byte_once() {
    let data = tempfile::tempdir().unwrap();
    let from = Registry::builder().start().await.unwrap();
    fill(&from);
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let source = endpoint(&client, "from", &from.url(), json!({})).await;
    let (mut registries, mut destinations) = (Vec::new(), Vec::new());
    for number in 0..3 {
        let Some(to) = DockerRegistry::start(Mode::default()).await else { return };
        let id = endpoint(&client, &format!("to-{number}"), to.url(), json!({})).await;
        destinations.push(json!({"registry": {"id": id}}));
        registries.push(to);
    }
    let policy = json!({"name": "p", "src_registry": {"id": source},
        "destinations": destinations, "enabled": true, "override": true});
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    let ended = finished(&client, start(&client, policy).await).await;
    assert_eq!(ended["status"], "Succeed", "{ended} {:#?}", daemon.log());
    assert_eq!(ended["total"], 6);
    let (all, once) = read(&from);
    assert_eq!(all, once, "{:#?}", from.requests());
    assert!(once > 12 << 20, "{once}");
    for to in &registries {
        let registry = Client::new(to.url()).accept("application/vnd.oci.image.manifest.v1+json");
        for (repository, tag) in from.tags() {
            let path = format!("/v2/{repository}/manifests/{tag}");
            let there = registry.get(&path).await;
            assert_eq!(Some(Digest::of(&there.body)), from.tag(&repository, &tag), "{path}");
        }
    }
}

async fn replicate(home: &std::path::Path, ends: &[&str]) -> Output {
    let mut command = daemon::command(home).await;
    command.arg("replicate").args(ends).output().await.unwrap()
}

fn same_tags(from: &Registry, to: &Registry) {
    assert_eq!(from.tags(), to.tags());
    for (repository, tag) in from.tags() {
        assert_eq!(from.tag(&repository, &tag), to.tag(&repository, &tag), "{repository}:{tag}");
    }
    to.verify_all().unwrap();
}

#[tokio::test]
async fn one_shot_to_two_registries_and_a_tar_file_reads_each_byte_once() {
    let home = tempfile::tempdir().unwrap();
    let (from, open) = (Registry::builder().start(), Registry::builder().start());
    let (from, open) = (from.await.unwrap(), open.await.unwrap());
    let closed = Registry::builder().basic("ci", "sesame").start().await.unwrap();
    fill(&from);
    let (file, secret) = (home.path().join("all.tar"), home.path().join("secret"));
    std::fs::write(&secret, "sesame\n").unwrap();
    let (file, secret) = (format!("oci-archive:{}", file.display()), secret.display().to_string());
    let (source, open_url, closed_url) = (from.url(), open.url(), closed.url());
    let mut ends = vec!["--from", &source, "--to", &open_url, "--to", &file, "--to", &closed_url];
    ends.extend(["--to-access-id", "", "--to-access-id", "ci"]);
    ends.extend(["--to-access-secret-file", "", "--to-access-secret-file", &secret]);
    let output = replicate(home.path(), &ends).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("9 artifacts copied to 3 destinations, 0 there already"), "{text}");
    let (all, once) = read(&from);
    assert_eq!(all, once, "{:#?}", from.requests());
    assert!(once > 12 << 20, "{once}");
    same_tags(&from, &open);
    same_tags(&from, &closed);
    let sent = open.requests().into_iter().filter(|it| it.authorization.is_some());
    assert_eq!(sent.count(), 0, "the secret of one went to another");
    let last = Registry::builder().start().await.unwrap();
    let output = replicate(home.path(), &["--from", &file, "--to", &last.url()]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    same_tags(&from, &last);
}

#[tokio::test]
async fn one_of_several_that_refuses_is_named_and_holds_up_nobody() {
    let home = tempfile::tempdir().unwrap();
    let (from, good) = (Registry::builder().start(), Registry::builder().start());
    let (from, good) = (from.await.unwrap(), good.await.unwrap());
    let bad = Registry::builder().start().await.unwrap();
    from.put_image("team/app", "v1", &[layer(1, 700_000)]);
    bad.faults().status_always(Kind::ManifestPut, 403);
    let ends = ["--from", &from.url(), "--to", &bad.url(), "--to", &good.url()];
    let output = replicate(home.path(), &ends).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("team/app to {}: ", bad.url())), "{told}");
    assert!(told.contains("not everything is at the destination: 1 failure"), "{told}");
    same_tags(&from, &good);
    assert_eq!(bad.tags(), []);
}
