//! Image layouts, as directories and as tar files, at either end: by the binary and by a rule, with
//! skopeo as the one who reads and writes them too.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use e2e::{
    daemon::{self, Daemon},
    http::Client,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Child, Digest, Kind, Registry, layer};
use serde_json::{Value, json};
use tokio::process::Command;

/// Two platforms behind an index, an image with two tags, and a signature of it.
fn fill(registry: &Registry) {
    let shared = layer(1, 200_000);
    let children = [("linux/amd64", 2), ("linux/arm64", 3)].map(|(platform, seed)| {
        let layers = [shared.clone(), layer(seed, 30_000)];
        let digest = registry.put_platform_image("team/app", None, platform, &layers);
        Child { digest, platform: platform.to_owned() }
    });
    registry.put_index("team/app", Some("v1"), &children);
    let signed = registry.put_image("team/other", "latest", &[shared, layer(4, 20_000)]);
    registry.put_image("team/other", "old", &[layer(5, 20_000)]);
    registry.put_referrer("team/other", &signed, "application/x.signature", "signed");
}

async fn replicate(home: &Path, from: &str, to: &str, more: &[&str]) -> Output {
    let mut command = daemon::command(home).await;
    command.args(["replicate", "-o", "json", "--from", from, "--to", to]).args(more);
    command.output().await.unwrap()
}

/// What a run that went well says it did.
async fn replicated(home: &Path, from: &str, to: &str) -> Value {
    let output = replicate(home, from, to, &[]).await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn skopeo(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("skopeo").args(arguments).output().await;
    let output = output.expect("skopeo is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "skopeo {arguments:?}: {text}");
    output.stdout
}

/// Every tag is in a layout for skopeo, which copies it out with everything it is made of.
async fn is_for_skopeo(layout: &str, registry: &Registry) {
    for (repository, tag) in registry.tags() {
        let image = format!("{layout}:{repository}:{tag}");
        let raw = skopeo(&["inspect", "--raw", &image]).await;
        assert_eq!(Some(Digest::of(&raw)), registry.tag(&repository, &tag), "{image}");
        let folder = tempfile::tempdir().unwrap();
        let to = format!("dir:{}", folder.path().display());
        skopeo(&["copy", "--all", "--preserve-digests", &image, &to]).await;
    }
}

/// The same tags, and everything they and their referrers are made of.
fn same(from: &Registry, to: &Registry) {
    assert_eq!(from.tags(), to.tags());
    for (repository, tag) in from.tags() {
        assert_eq!(from.tag(&repository, &tag), to.tag(&repository, &tag), "{repository}:{tag}");
    }
    assert_eq!(to.verify_all(), from.verify_all());
}

#[tokio::test]
async fn a_directory_carries_a_registry_to_another() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    fill(&from);
    let layout = format!("oci:{}", home.path().join("transfer").display());
    let first = replicated(home.path(), &from.url(), &layout).await;
    assert_eq!((&first["copied"], &first["complete"]), (&json!(3), &json!(true)), "{first}");
    is_for_skopeo(&layout, &from).await;
    from.forget_requests();
    let second = replicated(home.path(), &from.url(), &layout).await;
    assert_eq!((&second["copied"], &second["bytes"]), (&json!(0), &json!(0)), "{second}");
    assert_eq!((from.count(Kind::BlobGet), from.count(Kind::ManifestGet)), (0, 0));

    replicated(home.path(), &layout, &to.url()).await;
    same(&from, &to);
    to.forget_requests();
    let again = replicated(home.path(), &layout, &to.url()).await;
    assert_eq!((&again["copied"], &again["bytes"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!((to.count(Kind::UploadStart), to.count(Kind::ManifestPut)), (0, 0));
}

#[tokio::test]
async fn a_tar_file_carries_a_registry_to_another_and_is_added_to() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    fill(&from);
    let file = home.path().join("transfer.tar");
    let layout = format!("oci-archive:{}", file.display());
    replicated(home.path(), &from.url(), &layout).await;
    assert!(!home.path().join("transfer.tar.partial").exists());
    is_for_skopeo(&layout, &from).await;
    let written = fs::metadata(&file).unwrap().modified().unwrap();
    replicated(home.path(), &from.url(), &layout).await;
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written, "nothing was new");

    from.put_image("team/more", "1", &[layer(1, 200_000), layer(9, 1_100_000)]);
    from.forget_requests();
    let more = replicated(home.path(), &from.url(), &layout).await;
    assert_eq!(more["copied"], 1, "{more}");
    is_for_skopeo(&layout, &from).await;
    replicated(home.path(), &layout, &to.url()).await;
    same(&from, &to);
}

#[tokio::test]
async fn what_skopeo_wrote_goes_into_a_registry() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    fill(&from);
    for (layout, file) in [("oci:", "my-app"), ("oci-archive:", "packed.tar")] {
        let layout = format!("{layout}{}", home.path().join(file).display());
        let source = format!("docker://{}/team/app:v1", from.host());
        let into = format!("{layout}:v1");
        let tls = "--src-tls-verify=false";
        skopeo(&["copy", "--all", "--preserve-digests", tls, &source, &into]).await;
        replicated(home.path(), &layout, &to.url()).await;
    }
    assert_eq!(to.tag("my-app", "v1"), from.tag("team/app", "v1"));
    assert_eq!(to.tag("packed", "v1"), from.tag("team/app", "v1"));
    to.verify_all().unwrap();
}

#[tokio::test]
async fn a_damaged_blob_does_not_arrive_and_mistakes_are_told() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    let bytes = layer(1, 50_000);
    from.put_image("team/app", "v1", std::slice::from_ref(&bytes));
    let directory = home.path().join("transfer");
    let layout = format!("oci:{}", directory.display());
    replicated(home.path(), &from.url(), &layout).await;
    let digest = Digest::of(&bytes).to_string();
    let blob = directory.join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap());
    let mut spoilt = bytes.to_vec();
    spoilt[25_000] ^= 1;
    fs::write(blob, spoilt).unwrap();
    let output = replicate(home.path(), &layout, &to.url(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("hash to"), "{text}");
    assert!(to.tags().is_empty());
    let absent = format!("oci:{}", home.path().join("absent").display());
    let named = format!("{layout}:team/app:v1");
    for (source, code, told) in [
        (absent.as_str(), 2, "no such file"),
        (named.as_str(), 2, "--repository and --tag choose"),
        ("oci://registry.example.com", 2, "oci:// is for registries"),
        (&format!("oci:{}", home.path().display()), 1, "cannot be used as an image layout"),
    ] {
        let output = replicate(home.path(), source, &to.url(), &[]).await;
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{source}: {text}");
        assert!(text.contains(told), "{source}: {text}");
    }
}

/// Bytes in the files of a directory, by name.
fn sizes(directory: &Path) -> Vec<(PathBuf, u64)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let size = |entry: fs::DirEntry| Some((entry.path(), entry.metadata().ok()?.len()));
    entries.flatten().filter_map(size).collect()
}

#[tokio::test]
async fn kill_nine_in_the_middle_and_go_on() {
    let home = tempfile::tempdir().unwrap();
    let from = Registry::builder().start().await.unwrap();
    for number in 0..6 {
        let layers = [layer(100 + number, 1_500_000)];
        from.put_image(&format!("fleet/ship-{number}"), "v1", &layers);
    }
    let large = layer(200, 24_000_000);
    from.put_image("fleet/tanker", "v1", std::slice::from_ref(&large));
    from.faults().slow(Kind::BlobGet, 3_000_000);
    let directory = home.path().join("transfer.tar.partial");
    let layout = format!("oci-archive:{}", home.path().join("transfer.tar").display());
    let state = home.path().join("state").display().to_string();
    let mut command = daemon::command(home.path()).await;
    command.args(["replicate", "--from", &from.url(), "--to", &layout, "--state", &state]);
    let mut child = command.spawn().unwrap();
    let whole = || sizes(&directory.join("blobs/sha256")).into_iter().filter(|it| it.1 > 1 << 20);
    eventually(PATIENCE, "some is whole and the large one has begun", async || {
        let begun = sizes(&directory.join(".portolan/uploads")).iter().any(|it| it.1 > 12_000_000);
        if begun && whole().count() > 2 { Ok(()) } else { Err(whole().count()) }
    })
    .await;
    child.kill().await.unwrap();
    let there: Vec<_> = whole().map(|(path, _)| path).collect();
    assert!(!home.path().join("transfer.tar").exists());
    from.faults().clear();
    from.forget_requests();
    let output = replicate(home.path(), &from.url(), &layout, &["--state", &state]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let pulled = from.requests().into_iter().filter(|request| request.kind == Kind::BlobGet);
    let pulled: Vec<_> = pulled.collect();
    for blob in there {
        let hex = blob.file_name().unwrap().to_str().unwrap();
        assert!(!pulled.iter().any(|request| request.path.contains(hex)), "{hex} came again");
    }
    let large = Digest::of(&large).to_string();
    let again = pulled.iter().filter(|request| request.path.contains(&large));
    let again: u64 = again.map(|request| request.sent).sum();
    assert!(again < 20_000_000, "{again} bytes of 24 million came again");
    is_for_skopeo(&layout, &from).await;
}

async fn endpoint(client: &Client, name: &str, url: &str) -> i64 {
    let body = json!({"name": name, "type": "docker-registry", "url": url});
    client.post("/api/v2.0/registries", &body).await.created_id()
}

/// Runs a rule of everything to its end.
async fn run(client: &Client, name: &str, from: i64, to: i64) {
    let policy = json!({"name": name, "src_registry": {"id": from}, "dest_registry": {"id": to},
        "enabled": true, "override": true});
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    let body = json!({"policy_id": policy});
    let execution = client.post("/api/v2.0/replication/executions", &body).await.created_id();
    let path = format!("/api/v2.0/replication/executions/{execution}");
    let ended = eventually(PATIENCE, "the execution ends", async || {
        let execution = client.get(&path).await.json();
        if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
    });
    let ended = ended.await;
    assert_eq!(ended["status"], "Succeed", "{ended}");
}

#[tokio::test]
async fn rules_copy_to_and_from_layouts_below_one_directory() {
    let data = tempfile::tempdir().unwrap();
    let layouts = data.path().join("layouts");
    let settings = data.path().join("settings.toml");
    fs::write(&settings, "[layouts]\ndirectory = \"layouts\"\n").unwrap();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    fill(&from);
    let daemon = Daemon::start(data.path(), &["--config", settings.to_str().unwrap()]).await;
    let client = daemon.admin();
    let source = endpoint(&client, "from", &from.url()).await;
    let target = endpoint(&client, "to", &to.url()).await;
    let directory = endpoint(&client, "directory", "oci:transfer").await;
    let shown = client.get(&format!("/api/v2.0/registries/{directory}")).await.json();
    assert_eq!((&shown["url"], &shown["status"]), (&json!("oci:transfer"), &json!("healthy")));
    run(&client, "out", source, directory).await;
    is_for_skopeo(&format!("oci:{}", layouts.join("transfer").display()), &from).await;
    let file = endpoint(&client, "file", "oci:transfer.tar").await;
    run(&client, "pack", directory, file).await;
    eventually(PATIENCE, "the tar file is written", async || {
        if layouts.join("transfer.tar").exists() { Ok(()) } else { Err(sizes(&layouts)) }
    })
    .await;
    is_for_skopeo(&format!("oci-archive:{}", layouts.join("transfer.tar").display()), &from).await;
    run(&client, "in", file, target).await;
    same(&from, &to);
    for bad in ["oci:../elsewhere", "oci:a/b", "oci:.portolan"] {
        let body = json!({"name": "bad", "type": "docker-registry", "url": bad});
        assert_eq!(client.post("/api/v2.0/registries", &body).await.status, 400, "{bad}");
    }
    assert!(daemon.terminate().await.success());

    let without = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(without.path(), &[]).await;
    let body = json!({"name": "none", "type": "docker-registry", "url": "oci:transfer"});
    let refused = daemon.admin().post("/api/v2.0/registries", &body).await;
    assert!(refused.status >= 400 && refused.text().contains("[layouts]"), "{}", refused.text());
}
