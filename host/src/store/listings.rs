//! How far the listing of an execution is: the repositories whose tasks are added, and the page of
//! the source that comes next. A listing that is taken up again asks for nothing of these.
//!
//! All of it is forgotten once the listing is at its end.

use portolan_core::{id::ExecutionId, oci::Repository, task::TaskSpec};
use redb::ReadableTable;
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    rows::unreadable,
    tables::{LISTED, LISTING_PAGES, Tables},
    tasks,
};

impl Store {
    /// Adds the tasks of one repository, or none, and notes that it is listed, in one transaction;
    /// how many were added. `Stopped` where the execution was asked to stop, is listed to its end or
    /// is final.
    pub(crate) async fn add_listed(
        &self,
        execution: ExecutionId,
        repository: &Repository,
        specs: Vec<TaskSpec>,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError> {
        let repository = repository.to_string();
        let add = move |tables: &mut Tables<'_>| {
            let added = tasks::add(tables, execution, specs, now)?.len();
            tables.listed.put((execution.0, repository.as_str()), ())?;
            Ok(added)
        };
        self.write(add).await
    }

    /// Notes that every repository before a page of the source is listed; nothing where the listing
    /// is at its end.
    pub(crate) async fn turn_page(
        &self,
        execution: ExecutionId,
        next: String,
    ) -> Result<(), StoreError> {
        let turn = move |tables: &mut Tables<'_>| {
            if tables.listings.open()?.get(execution.0).map_err(unreadable)?.is_none() {
                return Ok(());
            }
            tables.listing_pages.put(execution.0, next.as_str())
        };
        self.write(turn).await
    }

    /// The page where the listing of an execution goes on, `None` being the first; tells `note` the
    /// name of every repository that is listed.
    pub(crate) async fn listed(
        &self,
        execution: ExecutionId,
        mut note: impl FnMut(&str) + Send + 'static,
    ) -> Result<Option<String>, StoreError> {
        self.read(move |tables| {
            let listed = tables.open(LISTED)?;
            for row in ReadableTable::range(&listed, all(execution.0)).map_err(unreadable)? {
                note(row.map_err(unreadable)?.0.value().1);
            }
            let pages = tables.open(LISTING_PAGES)?;
            let page = pages.get(execution.0).map_err(unreadable)?;
            Ok(page.map(|page| page.value().to_owned()))
        })
        .await
    }
}

/// Forgets how far the listing of an execution is.
pub(super) fn forget(tables: &mut Tables<'_>, execution: u64) -> Result<(), StoreError> {
    tables.listing_pages.remove(execution)?;
    tables.listed.remove_range(all(execution))
}

fn all(execution: u64) -> std::ops::Range<(u64, &'static str)> {
    (execution, "")..(execution.saturating_add(1), "")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::store::fixtures::{after, execution, memory, task_specs};

    /// The page and the names.
    async fn listed(store: &Store, id: ExecutionId) -> (Option<String>, Vec<String>) {
        let names = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&names);
        let note = move |name: &str| noted.lock().unwrap().push(name.to_owned());
        let page = store.listed(id, note).await.unwrap();
        let names = names.lock().unwrap().clone();
        (page, names)
    }

    #[tokio::test]
    async fn a_listing_goes_on_after_what_is_listed() {
        let store = memory().await;
        let (one, other) = (execution(&store).await.id, execution(&store).await.id);
        let add = |id, name: &str, tasks| {
            let (store, name) = (store.clone(), name.parse().unwrap());
            async move { store.add_listed(id, &name, task_specs(tasks), after(0)).await }
        };
        assert_eq!(listed(&store, one).await, (None, vec![]));
        assert_eq!(add(one, "a/b", 2).await.unwrap(), 2);
        assert_eq!(add(one, "a/c", 0).await.unwrap(), 0, "nothing of it is selected");
        assert_eq!(add(other, "z", 1).await.unwrap(), 1);
        store.turn_page(one, "2".to_owned()).await.unwrap();
        let names = vec!["a/b".to_owned(), "a/c".to_owned()];
        assert_eq!(listed(&store, one).await, (Some("2".to_owned()), names));
        assert_eq!(listed(&store, other).await, (None, vec!["z".to_owned()]));
        assert_eq!(store.execution(one).await.unwrap().counters.total, 2);
        // At its end nothing of it is left, and nothing comes back.
        store.finish_listing(one, Ok(String::new()), after(1)).await.unwrap();
        assert!(matches!(add(one, "a/d", 1).await, Err(StoreError::Stopped)));
        store.turn_page(one, "3".to_owned()).await.unwrap();
        assert_eq!(listed(&store, one).await, (None, vec![]));
        assert_eq!(listed(&store, other).await.1.len(), 1);
        store.request_stop(other, after(2)).await.unwrap();
        assert_eq!(listed(&store, other).await, (None, vec![]), "stopped while nobody lists it");
    }
}
