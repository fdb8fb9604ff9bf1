//! The vendor's own signers (`tests/oracles/alibaba.py`), asked by the double of its service
//! whether a request is signed well.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// A running script. It ends with its input.
pub struct Vendor {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Vendor {
    /// Starts it; `None`, said aloud, where its interpreter is not installed.
    ///
    /// # Panics
    /// When it is installed and does not start.
    pub fn start() -> Option<Self> {
        let Some(python) = python().filter(|python| python.exists()) else {
            eprintln!("SKIPPED: alibaba.py cannot be run; run tests/oracles/install");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/alibaba.py");
        let mut command = Command::new(python);
        command.arg("-B").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the interpreter runs");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Some(Self { child, input, output })
    }

    /// The `Authorization` that the vendor's library makes for a request.
    pub fn authorization(&mut self, request: &Value) -> String {
        let input = self.input.as_mut().expect("it is open until the end");
        writeln!(input, "{request}").expect("the script reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the script answers");
        line.trim_end().to_owned()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        drop(self.input.take());
        // What it ends with shows in the answers.
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
