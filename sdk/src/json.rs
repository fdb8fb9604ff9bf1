//! Reading JSON: always as text that was checked once, for every string on its own costs a long
//! listing a fifth of its time, and a second way of reading doubles the code in a component.

use serde::de::{DeserializeOwned, Error};

/// Reads a value.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_str(core::str::from_utf8(bytes).map_err(serde_json::Error::custom)?)
}
