//! What may not change unseen, and what Harbor would refuse: the frozen plug-in interface, rules
//! between two remote registries. What Harbor's Terraform provider sends is in `terraform`.

use e2e::{
    api::{EXECUTIONS, POLICIES, create_registry, registry, replicate},
    daemon::Daemon,
};
use portolan::core::oci::Digest;
use portolan_testregistry::{Registry, layer};
use serde_json::json;

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

#[tokio::test]
async fn two_remote_sides_are_allowed_and_history_goes_with_the_policy() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    from.put_image("team/app", "v1", &[layer(1, 1_000)]);
    let mut ids = Vec::new();
    for (name, remote) in [("from", &from), ("to", &to)] {
        let body = registry("docker-registry", name, &remote.url(), None);
        ids.push(create_registry(&client, &body).await);
    }
    let more = json!({"dest_namespace": "n", "dest_namespace_replace_count": 0, "speed": -1});
    let ended = replicate(&client, ids[0], ids[1], more).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(to.tags(), [("n/team/app".to_owned(), "v1".to_owned())]);
    let policy = ended.execution["policy_id"].as_i64().unwrap();
    let execution = format!("{EXECUTIONS}/{}", ended.execution["id"]);
    let task = client.get(&format!("{execution}/tasks/{}", ended.tasks[0]["id"])).await;
    assert_eq!(task.status, 404, "there is no such route");
    assert_eq!(client.delete(&format!("{POLICIES}/{policy}")).await.status, 200);
    assert_eq!(client.get(&execution).await.status, 404);
}
