//! The library as an appliance has it: built without default features, run with no environment.

use std::{
    path::Path,
    process::{Command, Output},
};

/// Builds and runs the example by the cargo that runs this test, beside its own results.
fn example(component: &Path, home: &Path) -> Output {
    let test = std::env::current_exe().unwrap();
    // target/PROFILE/deps/e2e-HASH
    let folder = test.ancestors().nth(2).unwrap();
    let profile = folder.file_name().unwrap().to_str().unwrap();
    let profile = if profile == "debug" { "dev" } else { profile };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "portolan", "--example", "embed"]);
    cargo.args(["--no-default-features", "--profile", profile, "--target-dir"]);
    cargo.arg(folder.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut embed = Command::new(folder.join("examples/embed"));
    // No PATH and no HOME: nothing can be looked up, and there is no cache to fall back on.
    embed.arg(component).env_clear().current_dir(home).output().unwrap()
}

#[test]
fn an_appliance_runs_two_hosts_with_no_environment() {
    let home = tempfile::tempdir().unwrap();
    let adapters = bundled_plugins::ALL;
    let docker = adapters.iter().find(|adapter| adapter.provider == "docker-registry").unwrap();
    let component = home.path().join("docker_registry.wasm");
    std::fs::write(&component, docker.bytes).unwrap();
    let output = example(&component, home.path());
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    insta::assert_snapshot!(told, @r"
    ship speaks docker-registry (Docker Registry)
    shore speaks docker-registry (Docker Registry)
    not stored (Unreachable)
    ship: 0, shore: 0
    ports opened: 0
    ");
    assert!(output.status.success(), "{}", output.status);
    let left = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(left, 1, "hosts in memory leave no file");
}
