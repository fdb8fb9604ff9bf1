//! Somebody at a terminal: lines that are typed into a shell, and what comes of them.

use std::{os::unix::fs::symlink, path::PathBuf, process::Stdio};

use e2e::{
    daemon::{self, Daemon},
    poll::{PATIENCE, eventually},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::redact::redact;

/// One transcript as it grows.
pub(super) struct Session {
    home: TempDir,
    pub(super) daemon: Option<Daemon>,
    /// Texts of this run, and what stands for them.
    names: Vec<(String, String)>,
    text: String,
}

impl Session {
    /// Without a daemon.
    pub(super) async fn alone() -> Self {
        let home = tempfile::tempdir().unwrap();
        // Adapters that other tests compiled.
        let shared = daemon::binary().await.parent().unwrap().join("compiled-adapters");
        std::fs::create_dir_all(home.path().join(".cache")).unwrap();
        std::fs::create_dir_all(&shared).unwrap();
        symlink(shared, home.path().join(".cache/portolan")).unwrap();
        let names = vec![(home.path().display().to_string(), "HOME".to_owned())];
        Self { home, daemon: None, names, text: String::new() }
    }

    /// With one whose data is in `data`, and whose settings are these.
    pub(super) async fn start(settings: &str) -> Self {
        let mut session = Self::alone().await;
        session.file("settings.toml", settings);
        let config = session.path("settings.toml").display().to_string();
        let daemon = Daemon::start(&session.path("data"), &["--config", &config]).await;
        session.name(daemon.url(), "http://DAEMON");
        session.daemon = Some(daemon);
        session
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// What stands for a text of this run.
    pub(super) fn name(&mut self, found: &str, shown: &str) {
        self.names.push((found.to_owned(), shown.to_owned()));
    }

    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Types a line, with the names of this run for what they stand for, and takes down what is seen.
    pub(super) async fn run(&mut self, line: &str) {
        let servers = self.names.iter().filter(|(_, shown)| shown.starts_with("http"));
        let typed =
            servers.fold(line.to_owned(), |line, (found, shown)| line.replace(shown, found));
        let output = self.shell(&typed).await.output().await.unwrap();
        self.text.push_str(&format!("\n$ {line}\n"));
        let seen = |bytes: &[u8]| redact(&String::from_utf8_lossy(bytes), &self.names);
        self.text.push_str(&seen(&output.stdout));
        for line in seen(&output.stderr).lines() {
            self.text.push_str(&format!("! {line}\n"));
        }
        if !output.status.success() {
            self.text.push_str(&format!("[status {}]\n", output.status.code().unwrap()));
        }
    }

    /// Every line of a text that is not empty.
    pub(super) async fn lines(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.run(line).await;
        }
    }

    /// Asks, off the record, until the JSON that is printed is as it should be.
    pub(super) async fn wait_for(&self, line: &str, fits: impl Fn(&Value) -> bool) {
        eventually(PATIENCE, line, async || {
            let output = self.shell(line).await.output().await.unwrap();
            let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
            if fits(&value) { Ok(()) } else { Err(value) }
        })
        .await;
    }

    async fn shell(&self, line: &str) -> Command {
        let program = daemon::binary().await.parent().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.home.path()).stdin(Stdio::null());
        shell.env_clear().env("HOME", self.home.path()).kill_on_drop(true);
        shell.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
        if self.daemon.is_some() {
            shell.env("PORTOLAN_SERVER", "unix:data/portolan.sock");
        }
        shell
    }

    /// Compares the whole with the transcript of this name.
    pub(super) fn end(self, name: &str) {
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            snapshot_path => "transcripts",
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, self.text);
        });
    }
}
