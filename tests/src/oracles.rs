//! Software of others, as `tests/oracles/install` puts it into the user's cache.

use std::{io::Write as _, path::PathBuf};

/// A program of it; `None`, said aloud, where it is not there.
#[expect(clippy::disallowed_methods, reason = "the folder that tests/oracles/install uses")]
pub fn program(name: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = cache.map(PathBuf::from).or(home)?;
    let found = cache.join("portolan-oracles/bin").join(name);
    if found.exists() {
        return Some(found);
    }
    skipped(&format!("{name} is not there; run tests/oracles/install"));
    None
}

/// Says that a test shows nothing since something is not there: past the test harness, which keeps
/// what a passing test prints to itself.
///
/// # Panics
/// Where `CI` is `true`: nothing may be green there that was not tried.
#[expect(clippy::disallowed_methods, reason = "CI tells itself by a variable")]
pub fn skipped(why: &str) {
    // Where standard error is closed there is nobody to be told.
    let _ = std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes());
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!is_ci, "CI skips no test: {why}");
}
