//! What rules with the option `prune` have at their destinations, and since when tags there are
//! missing at the source: a grace is counted from it.
//!
//! One row for each repository that a whole run of the rule filled, so that one that vanishes at the
//! source as a whole is still known.

use std::collections::BTreeMap;

use portolan_core::{
    id::{EndpointId, PolicyId},
    oci::{Repository, Tag},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    rows::{decode, fault, find, unreadable},
    tables::{PRUNES, Snapshot, Tables},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    /// Where its tags come from; one of them where there are several.
    source: Repository,
    /// Tag to seconds since 1970.
    missing: BTreeMap<Tag, i64>,
}

/// Since when tags of a repository are missing at the source.
pub(crate) type Missing = BTreeMap<Tag, OffsetDateTime>;

/// A repository of a destination: (policy, endpoint, name).
pub(crate) type Filled<'a> = (PolicyId, EndpointId, &'a Repository);

impl Store {
    /// Notes which tags of a repository are missing now, and says since when each is: what is back
    /// is forgotten, and is new when it is missing once more.
    pub(crate) async fn miss(
        &self,
        (policy, endpoint, repository): Filled<'_>,
        source: Repository,
        missing: Vec<Tag>,
        now: OffsetDateTime,
    ) -> Result<Missing, StoreError> {
        let repository = repository.to_string();
        let miss = move |tables: &mut Tables<'_>| {
            let key = (policy.0, endpoint.0, repository.as_str());
            let known: Option<Row> = find(tables.prunes.open()?, key)?;
            let since = |tag: Tag| {
                let first = known.as_ref().and_then(|row| row.missing.get(&tag)).copied();
                (tag, first.unwrap_or_else(|| now.unix_timestamp()))
            };
            let row = Row { source, missing: missing.into_iter().map(since).collect() };
            if known.as_ref() != Some(&row) {
                tables.prunes.put_json(key, &row)?;
            }
            moments(row)
        };
        self.write(miss).await
    }

    /// Since when tags of a repository are missing, as the last run found; nothing is noted.
    pub(crate) async fn missing(
        &self,
        (policy, endpoint, repository): Filled<'_>,
    ) -> Result<Missing, StoreError> {
        let repository = repository.to_string();
        self.read(move |tables| {
            let key = (policy.0, endpoint.0, repository.as_str());
            let row: Option<Row> = find(&tables.open(PRUNES)?, key)?;
            row.map_or_else(|| Ok(Missing::new()), moments)
        })
        .await
    }

    /// The repositories that whole runs of a policy filled at an endpoint, each with one of the
    /// source that it was filled from; `most` at most.
    pub(crate) async fn filled(
        &self,
        policy: PolicyId,
        endpoint: EndpointId,
        most: usize,
    ) -> Result<Vec<(Repository, Repository)>, StoreError> {
        let list = move |tables: &Snapshot| {
            let table = tables.open(PRUNES)?;
            let all = (policy.0, endpoint.0, "")..(policy.0, endpoint.0.saturating_add(1), "");
            let rows = table.range(all).map_err(unreadable)?.take(most);
            rows.map(|row| {
                let (key, row) = row.map_err(unreadable)?;
                let name = key.value().2.parse::<Repository>();
                let name = name.map_err(|error| fault("cannot be read", error.to_string()))?;
                Ok((name, decode::<Row>(row.value())?.source))
            })
            .collect()
        };
        self.read(list).await
    }
}

fn moments(row: Row) -> Result<Missing, StoreError> {
    let moment = |(tag, seconds): (Tag, i64)| {
        let at = OffsetDateTime::from_unix_timestamp(seconds)
            .map_err(|error| fault("cannot be read", format!("missing at no time: {error}")))?;
        Ok((tag, at))
    };
    row.missing.into_iter().map(moment).collect()
}

/// Forgets what a policy has at its destinations.
pub(super) fn forget(tables: &mut Tables<'_>, policy: PolicyId) -> Result<(), StoreError> {
    tables.prunes.remove_range((policy.0, 0, "")..(policy.0.saturating_add(1), 0, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, memory, policy};

    #[tokio::test]
    async fn a_tag_is_missing_since_it_was_missed_first() {
        let store = memory().await;
        let id = policy(&store, "p").await.id;
        let (to, from): (Repository, Repository) = ("m/a".parse().unwrap(), "a".parse().unwrap());
        let miss = async |tags: &[&str], at| {
            let tags = tags.iter().map(|tag| tag.parse().unwrap()).collect();
            let of = (id, EndpointId(2), &to);
            let missing = store.miss(of, from.clone(), tags, after(at)).await.unwrap();
            missing.into_iter().map(|(tag, at)| (tag.to_string(), at)).collect::<Vec<_>>()
        };
        let since = |tag: &str, at| (tag.to_owned(), after(at));
        assert!(miss(&[], 0).await.is_empty());
        assert_eq!(miss(&["v1"], 10).await, [since("v1", 10)]);
        assert_eq!(miss(&["v1", "v2"], 20).await, [since("v1", 10), since("v2", 20)]);
        miss(&["v2"], 30).await;
        assert_eq!(miss(&["v1", "v2"], 40).await, [since("v1", 40), since("v2", 20)]);
        assert_eq!(store.missing((id, EndpointId(2), &to)).await.unwrap().len(), 2);
        let filled = async |endpoint| store.filled(id, EndpointId(endpoint), 9).await.unwrap();
        assert_eq!(filled(2).await, [(to.clone(), from.clone())]);
        assert!(filled(3).await.is_empty());
        store.delete_policy(id).await.unwrap();
        assert!(filled(2).await.is_empty());
    }
}
