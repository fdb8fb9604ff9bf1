//! What the source tells of who may pull, carried to what is made at the destinations.

use portolan_core::{
    id::EndpointId,
    oci::Repository,
    provider::{RepositoryEntry, RepositoryQuery},
    visibility::Visibility,
};

use super::{super::lock, Connection, Lister};

/// Most pages of a listing that are looked through for one repository that a filter names.
const MAX_PAGES: usize = 20;
/// Most rows that wait for the end of a listing.
const MAX_WAITING: usize = 10_000;
/// What an adapter says of itself (`extra`) that makes what it is told to: public, or private.
const MAKES_PUBLIC: (&str, &str) = ("copies_visibility", "true");
/// Most repositories that are looked for so.
const MAX_NAMES: usize = 100;

impl Lister {
    /// Whether a row has to wait for the end of the listing: a project is made public only where
    /// all that goes there is, and that is known no sooner.
    pub(super) fn must_wait(&self, row: &RepositoryEntry) -> bool {
        row.private == Some(false) && self.makes_targets() && !lock(&self.visibilities).gave_up()
    }

    /// Lets rows that wait go on where they are too many: private, since the rest is not known.
    pub(super) fn let_go(&self, waiting: &mut Vec<RepositoryEntry>) -> Vec<RepositoryEntry> {
        if waiting.len() < MAX_WAITING {
            return Vec::new();
        }
        tracing::warn!(
            execution = self.execution.id.0,
            "more than {MAX_WAITING} repositories of the source are public: those that are made at \
             a destination become private"
        );
        lock(&self.visibilities).give_up();
        std::mem::take(waiting)
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

    /// What a repository is to be at a destination. Where nothing waited for the other sources,
    /// what is told of one alone makes nothing public.
    pub(super) fn decided(
        &self,
        (connection, to): (&Connection, EndpointId),
        name: &Repository,
        told: Option<Visibility>,
    ) -> Option<Visibility> {
        if !makes_public(connection) {
            return told.map(|_| Visibility::Private);
        }
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

    /// Whether anything at a destination is made public, or private, as its sources are.
    fn makes_targets(&self) -> bool {
        self.destinations.iter().any(|(connection, _)| makes_public(connection))
    }
}

fn makes_public(connection: &Connection) -> bool {
    let info = connection.adapter().info();
    let (name, value) = MAKES_PUBLIC;
    info.capabilities.management && info.extra.iter().any(|(n, v)| n == name && v == value)
}
