//! What a registry does, and what of it is in the files afterwards.

use super::*;

#[tokio::test]
async fn what_is_pushed_is_there_for_the_next_process_and_for_other_tools() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("layout");
    let first = Spoken::to(directory(&path));
    assert_eq!(first.get("/v2/").await.status, 200);
    assert!(!path.exists(), "looking makes nothing");
    let image_digest = first.put_image("library/alpine", "3.18", b"layer one").await;
    let child = image(b"layer two");
    first.put_blob("library/alpine", b"layer two").await;
    let by_digest = Digest::of(child.to_string().as_bytes());
    first.put_manifest("library/alpine", by_digest.as_str(), &child).await;
    assert_eq!(names(&path).len(), 2, "what waits for its index is kept");
    let index = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": [
        described(MediaType::OCI_MANIFEST, child.to_string().as_bytes())]});
    assert_eq!(first.put_manifest("library/alpine", "multi", &index).await.status, 201);
    let mut referrer = image(b"layer one");
    referrer["subject"] =
        described(MediaType::OCI_MANIFEST, image(b"layer one").to_string().as_bytes());
    referrer["artifactType"] = json!("application/x.sbom");
    referrer["annotations"] = json!({"a": "b"});
    let of = Digest::of(referrer.to_string().as_bytes());
    let put = first.put_manifest("library/alpine", of.as_str(), &referrer).await;
    assert_eq!((put.status, put.header("oci-subject")), (201, image_digest.to_string()));
    let expected = [
        "library/alpine:3.18".to_owned(),
        "library/alpine:multi".to_owned(),
        format!("library/alpine@{of}"),
    ];
    assert_eq!(names(&path), expected);

    // Another process, while the first is there.
    for spoken in [first, Spoken::to(directory(&path))] {
        assert_eq!(spoken.tags("library/alpine").await, ["3.18", "multi"]);
        let catalog = spoken.get("/v2/_catalog").await.json();
        assert_eq!(catalog["repositories"], json!(["library/alpine"]));
        let manifest = spoken.get(&format!("/v2/library/alpine/manifests/{by_digest}")).await;
        assert_eq!((manifest.status, manifest.text()), (200, child.to_string()));
        let elsewhere = spoken.get(&format!("/v2/other/manifests/{by_digest}")).await;
        assert_eq!(elsewhere.status, 404, "manifests are a repository's own");
        let referrers = format!("/v2/library/alpine/referrers/{image_digest}");
        let listed = spoken.get(&referrers).await.json();
        assert_eq!(listed["manifests"][0]["digest"], json!(of));
        assert_eq!(listed["manifests"][0]["artifactType"], "application/x.sbom");
        assert_eq!(listed["manifests"][0]["annotations"], json!({"a": "b"}));
        let blob = format!("/v2/library/alpine/blobs/{}", Digest::of(b"layer two"));
        let part = spoken.ask(Method::GET, &blob, &[("range", "bytes=6-")], b"").await;
        assert_eq!((part.status, part.text()), (206, "two".to_owned()));
    }
}

#[tokio::test]
async fn a_tag_that_moves_lets_go_and_what_is_deleted_is_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let spoken = Spoken::to(directory(scratch.path()));
    let old = spoken.put_image("a", "latest", b"one").await;
    let held = spoken.put_image("a", "kept", b"two").await;
    spoken.put_image("a", "latest", b"two").await;
    assert_eq!(spoken.get(&format!("/v2/a/manifests/{old}")).await.status, 404);
    assert_eq!(names(scratch.path()), ["a:kept", "a:latest"]);
    let delete = async |what: String| spoken.ask(Method::DELETE, &what, &[], b"").await;
    assert_eq!(delete("/v2/a/manifests/kept".to_owned()).await.status, 202);
    assert_eq!(spoken.tags("a").await, ["latest"]);
    assert_eq!(delete(format!("/v2/a/manifests/{held}")).await.status, 202);
    assert_eq!(spoken.get("/v2/_catalog").await.json()["repositories"], json!([]));
}

#[tokio::test]
async fn wrong_bytes_and_early_manifests_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let spoken = Spoken::to(directory(scratch.path()));
    let place = spoken.ask(Method::POST, "/v2/a/blobs/uploads/", &[], b"").await.header("location");
    let other = Digest::of(b"other");
    let put = spoken.ask(Method::PUT, &format!("{place}?digest={other}"), &[], b"bytes").await;
    assert_eq!(put.status, 400);
    assert!(put.text().contains("DIGEST_INVALID"), "{}", put.text());
    assert!(blobs(scratch.path()).is_empty());
    let early = spoken.put_manifest("a", "1", &image(b"layer")).await;
    assert_eq!(early.status, 400);
    assert!(early.text().contains("MANIFEST_BLOB_UNKNOWN"), "{}", early.text());
    let lie = spoken.put_manifest("a", other.as_str(), &image(b"layer")).await;
    assert_eq!(lie.status, 400);
    // Half of a blob that another tool left under the whole one's name.
    spoken.put_blob("a", b"{}").await;
    std::fs::write(
        scratch.path().join(super::super::files::blob_name(&Digest::of(b"layer"))),
        "lay",
    )
    .unwrap();
    assert_eq!(spoken.put_manifest("a", "1", &image(b"layer")).await.status, 400);
    spoken.put_image("a", "1", b"layer").await;
    assert_eq!(spoken.tags("a").await, ["1"]);
}

#[tokio::test]
async fn an_upload_goes_on_in_the_next_process() {
    let scratch = tempfile::tempdir().unwrap();
    let place = {
        let spoken = Spoken::to(directory(scratch.path()));
        let place =
            spoken.ask(Method::POST, "/v2/a/blobs/uploads/", &[], b"").await.header("location");
        let sent = spoken.ask(Method::PATCH, &place, &[("content-range", "0-4")], b"hello").await;
        assert_eq!((sent.status, sent.header("range")), (202, "0-4".to_owned()));
        place
    };
    let digest = Digest::of(b"hello world");
    let spoken = Spoken::to(directory(scratch.path()));
    let held = spoken.get(&place).await;
    assert_eq!((held.status, held.header("range")), (204, "0-4".to_owned()));
    let skipping = spoken.ask(Method::PATCH, &place, &[("content-range", "7-8")], b"rl").await;
    assert_eq!((skipping.status, skipping.header("range")), (416, "0-4".to_owned()));
    let closing = format!("{place}?digest={digest}");
    let put = spoken.ask(Method::PUT, &closing, &[("content-range", "5-10")], b" world").await;
    assert_eq!(put.status, 201, "{}", put.text());
    let mount = format!("/v2/b/blobs/uploads/?mount={digest}&from=a");
    assert_eq!(spoken.ask(Method::POST, &mount, &[], b"").await.status, 201);
    let given_up =
        spoken.ask(Method::POST, "/v2/a/blobs/uploads/", &[], b"").await.header("location");
    assert_eq!(spoken.ask(Method::DELETE, &given_up, &[], b"").await.status, 204);
    assert_eq!(spoken.get(&given_up).await.status, 404);
}

#[tokio::test]
async fn many_pushes_at_once_are_all_in_the_index() {
    let scratch = tempfile::tempdir().unwrap();
    let spoken = Arc::new(Spoken::to(directory(scratch.path())));
    spoken.put_image("a", "0", b"layer").await;
    let pushes = (1..40).map(|number| {
        let spoken = Arc::clone(&spoken);
        tokio::spawn(async move {
            let put = spoken.put_manifest("a", &number.to_string(), &image(b"layer")).await;
            assert_eq!(put.status, 201, "{}", put.text());
        })
    });
    for push in pushes.collect::<Vec<_>>() {
        push.await.unwrap();
    }
    assert_eq!(names(scratch.path()).len(), 40);
    let page = spoken.get("/v2/a/tags/list?n=39").await;
    assert!(page.header("link").contains("rel=\"next\""), "{}", page.header("link"));
    assert_eq!(page.json()["tags"].as_array().unwrap().len(), 39);
}

#[tokio::test]
async fn what_another_tool_wrote_is_read_and_kept() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("my-images");
    let writer = Spoken::to(directory(&path));
    let digest = writer.put_image("x", "3.18", b"layer").await;
    let mut referrer = image(b"layer");
    referrer["subject"] =
        described(MediaType::OCI_MANIFEST, image(b"layer").to_string().as_bytes());
    let of = Digest::of(referrer.to_string().as_bytes());
    writer.put_manifest("x", of.as_str(), &referrer).await;
    // As skopeo and oras have it: a bare tag, and a referrer without a name.
    let mut index = index_of(&path);
    index["manifests"][0]["annotations"] = json!({"org.opencontainers.image.ref.name": "3.18"});
    index["manifests"][0]["platform"] = json!({"os": "linux", "architecture": "s390x"});
    index["manifests"][1].as_object_mut().unwrap().remove("annotations");
    std::fs::write(path.join("index.json"), index.to_string()).unwrap();
    assert_eq!(writer.tags("x").await, [""; 0], "a change by another program is seen");
    assert_eq!(writer.tags("my-images").await, ["3.18"]);
    let listed = writer.get(&format!("/v2/my-images/referrers/{digest}")).await.json();
    assert_eq!(listed["manifests"][0]["digest"], json!(of));
    writer.put_image("y", "1", b"layer").await;
    let now = index_of(&path);
    let entries = now["manifests"].as_array().unwrap();
    assert!(
        index["manifests"].as_array().unwrap().iter().all(|old| entries.contains(old)),
        "{now}"
    );
    // One without any name stands for itself.
    let mut alone = index.clone();
    alone["manifests"].as_array_mut().unwrap().truncate(1);
    alone["manifests"][0].as_object_mut().unwrap().remove("annotations");
    std::fs::write(path.join("index.json"), alone.to_string()).unwrap();
    assert_eq!(writer.tags("my-images").await, ["latest"]);
}
