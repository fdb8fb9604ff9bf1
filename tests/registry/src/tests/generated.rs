//! Content that is computed, and pushes that are swallowed.

use super::client::{get, send};
use crate::{Digest, Registry};

#[tokio::test]
async fn what_is_generated_is_listed_page_by_page_and_hashes_to_its_digest() {
    let registry = Registry::builder().generated(5, 3).page_cap(2).start().await.unwrap();
    let page = get(&registry, "/v2/_catalog?last=generated/r0000001").await;
    let names = serde_json::json!(["generated/r0000002", "generated/r0000003"]);
    assert_eq!(page.json()["repositories"], names);
    assert!(page.header("link").contains("last=generated%2Fr0000003"), "{}", page.header("link"));
    let tags = get(&registry, "/v2/generated/r0000004/tags/list?last=v0000001").await;
    assert_eq!(
        (tags.json()["tags"].to_string().as_str(), tags.header("link")),
        ("[\"v0000002\"]", "")
    );
    let mut digests = std::collections::HashSet::new();
    for (repository, tag) in [(0, 0), (0, 2), (4, 2)] {
        let base = format!("/v2/generated/r{repository:07}");
        let manifest = get(&registry, &format!("{base}/manifests/v{tag:07}")).await;
        let digest = Digest::of(&manifest.body);
        assert_eq!(manifest.header("docker-content-digest"), digest.as_str());
        let same = get(&registry, &format!("{base}/manifests/{digest}")).await;
        assert_eq!(same.body, manifest.body);
        let document = manifest.json();
        for blob in [&document["config"], &document["layers"][0]] {
            let (digest, size) = (blob["digest"].as_str().unwrap(), blob["size"].as_u64().unwrap());
            let bytes = get(&registry, &format!("{base}/blobs/{digest}")).await.body;
            assert_eq!((Digest::of(&bytes).as_str(), bytes.len() as u64), (digest, size));
        }
        assert!(digests.insert(document["config"]["digest"].to_string()));
    }
    for gone in [
        "/v2/generated/r0000005/tags/list",
        "/v2/generated/r0000004/manifests/v0000003",
        "/v2/generated/r0000005/manifests/v0000000",
    ] {
        assert_eq!(get(&registry, gone).await.status, 404, "{gone}");
    }
}

#[tokio::test]
async fn what_is_swallowed_is_checked_and_counted_and_gone() {
    let registry = Registry::builder().swallows().start().await.unwrap();
    let blob = Digest::of(b"right");
    let push = format!("POST /v2/a/blobs/uploads/?digest={blob}");
    assert_eq!(send(&registry, &push, &[], "wrong").await.code(), "DIGEST_INVALID");
    assert_eq!(send(&registry, &push, &[], "right").await.status, 201);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
        "config":{{"mediaType":"x","digest":"{blob}","size":5}},"layers":[]}}"#
    );
    let put = send(&registry, "PUT /v2/a/manifests/v1", &[], manifest.clone()).await;
    assert_eq!(put.status, 201);
    assert_eq!(put.header("docker-content-digest"), Digest::of(manifest.as_bytes()).as_str());
    assert!(registry.tags().is_empty() && registry.blobs().is_empty());
    assert_eq!(registry.count(crate::Kind::ManifestPut), 1);
}
