//! What `portolan replicate --state` remembers, through the spawned binary.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use e2e::{
    daemon,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Kind, Registry, layer};
use serde_json::json;

const MIB: u64 = 1 << 20;
const SIZE: u64 = 24 * MIB;

async fn registries() -> (Registry, Registry) {
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    (from.await.unwrap(), to.await.unwrap())
}

async fn replicate(home: &Path, from: &Registry, to: &Registry) -> tokio::process::Command {
    let mut command = daemon::command(home).await;
    command.args(["replicate", "--from", &from.url(), "--to", &to.url(), "--state"]);
    command.arg(home.join("state"));
    command
}

#[tokio::test]
async fn a_trusted_state_asks_the_destination_for_no_tag() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = registries().await;
    for tag in 0..3 {
        from.put_image("team/app", &format!("v{tag}"), &[layer(tag, 1_000)]);
    }
    let run = async |options: &[&str]| {
        to.forget_requests();
        let output = replicate(home.path(), &from, &to).await.args(options).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    assert!(run(&[]).await.contains("3 artifacts copied"));
    let text = run(&["--trust-state", "1h"]).await;
    assert!(text.contains("3 there already") && text.contains("3 tags believed"), "{text}");
    assert_eq!(to.total_requests(), to.count(Kind::Ping));
    assert!(run(&[]).await.contains("every tag checked"));
    assert_eq!(to.count(Kind::ManifestHead), 3);
    let mode = std::fs::metadata(home.path().join("state")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut command = replicate(home.path(), &from, &to).await;
    let refused = command.args(["--trust-state", "soon"]).output().await.unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--trust-state: soon is no age"));
}

/// Body bytes of large uploads that the registry was sent.
fn sent(registry: &Registry) -> u64 {
    let uploads = registry.requests().into_iter().filter(|it| it.kind == Kind::UploadPut);
    uploads.map(|it| it.received).filter(|received| *received > MIB / 2).sum()
}

#[tokio::test]
async fn a_killed_copy_goes_on_where_it_was() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = registries().await;
    from.put_image("team/app", "v1", &[layer(1, SIZE as usize)]);
    let stall = from.faults().stall_after(Kind::BlobGet, 18 * MIB);
    let mut command = replicate(home.path(), &from, &to).await;
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    eventually(PATIENCE, "18 MiB have left the source", async || {
        let most = from.requests().iter().map(|it| it.sent).max().unwrap_or_default();
        if most >= 17 * MIB { Ok(()) } else { Err(json!(most)) }
    })
    .await;
    child.kill().await.unwrap();
    eventually(PATIENCE, "the registry sees the cut", async || match sent(&to) {
        0 => Err(json!(to.open_uploads())),
        _ => Ok(()),
    })
    .await;
    drop(stall);
    let before = sent(&to);
    to.forget_requests();
    let output = replicate(home.path(), &from, &to).await.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sent(&to), SIZE - before, "each byte was sent once");
    to.verify_all().unwrap();
}
