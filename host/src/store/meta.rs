//! Facts that stand alone: the counters ids come from, and the administrator's password.
//!
//! Ids count up and are never given twice, also when what had one is deleted.

use super::{
    Store, StoreError,
    rows::{find, unwritable},
    tables::{META, Tables},
};

const ADMIN_PASSWORD: &str = "admin-password";

/// Which counter an id comes from.
#[derive(Clone, Copy)]
pub(super) enum Counter {
    Endpoint,
    Policy,
    Execution,
    Task,
}

impl Counter {
    fn key(self) -> &'static str {
        match self {
            Self::Endpoint => "last-endpoint",
            Self::Policy => "last-policy",
            Self::Execution => "last-execution",
            Self::Task => "last-task",
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
    let last: u64 = find(&*tables.meta, counter.key())?.unwrap_or(0);
    Ok(last + 1)
}

impl Store {
    /// The stored hash of the administrator's password.
    pub(crate) async fn admin_password(&self) -> Result<Option<String>, StoreError> {
        self.read(|tables| find(&tables.open(META)?, ADMIN_PASSWORD)).await
    }

    /// Stores it.
    pub(crate) async fn set_admin_password(&self, hash: String) -> Result<(), StoreError> {
        self.write(move |tables| tables.meta.put_json(ADMIN_PASSWORD, &hash)).await
    }
}

#[cfg(test)]
mod tests {
    use crate::store::fixtures::memory;

    #[tokio::test]
    async fn the_password_is_none_until_it_is_set() {
        let store = memory().await;
        assert_eq!(store.admin_password().await.unwrap(), None);
        for hash in ["one", "two"] {
            store.set_admin_password(hash.to_owned()).await.unwrap();
            assert_eq!(store.admin_password().await.unwrap().as_deref(), Some(hash));
        }
    }
}
