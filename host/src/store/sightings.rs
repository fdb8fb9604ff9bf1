//! When runs of a policy first saw artifacts at its source: what a quarantine counts from.
//!
//! One row for each repository, with what is listed there now: what goes away is forgotten with the
//! next listing, and comes back as new.

use std::collections::{BTreeMap, HashMap};

use portolan_core::{
    id::PolicyId,
    oci::{Digest, Repository},
};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    rows::{fault, find},
    tables::{SIGHTINGS, Tables},
};

/// Digest to seconds since 1970.
type Row = BTreeMap<Digest, i64>;

impl Store {
    /// Notes what a run sees in a repository, and says when each of it was seen first.
    pub(crate) async fn see(
        &self,
        policy: PolicyId,
        repository: &Repository,
        digests: Vec<Digest>,
        now: OffsetDateTime,
    ) -> Result<HashMap<Digest, OffsetDateTime>, StoreError> {
        let repository = repository.to_string();
        let see = move |tables: &mut Tables<'_>| {
            let key = (policy.0, repository.as_str());
            let known: Row = find(tables.sightings.open()?, key)?.unwrap_or_default();
            let first = |digest: Digest| {
                let first = known.get(&digest).copied().unwrap_or_else(|| now.unix_timestamp());
                (digest, first)
            };
            let row: Row = digests.into_iter().map(first).collect();
            if row != known {
                tables.sightings.put_json(key, &row)?;
            }
            moments(row)
        };
        self.write(see).await
    }

    /// When runs saw the artifacts of a repository first; nothing is noted.
    pub(crate) async fn seen(
        &self,
        policy: PolicyId,
        repository: &Repository,
    ) -> Result<HashMap<Digest, OffsetDateTime>, StoreError> {
        let repository = repository.to_string();
        self.read(move |tables| {
            let row: Option<Row> = find(&tables.open(SIGHTINGS)?, (policy.0, repository.as_str()))?;
            moments(row.unwrap_or_default())
        })
        .await
    }
}

fn moments(row: Row) -> Result<HashMap<Digest, OffsetDateTime>, StoreError> {
    let moment = |(digest, seconds): (Digest, i64)| {
        let at = OffsetDateTime::from_unix_timestamp(seconds)
            .map_err(|error| fault("cannot be read", format!("seen at no time: {error}")))?;
        Ok((digest, at))
    };
    row.into_iter().map(moment).collect()
}

/// Forgets what runs of a policy saw.
pub(super) fn forget(tables: &mut Tables<'_>, policy: PolicyId) -> Result<(), StoreError> {
    tables.sightings.remove_range((policy.0, "")..(policy.0.saturating_add(1), ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, memory, policy};

    #[tokio::test]
    async fn what_was_seen_keeps_its_first_time_as_long_as_it_is_there() {
        let store = memory().await;
        let (one, other) = (policy(&store, "p").await.id, policy(&store, "q").await.id);
        let [a, b] = ["a", "b"].map(|text| Digest::of(text.as_bytes()));
        let repository: Repository = "library/x".parse().unwrap();
        let see = async |id, digests: &[&Digest], at| {
            let digests = digests.iter().map(|digest| (*digest).clone()).collect();
            store.see(id, &repository, digests, after(at)).await.unwrap()
        };
        see(one, &[&a], 0).await;
        let seen = see(one, &[&a, &b], 10).await;
        assert_eq!((seen[&a], seen[&b]), (after(0), after(10)));
        assert_eq!(see(other, &[&a], 20).await[&a], after(20), "each policy by itself");
        assert_eq!(see(one, &[&b], 30).await.len(), 1, "what is gone is forgotten");
        assert_eq!(see(one, &[&a, &b], 40).await[&a], after(40));
        assert_eq!(store.seen(one, &repository).await.unwrap()[&b], after(10));
        store.delete_policy(one).await.unwrap();
        assert!(store.seen(one, &repository).await.unwrap().is_empty());
        assert_eq!(store.seen(other, &repository).await.unwrap().len(), 1);
    }
}
