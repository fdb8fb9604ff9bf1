//! Software of others, as `tests/oracles/install` puts it into the user's cache.

use std::path::PathBuf;

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
    eprintln!("SKIPPED: {name} is not there; run tests/oracles/install");
    None
}
