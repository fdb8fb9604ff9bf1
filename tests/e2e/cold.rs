//! Copies of many small images between two docker-registries, again and again, while other processes
//! take the machine's time: not one tag may fail.
//!
//! Long: `cargo test --workspace --test e2e -- --ignored cold --nocapture`, with `COLD_RUNS` copies
//! (20 unless told).

use std::{process::Stdio, time::Instant};

use e2e::{
    daemon,
    debian::{DockerRegistry, Mode},
    http::Client,
};
use portolan_testregistry::{Digest, Registry, layer};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const REPOSITORIES: u64 = 40;
const TAGS: u64 = 3;
/// Processes that do nothing but take time.
const BUSY: usize = 4;

/// 40 repositories with three tags each; all share a layer, and each tag has one of its own.
fn fill(registry: &Registry) {
    let shared = layer(1, 100_000);
    for number in 0..REPOSITORIES {
        let middle = layer(100 + number, 30_000);
        for tag in 0..TAGS {
            let own = layer(1_000 + number * TAGS + tag, 10_000);
            let layers = [shared.clone(), middle.clone(), own];
            registry.put_image(&format!("small/app-{number:02}"), &format!("v{tag}"), &layers);
        }
    }
}

/// `portolan replicate`, with nothing known of earlier ones; what it printed.
async fn copy(home: &TempDir, from: &str, to: &str) -> String {
    let mut command = daemon::command(home.path()).await;
    let output = command.args(["replicate", "--from", from, "--to", to]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Killed when dropped.
fn busy() -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", "while :; do :; done"]).stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn runs_under_load_lose_no_tag() {
    let told = std::env::vars().find(|(name, _)| name == "COLD_RUNS");
    let runs = told.and_then(|(_, text)| text.parse().ok()).unwrap_or(20);
    let Some(source) = DockerRegistry::start(Mode::default()).await else { return };
    let (home, made) = (tempfile::tempdir().unwrap(), Registry::builder().start().await.unwrap());
    fill(&made);
    copy(&home, &made.url(), source.url()).await;
    let _load: Vec<Child> = (0..BUSY).map(|_| busy()).collect();
    for run in 1..=runs {
        let target = DockerRegistry::start(Mode::default()).await.unwrap();
        let begun = Instant::now();
        let told = copy(&home, source.url(), target.url()).await;
        eprintln!("{run}: {:.1} s, {}", begun.elapsed().as_secs_f64(), told.trim());
        let reader = Client::new(target.url());
        let reader = reader.accept("application/vnd.oci.image.manifest.v1+json");
        for (name, tag) in made.tags() {
            let manifest = reader.get(&format!("/v2/{name}/manifests/{tag}")).await;
            assert_eq!(manifest.status, 200, "{name}:{tag} of run {run}");
            assert_eq!(Some(Digest::of(&manifest.body)), made.tag(&name, &tag), "{name}:{tag}");
        }
    }
}
