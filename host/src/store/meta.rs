//! Facts that stand alone: the counters ids come from.
//!
//! Ids count up and are never given twice, also when what had one is deleted.

use super::{
    StoreError,
    rows::{find, unwritable},
    tables::Tables,
};

/// Which counter an id comes from.
#[derive(Clone, Copy)]
pub(super) enum Counter {
    Endpoint,
    Policy,
    Execution,
    Task,
    User,
    Token,
    Audit,
}

impl Counter {
    fn key(self) -> &'static str {
        match self {
            Self::Endpoint => "last-endpoint",
            Self::Policy => "last-policy",
            Self::Execution => "last-execution",
            Self::Task => "last-task",
            Self::User => "last-user",
            Self::Token => "last-token",
            Self::Audit => "last-audit",
        }
    }
}

/// Takes `count` ids that follow each other; returns the first.
pub(super) fn take_ids(
    tables: &mut Tables<'_>,
    counter: Counter,
    count: usize,
) -> Result<u64, StoreError> {
    let first = next_id(tables, counter)?;
    let count = u64::try_from(count).map_err(unwritable)?;
    tables.meta.put_json(counter.key(), &(first + count - 1))?;
    Ok(first)
}

/// The id that will be taken next.
pub(super) fn next_id(tables: &Tables<'_>, counter: Counter) -> Result<u64, StoreError> {
    let last: u64 = find(tables.meta.open()?, counter.key())?.unwrap_or(0);
    Ok(last + 1)
}
