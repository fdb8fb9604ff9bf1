//! A signer of the vendor's own, asked request by request: `tests/oracles/*.py`, run by the
//! interpreter that `tests/oracles/install` made.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

/// A running script that answers each line with a line. Killed when dropped.
pub(super) struct Oracle {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Oracle {
    /// Starts a script; `None`, said aloud, where the interpreter is not installed.
    pub(super) fn start(script: &str) -> Option<Self> {
        let Some(python) = python().filter(|python| python.exists()) else {
            eprintln!("SKIPPED: {script} cannot be asked; run tests/oracles/install");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles").join(script);
        let mut command = Command::new(python);
        command.arg("-B").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the interpreter runs");
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { child, pipes: Mutex::new(pipes) })
    }

    /// What the script says to `case`.
    pub(super) fn ask(&self, case: &Value) -> String {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pipes.0, "{case}").expect("the script reads");
        let mut line = String::new();
        pipes.1.read_line(&mut line).expect("the script answers");
        line.trim_end().to_owned()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the folder that tests/oracles/install uses")]
fn python() -> Option<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    Some(cache.join("portolan-oracles/bin/python"))
}
