//! The vendors' own signers, as second opinions: `tests/oracles/*.py`, run by the interpreter
//! that `tests/oracles/install` made. Said aloud where it is not there.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;

/// What a script of `tests/oracles` prints, a line for each of `cases`; `None` where it cannot be
/// run.
pub(crate) fn ask(script: &str, cases: &[Value]) -> Option<Vec<String>> {
    let python = python().filter(|python| python.exists());
    let Some(python) = python else {
        skipped(&format!("{script} cannot be asked; run tests/oracles/install"));
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oracles").join(script);
    let mut command = Command::new(python);
    command.arg("-B").arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the interpreter runs");
    let text: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let mut input = child.stdin.take().expect("it is a pipe");
    // Written aside: it may answer before it has read everything.
    let writer = thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("the script ends");
    writer.join().expect("no panic").expect("the script reads everything");
    assert!(output.status.success(), "{}: {}", script.display(), output.status);
    let said = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), cases.len(), "an answer for each case");
    Some(lines)
}

#[expect(clippy::disallowed_methods, reason = "the folder that tests/oracles/install uses")]
fn python() -> Option<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    Some(cache.join("portolan-oracles/bin/python"))
}

/// Past the test harness, which keeps what a passing test prints to itself; a failure in CI.
#[expect(clippy::disallowed_methods, reason = "CI tells itself by a variable")]
fn skipped(why: &str) {
    let _ = std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes());
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!is_ci, "CI skips no test: {why}");
}
