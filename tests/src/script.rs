//! Scripts of `tests/oracles` that play a service with software of others, and talk in lines of
//! JSON.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{oracles, poll::PATIENCE};

/// A running script. Killed when dropped.
pub struct Script {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Script {
    /// Starts a script; `None`, said aloud, where `tests/oracles/install` was not run.
    ///
    /// # Panics
    /// When it is installed and does not start.
    pub fn start(name: &str) -> Option<Self> {
        let mut command = Command::new(oracles::program("python")?);
        command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles").join(name));
        // Nothing of the developer's account with a vendor leaks in.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("PYTHONUNBUFFERED", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the interpreter runs");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Some(Self { _child: child, input, output })
    }

    /// The next thing it says.
    ///
    /// # Panics
    /// When it says nothing, or no JSON.
    pub async fn hear(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line()).await.expect("it says something");
        let line = line.expect("text").expect("it goes on; its reason stands above");
        serde_json::from_str(&line).expect("JSON")
    }

    /// What it says to a question.
    ///
    /// # Panics
    /// As [`Script::hear`].
    pub async fn ask(&mut self, question: &Value) -> Value {
        let line = format!("{question}\n");
        self.input.write_all(line.as_bytes()).await.expect("it listens");
        self.hear().await
    }
}
