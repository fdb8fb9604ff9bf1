//! A signer of the vendor's own, asked request by request: `tests/oracles/*.py`, run by the
//! interpreter that `tests/oracles/install` made.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use crate::oracles;

/// A running script that answers each line with a line. Killed when dropped.
pub struct Signer {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Signer {
    /// Starts a script; `None`, said aloud, where the interpreter is not installed.
    ///
    /// # Panics
    /// When it is installed and does not start.
    pub fn start(script: &str) -> Option<Self> {
        let python = oracles::program("python")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles").join(script);
        let mut command = Command::new(python);
        command.arg("-B").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the interpreter runs");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Some(Self { child, pipes: Mutex::new((input, output)) })
    }

    /// What the script says to `case`. It blocks: doubles of services answer without waiting.
    ///
    /// # Panics
    /// When the script does not answer.
    pub fn ask(&self, case: &Value) -> String {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pipes.0, "{case}").expect("the script reads");
        let mut line = String::new();
        pipes.1.read_line(&mut line).expect("the script answers");
        line.trim_end().to_owned()
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
