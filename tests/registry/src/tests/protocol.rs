//! The requests of the specification, and its refusals.

use super::client::{get, send};
use crate::{Child, Digest, Kind, Registry, Verified, layer};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

async fn start() -> Registry {
    Registry::builder().start().await.unwrap()
}

#[tokio::test]
async fn a_chunked_upload_goes_on_after_a_wrong_offset_and_can_be_asked_again() {
    let registry = start().await;
    let blob = layer(7, 1000);
    let digest = Digest::of(&blob);
    let opened = send(&registry, "POST /v2/a/b/blobs/uploads/", &[], "").await;
    assert_eq!((opened.status.as_u16(), opened.header("range")), (202, "0-0"));
    let location = opened.header("location").to_owned();
    let patch = |range: &'static str, part| {
        let line = format!("PATCH {location}");
        let registry = &registry;
        async move { send(registry, &line, &[("content-range", range)], part).await }
    };
    let first = patch("0-399", blob.slice(..400)).await;
    assert_eq!((first.status.as_u16(), first.header("range")), (202, "0-399"));
    let skipped = patch("500-599", blob.slice(500..600)).await;
    assert_eq!((skipped.status.as_u16(), skipped.header("range")), (416, "0-399"));
    let short = patch("400-999", blob.slice(400..500)).await;
    assert_eq!((short.status.as_u16(), short.code().as_str()), (400, "SIZE_INVALID"));
    let asked = get(&registry, &location).await;
    assert_eq!((asked.status.as_u16(), asked.header("range")), (204, "0-499"));
    let close = format!("PUT {}&digest={digest}", asked.header("location"));
    let closed = send(&registry, &close, &[("content-range", "500-999")], blob.slice(500..)).await;
    assert_eq!(
        (closed.status.as_u16(), closed.header("docker-content-digest")),
        (201, digest.as_str())
    );
    assert_eq!(get(&registry, closed.header("location")).await.body, blob);
    assert_eq!(get(&registry, &location).await.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn uploads_with_a_wrong_digest_or_too_many_bytes_leave_nothing() {
    let registry = Registry::builder().max_blob_bytes(100).start().await.unwrap();
    let right = Digest::of(b"right");
    let wrong = format!("POST /v2/a/blobs/uploads/?digest={right}");
    let answer = send(&registry, &wrong, &[], "wrong").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "DIGEST_INVALID"));
    let answer = send(&registry, &wrong, &[], vec![0; 101]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "SIZE_INVALID"));
    assert_eq!((registry.blobs(), registry.open_uploads()), (vec![], 0));
    assert_eq!(send(&registry, &wrong, &[], "right").await.status, 201);
    assert_eq!(registry.blobs(), [("a".to_owned(), right)]);
    let opened = send(&registry, "POST /v2/a/blobs/uploads/", &[], "").await;
    let cancel = format!("DELETE {}", opened.header("location"));
    assert_eq!(send(&registry, &cancel, &[], "").await.status, 204);
    assert_eq!(send(&registry, &cancel, &[], "").await.status, 404);
}

#[tokio::test]
async fn blobs_are_mounted_where_the_source_has_them() {
    let registry = start().await;
    let digest = registry.put_blob("from", "blob");
    let mount = |from| format!("POST /v2/to/blobs/uploads/?mount={digest}&from={from}");
    assert_eq!(send(&registry, &mount("elsewhere"), &[], "").await.status, 202);
    assert_eq!(send(&registry, &mount("from"), &[], "").await.status, 201);
    assert_eq!(get(&registry, &format!("/v2/to/blobs/{digest}")).await.body, "blob");
    registry.faults().refuse_mount();
    assert_eq!(send(&registry, &mount("from"), &[], "").await.status, 202);
    assert_eq!(registry.count(Kind::Mount), 3);
}

#[tokio::test]
async fn blobs_answer_head_ranges_and_deletion() {
    let registry = start().await;
    let digest = registry.put_blob("a", "0123456789");
    let path = format!("/v2/a/blobs/{digest}");
    let head = send(&registry, &format!("HEAD {path}"), &[], "").await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "10"));
    let part = send(&registry, &format!("GET {path}"), &[("range", "bytes=3-5")], "").await;
    assert_eq!((part.status.as_u16(), part.body.as_ref()), (206, b"345".as_ref()));
    assert_eq!(part.header("content-range"), "bytes 3-5/10");
    let beyond = send(&registry, &format!("GET {path}"), &[("range", "bytes=10-")], "").await;
    assert_eq!(beyond.status, 416);
    assert_eq!(send(&registry, &format!("DELETE {path}"), &[], "").await.status, 202);
    assert_eq!(get(&registry, &path).await.code(), "BLOB_UNKNOWN");
}

#[tokio::test]
async fn manifests_are_taken_only_when_everything_they_name_is_there() {
    let registry = start().await;
    let source = start().await;
    let blob = layer(1, 64);
    source.put_image("a", "v1", std::slice::from_ref(&blob));
    let bytes = source.manifest("a", "v1").unwrap();
    let typed = [("content-type", MANIFEST)];
    let put = |reference: &str| format!("PUT /v2/a/manifests/{reference}");
    let refused = send(&registry, &put("v1"), &typed, bytes.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "MANIFEST_BLOB_UNKNOWN"));
    for (_, digest) in source.blobs() {
        let blob = get(&source, &format!("/v2/a/blobs/{digest}")).await.body;
        registry.put_blob("a", blob);
    }
    let other = [("content-type", "application/json")];
    let code = |answer: super::client::Answer| answer.code();
    assert_eq!(code(send(&registry, &put("v1"), &other, bytes.clone()).await), "MANIFEST_INVALID");
    assert_eq!(code(send(&registry, &put("v1"), &typed, "not json").await), "MANIFEST_INVALID");
    assert_eq!(code(send(&registry, &put("-v"), &typed, bytes.clone()).await), "TAG_INVALID");
    let foreign = put(Digest::of(b"other").as_str());
    assert_eq!(code(send(&registry, &foreign, &typed, bytes.clone()).await), "DIGEST_INVALID");
    let by_digest = put(&format!("{}?tag=x&tag=y", Digest::of(&bytes)));
    assert_eq!(send(&registry, &by_digest, &typed, bytes.clone()).await.status, 201);
    assert_eq!(send(&registry, &put("v1"), &typed, bytes.clone()).await.status, 201);
    let tags: Vec<_> = registry.tags().into_iter().map(|(_, tag)| tag).collect();
    assert_eq!(tags, ["v1", "x", "y"]);
    let read = get(&registry, "/v2/a/manifests/v1").await;
    assert_eq!((read.header("content-type"), &read.body), (MANIFEST, &bytes));
    let whole = Verified { repositories: 1, tags: 3, manifests: 1, blobs: 2 };
    assert_eq!(registry.verify_all(), Ok(whole));
    let too_large = vec![b' '; (4 << 20) + 1];
    assert_eq!(send(&registry, &put("v1"), &typed, too_large).await.status, 413);
}

#[tokio::test]
async fn deleting_a_tag_keeps_its_siblings_and_deleting_a_digest_does_not() {
    let registry = start().await;
    let digest = registry.put_image("a", "v1", &[]);
    registry.put_image("a", "v2", &[]);
    assert_eq!(send(&registry, "DELETE /v2/a/manifests/v1", &[], "").await.status, 202);
    assert_eq!(registry.tags(), [("a".to_owned(), "v2".to_owned())]);
    let by_digest = format!("DELETE /v2/a/manifests/{digest}");
    assert_eq!(send(&registry, &by_digest, &[], "").await.status, 202);
    assert!(get(&registry, "/v2/a/tags/list").await.json()["tags"].is_null());
    let strict = Registry::builder().tag_delete(false).start().await.unwrap();
    strict.put_image("a", "v1", &[]);
    let refused = send(&strict, "DELETE /v2/a/manifests/v1", &[], "").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "DIGEST_INVALID"));
    let closed = Registry::builder().delete(false).start().await.unwrap();
    assert_eq!(send(&closed, "DELETE /v2/a/manifests/v1", &[], "").await.status, 405);
}

#[tokio::test]
async fn listings_are_paged_by_n_last_and_the_cap() {
    let registry = Registry::builder().page_cap(2).start().await.unwrap();
    for tag in ["a", "b", "c", "d", "e"] {
        registry.put_image(&format!("lib/{tag}"), "v1", &[]);
        registry.put_image("app", tag, &[]);
    }
    for (path, key, count) in
        [("/v2/app/tags/list", "tags", 5), ("/v2/_catalog", "repositories", 6)]
    {
        let (mut next, mut seen) = (path.to_owned(), Vec::new());
        while !next.is_empty() {
            let page = get(&registry, &next).await;
            let names = page.json()[key].as_array().unwrap().clone();
            assert!(names.len() <= 2, "{next}");
            seen.extend(names);
            let link = page.header("link");
            assert!(link.is_empty() || link.ends_with("; rel=\"next\""), "{link}");
            next = link.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        }
        assert_eq!(seen.len(), count, "{path}");
    }
    let one = get(&registry, "/v2/app/tags/list?n=1&last=b").await;
    assert_eq!(one.json()["tags"], serde_json::json!(["c"]));
    assert_eq!(get(&registry, "/v2/_catalog?n=x").await.code(), "PAGINATION_NUMBER_INVALID");
    assert_eq!(get(&registry, "/v2/none/tags/list").await.code(), "NAME_UNKNOWN");
    assert_eq!(get(&registry, "/v2/Upper/tags/list").await.code(), "NAME_INVALID");
}

#[tokio::test]
async fn referrers_are_listed_filtered_and_announced() {
    let registry = start().await;
    let subject = registry.put_image("a", "v1", &[]);
    registry.put_referrer("a", &subject, "application/x.sig", "s");
    let path = format!("/v2/a/referrers/{subject}");
    let all = get(&registry, &path).await;
    assert_eq!(all.json()["manifests"][0]["artifactType"], "application/x.sig");
    let none = get(&registry, &format!("{path}?artifactType=application%2Fother")).await;
    assert_eq!(none.json()["manifests"], serde_json::json!([]));
    assert_eq!(none.header("oci-filters-applied"), "artifactType");
    let zero = format!("/v2/a/referrers/sha256:{}", "0".repeat(64));
    assert_eq!(get(&registry, &zero).await.status, 200);
    let without = Registry::builder().referrers(false).start().await.unwrap();
    assert_eq!(get(&without, &path).await.status, 404);
}

#[tokio::test]
async fn verification_names_what_is_missing() {
    let registry = start().await;
    let digest = registry.put_platform_image("a", None, "linux/arm64", &[layer(1, 10)]);
    registry.put_index("a", Some("all"), &[Child { digest, platform: "linux/arm64".into() }]);
    let whole = Verified { repositories: 1, tags: 1, manifests: 2, blobs: 2 };
    assert_eq!(registry.verify_all(), Ok(whole));
    let gone = Digest::of(&layer(1, 10));
    send(&registry, &format!("DELETE /v2/a/blobs/{gone}"), &[], "").await;
    assert_eq!(registry.verify_all(), Err(vec![format!("a:all: {gone} is missing")]));
}
