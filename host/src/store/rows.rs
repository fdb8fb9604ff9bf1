//! Rows as bytes: one byte of format, then JSON, so that fields can be added later.
//!
//! It holds no table and takes no decision.

use std::{borrow::Borrow, fmt::Display, ops::RangeInclusive};

use redb::{Key, ReadableTable};
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use super::{StoreError, tables::Json};

/// The only format so far: JSON follows.
const JSON: u8 = 1;

/// A record's bytes.
pub(super) fn encode(record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![JSON];
    serde_json::to_writer(&mut bytes, record).map_err(unwritable)?;
    Ok(bytes)
}

/// The record of bytes that [`encode`] made.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&JSON, json)) => serde_json::from_slice(json)
            .map_err(|error| unreadable(format!("a record is not understood: {error}"))),
        _ => Err(unreadable("a record has a format that this program does not know")),
    }
}

/// The record under a key, or `None`.
pub(super) fn find<'k, K: Key + 'static, T: DeserializeOwned>(
    table: &impl ReadableTable<K, Json>,
    key: impl Borrow<K::SelfType<'k>>,
) -> Result<Option<T>, StoreError> {
    match table.get(key).map_err(unreadable)? {
        Some(bytes) => decode(bytes.value()).map(Some),
        None => Ok(None),
    }
}

/// The record under an id, or `NotFound` naming `what`.
pub(super) fn load<T: DeserializeOwned>(
    table: &impl ReadableTable<u64, Json>,
    what: &'static str,
    id: u64,
) -> Result<T, StoreError> {
    find(table, id)?.ok_or_else(|| missing(what, id))
}

/// Every record, by ascending key.
pub(super) fn all<K: Key + 'static, T: DeserializeOwned>(
    table: &impl ReadableTable<K, Json>,
) -> Result<Vec<T>, StoreError> {
    let rows = table.iter().map_err(unreadable)?;
    rows.map(|row| decode(row.map_err(unreadable)?.1.value())).collect()
}

/// The same, without records that are not understood: one of them must not hide the others. Each is
/// told as a warning.
pub(super) fn all_readable<T: DeserializeOwned>(
    table: &impl ReadableTable<u64, Json>,
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    let mut records = Vec::new();
    for row in table.iter().map_err(unreadable)? {
        let (id, bytes) = row.map_err(unreadable)?;
        records.extend(readable(what, id.value(), decode(bytes.value())));
    }
    Ok(records)
}

/// Those of a few records that are there and understood, in the order they are asked for.
pub(super) fn among<T: DeserializeOwned>(
    table: &impl ReadableTable<u64, Json>,
    what: &'static str,
    ids: impl Iterator<Item = u64>,
) -> Result<Vec<T>, StoreError> {
    let mut records = Vec::new();
    for id in ids {
        if let Some(bytes) = table.get(id).map_err(unreadable)? {
            records.extend(readable(what, id, decode(bytes.value())));
        }
    }
    Ok(records)
}

fn readable<T>(what: &'static str, id: u64, decoded: Result<T, StoreError>) -> Option<T> {
    match decoded {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::warn!(what, id, %error, "a record is left out; delete it, or restore a backup");
            None
        }
    }
}

/// The second halves of an index's keys that begin with `first`, ascending.
pub(super) fn indexed(
    index: &impl ReadableTable<(u64, u64), ()>,
    first: u64,
) -> Result<Vec<u64>, StoreError> {
    let rows = index.range(under(first)).map_err(unreadable)?;
    rows.map(|row| Ok(row.map_err(unreadable)?.0.value().1)).collect()
}

/// Every key that begins with `first`.
pub(super) fn under(first: u64) -> RangeInclusive<(u64, u64)> {
    (first, 0)..=(first, u64::MAX)
}

/// An instant as a key: nanoseconds since 1970.
pub(super) fn instant(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos()
}

/// It does not exist.
pub(super) fn missing(what: &'static str, id: impl Display) -> StoreError {
    StoreError::NotFound { what, id: id.to_string() }
}

/// A fault while reading; the path is added where it is known.
pub(super) fn unreadable(why: impl Display) -> StoreError {
    fault("cannot be read", why)
}

/// A fault while writing; the path is added where it is known.
pub(super) fn unwritable(why: impl Display) -> StoreError {
    fault("cannot be written", why)
}

/// A fault of the database itself.
pub(super) fn fault(attempted: &'static str, why: impl Display) -> StoreError {
    StoreError::Database { path: String::new(), attempted, why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_byte_stands_before_the_json() {
        let bytes = encode(&vec![1, 2]).unwrap();
        assert_eq!(bytes, b"\x01[1,2]");
        assert_eq!(decode::<Vec<u8>>(&bytes).unwrap(), [1, 2]);
        for bad in [&b""[..], b"[1,2]", b"\x02[1,2]", b"\x01[1,2"] {
            assert!(matches!(decode::<Vec<u8>>(bad), Err(StoreError::Database { .. })), "{bad:?}");
        }
    }
}
