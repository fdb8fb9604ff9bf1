//! What the source tells of who may pull, carried to what is made at the destinations.

use portolan_core::{
    id::EndpointId,
    oci::Repository,
    provider::{RepositoryEntry, RepositoryQuery},
    visibility::Visibility,
};

use super::{super::lock, Lister};

/// Most pages of a listing that are looked through for one repository that a filter names.
const MAX_PAGES: usize = 20;
/// Most repositories that are looked for so.
const MAX_NAMES: usize = 100;

impl Lister {
    /// Whether a row has to wait for the end of the listing: a project is made public only where
    /// all that goes there is, and that is known no sooner.
    pub(super) fn must_wait(&self, row: &RepositoryEntry) -> bool {
        row.private == Some(false) && self.makes_targets()
    }

    /// Notes what is told of a repository that the filters keep.
    pub(super) fn note(&self, repository: &Repository, told: Option<Visibility>) {
        let mut visibilities = lock(&self.visibilities);
        for (_, destination) in &self.destinations {
            if let Ok(name) = destination.naming.destination(repository) {
                visibilities.note(destination.endpoint, &name, told);
            }
        }
    }

    /// What a repository is to be at a destination.
    pub(super) fn decided(
        &self,
        to: EndpointId,
        name: &Repository,
        told: Option<Visibility>,
    ) -> Option<Visibility> {
        lock(&self.visibilities).decided(to, name, told)
    }

    /// Repositories that a filter names outright, each with what the source's listing tells of it
    /// where that matters.
    pub(super) async fn told_of(&self, names: Vec<String>) -> Vec<RepositoryEntry> {
        let asks = self.makes_targets() && names.len() <= MAX_NAMES;
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let private = if asks { self.is_private(&name).await } else { None };
            rows.push(RepositoryEntry { name, private });
        }
        rows
    }

    /// What a listing tells of one repository. One that fails, or does not tell of any, tells
    /// nothing: the copy does not depend on it.
    async fn is_private(&self, name: &str) -> Option<bool> {
        let (parent, _) = name.rsplit_once('/')?;
        let query = RepositoryQuery {
            prefix: Some(format!("{parent}/")),
            name_contains: Some(name.to_owned()),
        };
        let mut cursor = None::<String>;
        for _ in 0..MAX_PAGES {
            let source = self.source.now().await.ok()?;
            let page = source.list_repositories(&query, cursor.as_deref()).await.ok()?;
            if let Some(row) = page.items.iter().find(|row| row.name == name) {
                return row.private;
            }
            if page.items.iter().any(|row| row.private.is_none()) {
                return None;
            }
            cursor = Some(page.next?);
        }
        None
    }

    /// Whether anything is made at a destination by its provider's own API.
    fn makes_targets(&self) -> bool {
        let makes =
            |connection: &super::Connection| connection.adapter().info().capabilities.management;
        self.destinations.iter().any(|(connection, _)| makes(connection))
    }
}
