//! The real binary as a child process: built once, started on a free port, watched, killed.
//!
//! Cargo hands a test the path of a binary only within the binary's own package, and builds a
//! dependency's library but not its binary. So the first test that needs it asks cargo for it,
//! with the profile the test itself was built with; that is a no-op when it is there.

use std::{
    fs::DirBuilder,
    os::unix::fs::{DirBuilderExt as _, symlink},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    sync::OnceCell,
    time::timeout,
};

use crate::{
    http::Client,
    poll::{PATIENCE, eventually},
};

/// The administrator's password of every daemon started here.
pub const PASSWORD: &str = "Correct-Horse-1";

/// Lines of standard error kept.
const LINES: usize = 20_000;

type Lines = Arc<Mutex<Vec<String>>>;

/// A running daemon. Killed when dropped.
pub struct Daemon {
    child: Child,
    lines: Lines,
    url: String,
}

/// The path of the `portolan` binary, built on the first call.
///
/// # Panics
/// When it cannot be built.
pub async fn binary() -> &'static Path {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    BINARY.get_or_init(build).await
}

async fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    // target/PROFILE/deps/e2e-HASH
    let folder = test.ancestors().nth(2).expect("cargo's layout").to_owned();
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("cargo's layout");
    let profile = if profile == "debug" { "dev" } else { profile };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).args(["build", "--bin", "portolan", "--profile", profile]);
    cargo.arg("--target-dir").arg(folder.parent().expect("cargo's layout"));
    // ring's build script is run again wherever what cargo says of *this* package is another.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let of_package = name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_");
        if of_package || name == "OUT_DIR" {
            cargo.env_remove(&*name);
        }
    }
    let status = cargo.status().await.expect("cargo runs");
    assert!(status.success(), "`cargo build --bin portolan` failed; the reason stands above");
    folder.join("portolan")
}

/// The binary with an environment of its own: nothing of the developer's leaks in.
pub async fn command(home: &Path) -> Command {
    let mut command = Command::new(binary().await);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).kill_on_drop(true);
    command
}

/// Lets a new data directory keep its compiled adapters beside the binary, where those of the
/// daemons before are: each would be busy for half a minute otherwise. What is there is checked
/// by the daemon as if it were its own.
fn share_compiled(data_dir: &Path) -> std::io::Result<()> {
    let test = std::env::current_exe()?;
    let shared = test.ancestors().nth(2).unwrap_or(data_dir).join("compiled-adapters");
    DirBuilder::new().recursive(true).mode(0o700).create(&shared)?;
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    match symlink(shared, data_dir.join("compiled")) {
        // It was started before.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

impl Daemon {
    /// `portolan serve` on a free port, with its data in `data_dir` and more arguments.
    ///
    /// # Panics
    /// When it does not say that it listens.
    pub async fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command = command(data_dir).await;
        share_compiled(data_dir).expect("a directory can be made");
        command.arg("serve").arg("--data-dir").arg(data_dir);
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        command.env("PORTOLAN_ADMIN_PASSWORD", PASSWORD);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary starts");
        let lines = Lines::default();
        let stderr = child.stderr.take().expect("it is piped");
        tokio::spawn(keep(stderr, Arc::clone(&lines)));
        let mut daemon = Self { child, lines, url: String::new() };
        daemon.url = daemon.wait_for_address().await;
        daemon
    }

    async fn wait_for_address(&mut self) -> String {
        let address = |line: &String| {
            let (_, rest) = line.split_once("listening on ")?;
            let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
            rest.get(..end).filter(|url| url.starts_with("http")).map(str::to_owned)
        };
        eventually(PATIENCE, "the daemon listens", async || {
            match self.log().iter().find_map(address) {
                Some(url) => Ok(Ok(url)),
                None => match self.child.try_wait() {
                    Ok(Some(status)) => Ok(Err(format!("it ended: {status}; {:#?}", self.log()))),
                    _ => Err(self.log()),
                },
            }
        })
        .await
        .unwrap_or_else(|ended| panic!("{ended}"))
    }

    /// `http://127.0.0.1:PORT`, with `https` where it serves TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client with the administrator's credentials.
    pub fn admin(&self) -> Client {
        Client::new(&self.url).basic("admin", PASSWORD)
    }

    /// What it has written to standard error.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// kill -9, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// SIGTERM, and waits for it to end by itself.
    pub async fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().await;
        assert!(sent.expect("kill runs").success());
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.expect("it can be waited for"),
            Err(_) => panic!("it does not end on SIGTERM: {:#?}", self.log()),
        }
    }
}

async fn keep(stderr: ChildStderr, lines: Lines) {
    let mut reader = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES {
            lines.push(line);
        }
    }
}
