//! Tar files: written in one pass when the rest is done, read where they lie, added to.

use std::{fs, os::unix::fs::MetadataExt as _};

use super::*;

fn partial(path: &Path) -> PathBuf {
    super::super::files::partial(path)
}

#[tokio::test]
async fn a_tar_file_is_written_once_and_added_to() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("transfer.tar");
    let spoken = Spoken::to(archive(&path));
    let one = spoken.put_image("tools/one", "1", b"layer one").await;
    spoken.put_blob("tools/one", b"nothing leads to it").await;
    assert!(!path.exists() && partial(&path).join("index.json").exists());
    spoken.layouts.seal().await.unwrap();
    assert!(path.exists());
    assert!(!partial(&path).join("index.json").exists());
    let first = fs::metadata(&path).unwrap();
    // Nothing new, nothing written.
    spoken.layouts.seal().await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().ino(), first.ino());
    assert_eq!(spoken.tags("tools/one").await, ["1"]);

    let next = Spoken::to(LayoutPlace { read_only: true, ..archive(&path) });
    assert_eq!(next.tags("tools/one").await, ["1"]);
    let layer = next.get(&format!("/v2/tools/one/blobs/{}", Digest::of(b"layer one"))).await;
    assert_eq!(layer.text(), "layer one");
    let lost = next.get(&format!("/v2/x/blobs/{}", Digest::of(b"nothing leads to it"))).await;
    assert_eq!(lost.status, 404, "only what the index leads to is in it");
    let push = next.ask(Method::POST, "/v2/x/blobs/uploads/", &[], b"").await;
    assert_eq!(push.status, 403);

    // What is in it counts as there.
    let put = spoken.put_manifest("tools/two", "2", &image(b"layer one")).await;
    assert_eq!(put.status, 201, "{}", put.text());
    let next = Spoken::to(LayoutPlace { read_only: true, ..archive(&path) });
    assert_eq!(next.tags("tools/two").await, [""; 0], "not before it is sealed");
    spoken.layouts.seal().await.unwrap();
    let told = "another file is seen by who has the old";
    assert_eq!(next.tags("tools/two").await, ["2"], "{told}");
    for spoken in [Spoken::to(archive(&path)), spoken] {
        assert_eq!(spoken.tags("tools/one").await, ["1"]);
        let manifest = spoken.get("/v2/tools/two/manifests/2").await;
        assert_eq!(manifest.header("docker-content-digest"), one.to_string());
    }
}

#[tokio::test]
async fn what_a_run_left_is_gone_on_with_and_sealed_by_the_next() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("transfer.tar");
    {
        let cut = Spoken::to(archive(&path));
        cut.put_image("a", "1", b"layer").await;
    }
    let next = Spoken::to(archive(&path));
    assert_eq!(next.tags("a").await, ["1"]);
    next.layouts.seal().await.unwrap();
    assert!(path.exists() && !partial(&path).exists());
    let again = Spoken::to(archive(&path));
    again.put_image("a", "2", b"layer").await;
    again.layouts.seal().await.unwrap();
    assert_eq!(again.tags("a").await, ["1", "2"]);
    assert!(!partial(&path).exists());
}
