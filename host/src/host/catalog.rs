//! Listings of endpoints, policies and executions: found through an index in memory that follows the store.
//!
//! The index holds what may be asked for and nothing else; rows themselves come from the store.

use std::collections::BTreeSet;

use portolan_core::{
    endpoint::Endpoint,
    execution::Execution,
    id::{EndpointId, ExecutionId, PolicyId},
    page::{Found, Index, Page, Query},
    policy::Policy,
};
use tokio::sync::RwLock;

use super::Host;
use crate::{
    error::Error,
    store::{Changes, Store, StoreError},
};

/// Most records read at once while the index follows.
const CHUNK: usize = 256;

/// What a listing asks for.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// Which rows.
    pub query: &'a Query,
    /// Keys to order by, `-` before one for descending; unknown ones are passed over.
    pub sort: &'a str,
    /// Which part of them.
    pub page: Page,
}

/// One page of a listing.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    /// The rows of the page.
    pub rows: Vec<T>,
    /// Rows that fit, on every page.
    pub total: u64,
}

/// The indexes, made when the first listing is asked for.
#[derive(Default)]
pub(super) struct Catalog(RwLock<Option<Indexes>>);

struct Indexes {
    endpoints: Index,
    policies: Index,
    /// Made when somebody asks for an order other than the newest first.
    executions: Option<Index>,
    /// Taken from the store and not yet in the indexes.
    pending: Changes,
}

impl Host {
    /// A page of the endpoints, Local left out, by ascending id where `sort` says nothing.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn find_endpoints(&self, listing: Listing<'_>) -> Result<Rows<Endpoint>, Error> {
        let Listing { query, sort, page } = listing;
        let find = |indexes: &Indexes| indexes.endpoints.find(query, sort, "id", page);
        let Found { ids, total } = self.found(find).await?;
        let ids: Vec<EndpointId> = ids.into_iter().map(EndpointId).collect();
        Ok(Rows { rows: self.store.endpoints_among(&ids).await?, total })
    }

    /// A page of the policies, newest first where `sort` says nothing.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn find_policies(&self, listing: Listing<'_>) -> Result<Rows<Policy>, Error> {
        let Listing { query, sort, page } = listing;
        let usual = "-creation_time,-id";
        let find = |indexes: &Indexes| indexes.policies.find(query, sort, usual, page);
        let Found { ids, total } = self.found(find).await?;
        let ids: Vec<PolicyId> = ids.into_iter().map(PolicyId).collect();
        Ok(Rows { rows: self.store.policies_among(&ids).await?, total })
    }

    /// A page of the executions, of one policy where given, in the order that `sort` says; of equals,
    /// and where it says nothing, the newest first.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn find_executions(
        &self,
        policy: Option<PolicyId>,
        (sort, page): (&str, Page),
    ) -> Result<Rows<Execution>, Error> {
        let query = policy.map(|id| Query::parse(&format!("vendor_id={id}")));
        // A number is always a query.
        let query = query.and_then(Result::ok).unwrap_or_default();
        let sort = if sort.is_empty() { "-id".to_owned() } else { format!("{sort},-id") };
        self.shared.catalog.index_executions().await;
        let find = |indexes: &Indexes| {
            let index = indexes.executions.as_ref();
            let nothing = || Found { ids: Vec::new(), total: 0 };
            index.map_or_else(nothing, |index| index.find(&query, &sort, "-id", page))
        };
        let Found { ids, total } = self.found(find).await?;
        let ids: Vec<ExecutionId> = ids.into_iter().map(ExecutionId).collect();
        Ok(Rows { rows: self.store.executions_among(&ids).await?, total })
    }

    /// Those of a few endpoints that are there; Local is not among them.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn endpoints_among(&self, ids: &[EndpointId]) -> Result<Vec<Endpoint>, Error> {
        Ok(self.store.endpoints_among(ids).await?)
    }

    /// Asks the indexes as they are after every write that was answered.
    async fn found(&self, find: impl Fn(&Indexes) -> Found) -> Result<Found, Error> {
        let (catalog, store) = (&self.shared.catalog, &self.store);
        {
            let indexes = catalog.0.read().await;
            if let Some(indexes) = indexes.as_ref().filter(|it| it.is_current(store)) {
                return Ok(find(indexes));
            }
        }
        let mut indexes = catalog.0.write().await;
        let indexes = indexes.get_or_insert_with(Indexes::new);
        indexes.follow(store).await?;
        Ok(find(indexes))
    }
}

impl Catalog {
    /// Makes the index of executions where there is none: most orders need none.
    async fn index_executions(&self) {
        if self.0.read().await.as_ref().is_some_and(|indexes| indexes.executions.is_some()) {
            return;
        }
        let mut indexes = self.0.write().await;
        let indexes = indexes.get_or_insert_with(Indexes::new);
        if indexes.executions.is_none() {
            indexes.executions = Some(Index::new(Execution::COLUMNS));
            indexes.pending.all = true;
        }
    }
}

impl Indexes {
    /// Empty, with everything still to be read.
    fn new() -> Self {
        Self {
            endpoints: Index::new(Endpoint::COLUMNS),
            policies: Index::new(Policy::COLUMNS),
            executions: None,
            pending: Changes { all: true, ..Changes::default() },
        }
    }

    fn is_current(&self, store: &Store) -> bool {
        self.pending.is_empty() && !store.has_changes()
    }

    /// Takes up what changed. What was taken from the store stays pending until it is in, also
    /// where this is cancelled half-way.
    async fn follow(&mut self, store: &Store) -> Result<(), StoreError> {
        self.pending.add(store.take_changes());
        if self.pending.all {
            return self.read_all(store).await;
        }
        let endpoints: Vec<EndpointId> = self.pending.endpoints.iter().copied().collect();
        for ids in endpoints.chunks(CHUNK) {
            let mut gone: BTreeSet<EndpointId> = ids.iter().copied().collect();
            for endpoint in store.endpoints_among(ids).await? {
                self.endpoints.set(endpoint.id.0, &endpoint.values());
                gone.remove(&endpoint.id);
            }
            gone.iter().for_each(|id| self.endpoints.remove(id.0));
            tokio::task::yield_now().await;
        }
        let policies: Vec<PolicyId> = self.pending.policies.iter().copied().collect();
        for ids in policies.chunks(CHUNK) {
            let mut gone: BTreeSet<PolicyId> = ids.iter().copied().collect();
            for policy in store.policies_among(ids).await? {
                self.policies.set(policy.id.0, &policy.values());
                gone.remove(&policy.id);
            }
            gone.iter().for_each(|id| self.policies.remove(id.0));
            tokio::task::yield_now().await;
        }
        self.follow_executions(store).await?;
        self.pending = Changes::default();
        Ok(())
    }

    async fn follow_executions(&mut self, store: &Store) -> Result<(), StoreError> {
        let Some(index) = &mut self.executions else { return Ok(()) };
        let changed: Vec<ExecutionId> = self.pending.executions.iter().copied().collect();
        for ids in changed.chunks(CHUNK) {
            let mut gone: BTreeSet<ExecutionId> = ids.iter().copied().collect();
            for execution in store.executions_among(ids).await? {
                index.set(execution.id.0, &execution.values());
                gone.remove(&execution.id);
            }
            gone.iter().for_each(|id| index.remove(id.0));
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn read_all(&mut self, store: &Store) -> Result<(), StoreError> {
        let (endpoints, policies) = (store.endpoints().await?, store.policies().await?);
        let mut fresh = Self::new();
        for endpoint in endpoints {
            fresh.endpoints.set(endpoint.id.0, &endpoint.values());
        }
        for policy in policies {
            fresh.policies.set(policy.id.0, &policy.values());
        }
        if self.executions.is_some() {
            let mut index = Index::new(Execution::COLUMNS);
            // They come newest first; an index is filled by ascending id.
            for execution in store.executions(None).await?.into_iter().rev() {
                index.set(execution.id.0, &execution.values());
            }
            fresh.executions = Some(index);
        }
        fresh.pending = Changes::default();
        *self = fresh;
        Ok(())
    }
}
