//! Builds the guests of `guests/` with one nested cargo and tells the harness where they are. They
//! are no members of the workspace: a third party has only `wit/` to build from.
#![allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts by variables")]

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Folder names of the guests, and the variables that hold the paths of their components.
const GUESTS: [(&str, &str); 6] = [
    ("describe-calls-http", "GUEST_DESCRIBE_CALLS_HTTP"),
    ("hostile", "GUEST_HOSTILE"),
    ("other-world", "GUEST_OTHER_WORLD"),
    ("third-party", "GUEST_THIRD_PARTY"),
    ("wasi-sockets", "GUEST_WASI_SOCKETS"),
    ("wrong-world", "GUEST_WRONG_WORLD"),
];

const TARGET: &str = "wasm32-wasip2";

/// What this build's own settings must not leak into the guests: clippy, coverage, a target.
const FOREIGN: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
];

fn main() {
    for watched in ["build.rs", "guests", "../wit"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let target_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("guests");
    ensure_target();
    // Without the network first: a build must not wait for one that it does not need.
    if !build(&target_dir, &["--offline"]) && !build(&target_dir, &[]) {
        panic!("the guests of tests/guests do not build; the reason stands above");
    }
    for (folder, variable) in GUESTS {
        let file = format!("{}.wasm", folder.replace('-', "_"));
        let path = target_dir.join(TARGET).join("release").join(file);
        assert!(path.is_file(), "{} was not built", path.display());
        println!("cargo::rustc-env={variable}={}", path.display());
    }
}

fn build(target_dir: &Path, more: &[&str]) -> bool {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo.current_dir("guests").args(["build", "--release", "--locked", "--target", TARGET]);
    cargo.arg("--target-dir").arg(target_dir).args(more);
    for name in FOREIGN {
        cargo.env_remove(name);
    }
    let profiles = env::vars_os().map(|(name, _)| name);
    for name in profiles.filter(|name| name.to_string_lossy().starts_with("CARGO_PROFILE_")) {
        cargo.env_remove(name);
    }
    cargo.status().is_ok_and(|status| status.success())
}

/// Adds the target with rustup where its standard library is missing.
fn ensure_target() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed =
        Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder = printed.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let has_core = folder.is_some_and(|folder| {
        let files = std::fs::read_dir(folder.trim()).into_iter().flatten().flatten();
        files.map(|file| file.file_name()).any(|name| name.to_string_lossy().contains("libcore"))
    });
    let added = has_core
        || Command::new("rustup")
            .args(["target", "add", TARGET])
            .status()
            .is_ok_and(|status| status.success());
    assert!(added, "the target {TARGET} is missing: run `rustup target add {TARGET}`");
}
