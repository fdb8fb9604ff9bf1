//! The components built by `build.rs`, and broken copies of them.

use std::{fs, path::Path};

/// Sends a request from `describe`, where nothing may be imported.
pub const DESCRIBE_CALLS_HTTP: &str = env!("GUEST_DESCRIBE_CALLS_HTTP");
/// The provider `hostile`: misbehaves as its endpoint's settings say, see its source.
pub const HOSTILE: &str = env!("GUEST_HOSTILE");
/// Exports nothing an adapter exports.
pub const OTHER_WORLD: &str = env!("GUEST_OTHER_WORLD");
/// The provider `acme-registry`, made from `wit/` alone.
pub const THIRD_PARTY: &str = env!("GUEST_THIRD_PARTY");
/// Imports `wasi:sockets`.
pub const WASI_SOCKETS: &str = env!("GUEST_WASI_SOCKETS");
/// One field of one record has another type than the contract says.
pub const WRONG_WORLD: &str = env!("GUEST_WRONG_WORLD");

/// The bytes of a component.
///
/// # Panics
/// When it is gone.
pub fn bytes(guest: &str) -> Vec<u8> {
    fs::read(guest).unwrap_or_else(|error| panic!("{guest}: {error}"))
}

/// A good component with some bytes in the middle inverted.
pub fn corrupt() -> Vec<u8> {
    let mut bytes = bytes(THIRD_PARTY);
    let middle = bytes.len() / 2;
    bytes.iter_mut().skip(middle).take(64).for_each(|byte| *byte = !*byte);
    bytes
}

/// The first half of a good component.
pub fn truncated() -> Vec<u8> {
    let mut bytes = bytes(THIRD_PARTY);
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// Puts a component into a plug-ins directory as `name.wasm`, all at once: a watcher never sees
/// half of it.
///
/// # Panics
/// When the directory cannot be written to.
pub fn install(directory: &Path, name: &str, bytes: &[u8]) {
    let hidden = directory.join(format!(".{name}.part"));
    fs::write(&hidden, bytes).expect("the directory can be written to");
    fs::rename(hidden, directory.join(format!("{name}.wasm"))).expect("the same file system");
}
