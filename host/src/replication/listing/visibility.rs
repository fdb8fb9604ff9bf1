//! What the source tells of who may pull, carried to what is made at the destinations.

use portolan_core::{
    id::EndpointId,
    oci::Repository,
    provider::{RepositoryEntry, RepositoryQuery},
    visibility::{Visibilities, Visibility},
};

use super::{super::lock, Connection, Lister};

/// Most pages of a listing that are looked through for one repository that a filter names.
const MAX_PAGES: usize = 20;
/// Most rows that wait for the end of a listing.
const MAX_WAITING: usize = 10_000;
/// What an adapter says of itself in `extra`: [`MAKES`] where it makes what it is told to, public or
/// private; [`HEARS`] where it makes nothing, and says what that means.
const COPIES: &str = "copies_visibility";
const MAKES: &str = "true";
const HEARS: &str = "told";
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
        let released = too_many(waiting, &mut lock(&self.visibilities));
        if !released.is_empty() {
            tracing::warn!(
                execution = self.execution.id.0,
                "{MAX_WAITING} repositories of the source are public, or more: those that are made \
                 at a destination become private"
            );
        }
        released
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
        match copies(connection) {
            Some(MAKES) => lock(&self.visibilities).decided(to, name, told),
            Some(HEARS) => told,
            _ => told.map(|_| Visibility::Private),
        }
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
    pub(super) fn makes_targets(&self) -> bool {
        self.destinations.iter().any(|(connection, _)| makes_public(connection))
    }
}

/// Rows that wait no longer, since there are too many of them; what is made of them is private.
fn too_many(
    waiting: &mut Vec<RepositoryEntry>,
    visibilities: &mut Visibilities,
) -> Vec<RepositoryEntry> {
    if waiting.len() < MAX_WAITING {
        return Vec::new();
    }
    visibilities.give_up();
    std::mem::take(waiting)
}

fn makes_public(connection: &Connection) -> bool {
    copies(connection) == Some(MAKES)
}

fn copies(connection: &Connection) -> Option<&str> {
    let info = connection.adapter().info();
    let told = info.extra.iter().find(|(name, _)| name == COPIES).map(|(_, value)| value.as_str());
    told.filter(|_| info.capabilities.management)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_very_many_public_repositories_makes_nothing_public() {
        let (to, mut visibilities, mut waiting) = (EndpointId(2), Visibilities::default(), vec![]);
        let name = |number: usize| format!("fleet/ship-{number}").parse::<Repository>().unwrap();
        let decided = |visibilities: &Visibilities, number| {
            visibilities.decided(to, &name(number), Some(Visibility::Public))
        };
        for number in 1..=MAX_WAITING {
            let row = RepositoryEntry { name: name(number).to_string(), private: Some(false) };
            visibilities.note(to, &name(number), Visibility::of(row.private));
            waiting.push(row);
            let released = too_many(&mut waiting, &mut visibilities).len();
            let expected = if number < MAX_WAITING { 0 } else { MAX_WAITING };
            assert_eq!(released, expected, "at {number}");
            assert_eq!(visibilities.gave_up(), number == MAX_WAITING);
            if number == MAX_WAITING - 1 {
                assert_eq!(decided(&visibilities, 1), Some(Visibility::Public));
            }
        }
        assert!(waiting.is_empty());
        for number in [1, MAX_WAITING] {
            assert_eq!(decided(&visibilities, number), Some(Visibility::Private));
        }
    }
}
