//! Short-lived values that the host keeps between calls: tokens, challenges, project ids.
//!
//! Scoped by the host to this adapter, endpoint and credentials; in memory only, bounded, gone
//! whenever the host likes. Never the only place of anything.

use serde::{Serialize, de::DeserializeOwned};

use crate::{host, json, log};

/// A value written by [`set`]; `None` where it is gone, too old, or of another shape.
#[must_use]
pub fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    json::read(&host::cache_get(key)?).ok()
}

/// Keeps a value for at most `ttl_seconds`; nothing is kept for zero.
pub fn set(key: &str, value: &impl Serialize, ttl_seconds: u32) {
    if ttl_seconds == 0 {
        return;
    }
    match serde_json::to_vec(value) {
        Ok(bytes) => host::cache_set(key, &bytes, ttl_seconds),
        Err(e) => {
            log::warn("a value could not be cached", &[("key", key), ("why", &e.to_string())])
        }
    }
}

/// A text written by [`set_text`]; `None` where it is gone, too old, or no text.
#[must_use]
pub fn get_text(key: &str) -> Option<String> {
    String::from_utf8(host::cache_get(key)?).ok()
}

/// Keeps a text as it is, for what has a form of its own and is too long to be written as JSON;
/// nothing is kept for zero.
pub fn set_text(key: &str, text: &str, ttl_seconds: u32) {
    if ttl_seconds > 0 {
        host::cache_set(key, text.as_bytes(), ttl_seconds);
    }
}

/// Forgets a value.
pub fn remove(key: &str) {
    host::cache_remove(key);
}
