//! Builds the official adapters for `wasm32-wasip2` and writes a table of their bytes.
//!
//! One nested `cargo build` in the same workspace, so that `cargo run` and `cargo test` need no
//! step before them. Its target directory is under `OUT_DIR`: the outer build's lock is not
//! taken. Set `PORTOLAN_PLUGINS_DIR` to a folder of `<provider>.wasm` files to take those instead.
#![allow(
    clippy::disallowed_methods,
    reason = "a build script is told everything by its environment"
)]

#[path = "src/sections.rs"]
mod sections;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use sha2::{Digest as _, Sha256};

/// Folders below `plugins/`, which are the provider ids, in byte order.
const PROVIDERS: &[&str] = &[
    "ali-acr",
    "artifact-hub",
    "aws-ecr",
    "azure-acr",
    "docker-hub",
    "docker-registry",
    "google-gcr",
    "harbor",
    "helm-hub",
    "helm-repository",
    "huawei-SWR",
];

const TARGET: &str = "wasm32-wasip2";

/// What the outer build sets for itself and the nested one must not see.
const NOT_INHERITED: &[&str] = &[
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // The form in which cargo shows a build script's message.
            println!("cargo::error={why}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    println!("cargo::rerun-if-env-changed=PORTOLAN_PLUGINS_DIR");
    let folder = match env::var_os("PORTOLAN_PLUGINS_DIR") {
        Some(prebuilt) if !prebuilt.is_empty() => {
            let prebuilt = PathBuf::from(prebuilt);
            println!("cargo::rerun-if-changed={}", prebuilt.display());
            prebuilt
        }
        _ => {
            for watched in
                ["plugins", "sdk/src", "sdk/Cargo.toml", "wit", "Cargo.toml", "Cargo.lock"]
            {
                println!("cargo::rerun-if-changed={}", root.join(watched).display());
            }
            add_target()?;
            build_guests(&root, &out.join("guests"))?;
            collect(&out)?
        }
    };
    write_table(&folder, &out)
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}"))
}

/// Adds the target with rustup where the toolchain lacks it. `rust-toolchain.toml` names it, but
/// `RUSTUP_AUTO_INSTALL=0` keeps rustup from acting on that.
fn add_target() -> Result<(), String> {
    let rustc = variable("RUSTC")?;
    let mut ask = Command::new(rustc);
    ask.args(["--print", "target-libdir", "--target", TARGET]);
    let libdir = ask.output().ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let has_core = libdir.is_some_and(|dir| {
        fs::read_dir(dir.trim()).is_ok_and(|mut files| {
            files.any(|f| f.is_ok_and(|f| f.file_name().to_string_lossy().starts_with("libcore")))
        })
    });
    if has_core {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]);
    if let Ok(toolchain) = env::var("RUSTUP_TOOLCHAIN") {
        add.args(["--toolchain", &toolchain]);
    }
    match add.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!(
            "the adapters are built for {TARGET}, which this toolchain lacks: run `rustup target add {TARGET}`"
        )),
    }
}

/// The package of a provider: ids may have capital letters, packages do not.
fn package(provider: &str) -> String {
    format!("plugin-{}", provider.to_ascii_lowercase())
}

fn build_guests(root: &Path, target_dir: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root);
    cargo.args(["build", "--locked", "--profile", "guest", "--target", TARGET]);
    for provider in PROVIDERS {
        cargo.args(["-p", &package(provider)]);
    }
    for name in NOT_INHERITED {
        cargo.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        // Profile settings of the outer build, and its features and metadata, are not ours.
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PROFILE_") || text.starts_with("CARGO_FEATURE_") {
            cargo.env_remove(&name);
        }
    }
    cargo.env("CARGO_TARGET_DIR", target_dir);
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("the adapters do not build for wasm32-wasip2; see above".to_owned()),
        Err(e) => Err(format!("cargo could not be started for the adapters: {e}")),
    }
}

/// Writes the components to `<provider>.wasm`, the names a folder of prebuilt ones has too, without
/// what only debuggers read.
fn collect(out: &Path) -> Result<PathBuf, String> {
    let built = out.join("guests").join(TARGET).join("guest");
    for provider in PROVIDERS {
        let from = built.join(format!("{}.wasm", package(provider).replace('-', "_")));
        let to = out.join(format!("{provider}.wasm"));
        let built = fs::read(&from).map_err(|e| format!("{}: {e}", from.display()))?;
        let small = sections::without_debugging(&built)
            .ok_or_else(|| format!("{} is no component", from.display()))?;
        fs::write(&to, small).map_err(|e| format!("{}: {e}", to.display()))?;
    }
    Ok(out.to_path_buf())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The table, and beside it the very bytes whose digests are in it.
fn write_table(folder: &Path, out: &Path) -> Result<(), String> {
    let table = out.join("bundled.rs");
    let mut rows = String::new();
    for provider in PROVIDERS {
        let from = folder.join(format!("{provider}.wasm"));
        let bytes = fs::read(&from).map_err(|e| format!("{}: {e}", from.display()))?;
        let file = out.join(format!("bundled-{provider}.wasm"));
        let path = file.display().to_string();
        fs::write(&file, &bytes).map_err(|e| format!("{path}: {e}"))?;
        let digest = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
        rows.push_str(&format!(
            "    Bundled {{ provider: {provider:?}, bytes: include_bytes!({path:?}), digest: {digest:?} }},\n",
        ));
    }
    let text = format!(
        "/// Every official adapter, by provider id in byte order.\npub static ALL: &[Bundled] = &[\n{rows}];\n"
    );
    fs::write(&table, text).map_err(|e| format!("{}: {e}", table.display()))
}
