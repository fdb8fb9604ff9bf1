//! One source, several destinations, through the daemon: what leaves the source leaves it once.

use std::collections::HashMap;

use e2e::{
    daemon::Daemon,
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

#[tokio::test]
async fn one_source_to_three_of_debians_reads_each_byte_once() {
    let data = tempfile::tempdir().unwrap();
    let from = Registry::builder().start().await.unwrap();
    for (repository, tag) in [("team/app", 1), ("team/app", 2), ("team/other", 3)] {
        let layers = [layer(9, 12 << 20), layer(tag, 700_000), layer(10 + tag, 3_000)];
        from.put_image(repository, &format!("v{tag}"), &layers);
    }
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
