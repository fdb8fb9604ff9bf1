//! What an execution knows of blobs at its destinations: one transfer for each unique blob, mounts
//! for the rest. Kept in memory for one execution; a registry may be cleaned up between two.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use portolan_core::{
    id::EndpointId,
    oci::{Digest, Repository},
};
use tokio::sync::watch;

use super::{connect::Bound, lock, referrers::Support, siblings::Siblings};

/// Most places of blobs remembered, each some 350 bytes; beyond it the ledger starts anew, and what
/// records do not tell is asked of the registry again.
const MAX_PLACES: usize = 50_000;

/// Which blob, at which destination.
type Key = (EndpointId, Digest);

/// Where blobs are, and which are on their way.
#[derive(Default)]
pub(super) struct Ledger {
    blobs: Mutex<Blobs>,
    manifests: Mutex<HashSet<(EndpointId, Repository, Digest)>>,
    names: Mutex<HashMap<(EndpointId, Repository), Repository>>,
    /// Where a task was cut by the end of the engine before: it may have brought blobs there that
    /// no record tells of.
    cut: Mutex<HashSet<(EndpointId, Repository)>>,
    /// What its tasks work with.
    pub(super) connections: Bound,
    /// Which registries list referrers.
    pub(super) support: Support,
    /// Who pulls what together.
    pub(super) siblings: Siblings,
}

#[derive(Default)]
struct Blobs {
    entries: HashMap<Key, Entry>,
    /// Length of every `held` together.
    places: usize,
}

/// One blob at one destination.
#[derive(Default)]
struct Entry {
    /// Repositories that have it.
    held: Vec<Repository>,
    /// Repositories that somebody is bringing it to.
    moving: Vec<(Repository, watch::Receiver<()>)>,
}

/// What to do about a blob.
pub(super) enum Place<'a> {
    /// The repository has it.
    Here,
    /// Nobody here knows whether the repository has it: the holder of the lead finds out, brings
    /// it, and says so. Another repository of the same registry that has it is named.
    Away(Lead<'a>, Option<Repository>),
}

/// The right, and the duty, to bring a blob to a repository. Dropped without a word, the next in
/// line gets it.
pub(super) struct Lead<'a> {
    ledger: &'a Ledger,
    key: Key,
    repository: Repository,
    _wakes_followers: watch::Sender<()>,
}

impl Lead<'_> {
    /// The blob is in the repository now.
    pub(super) fn held(self) {
        self.ledger.hold(&self.key, &self.repository);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut blobs = lock(&self.ledger.blobs);
        if let Some(entry) = blobs.entries.get_mut(&self.key) {
            entry.moving.retain(|(repository, _)| *repository != self.repository);
            if entry.moving.is_empty() && entry.held.is_empty() {
                blobs.entries.remove(&self.key);
            }
        }
    }
}

impl Blobs {
    fn entry(&mut self, key: &Key, remembered: impl Fn() -> Vec<Repository>) -> &mut Entry {
        if !self.entries.contains_key(key) {
            let held = remembered();
            self.places += held.len();
            self.entries.insert(key.clone(), Entry { held, moving: Vec::new() });
        }
        self.entries.entry(key.clone()).or_default()
    }
}

impl Entry {
    /// Who must be waited for: whoever brings the blob to this very repository, or, while none has
    /// it, to the first, from which it can be mounted then.
    fn ahead_of(&self, repository: &Repository) -> Option<watch::Receiver<()>> {
        let same = self.moving.iter().find(|(moving, _)| moving == repository);
        let first = || self.moving.first().filter(|_| self.held.is_empty());
        same.or_else(first).map(|(_, ended)| ended.clone())
    }
}

impl Ledger {
    /// A ledger for what is left of an execution whose tasks at `cut` did not come to their end.
    pub(super) fn after(cut: HashSet<(EndpointId, Repository)>) -> Self {
        Self { cut: Mutex::new(cut), ..Self::default() }
    }

    /// Other repositories of a registry that may have blobs which no record tells of.
    pub(super) fn cut_beside(
        &self,
        endpoint: EndpointId,
        repository: &Repository,
    ) -> Vec<Repository> {
        let cut = lock(&self.cut);
        let beside = cut.iter().filter(|(at, other)| *at == endpoint && other != repository);
        beside.map(|(_, other)| other.clone()).collect()
    }

    /// A task has come to its end: what it brought is told by records.
    pub(super) fn ended(&self, endpoint: EndpointId, repository: &Repository) {
        lock(&self.cut).remove(&(endpoint, repository.clone()));
    }

    /// Where a blob is; waits while somebody else finds out. Where nothing is known of it, `remembered`
    /// names repositories that had it lately.
    pub(super) async fn place(
        &self,
        endpoint: EndpointId,
        digest: &Digest,
        repository: &Repository,
        remembered: impl Fn() -> Vec<Repository>,
    ) -> Place<'_> {
        let key = (endpoint, digest.clone());
        loop {
            let mut ahead = {
                let mut blobs = lock(&self.blobs);
                let entry = blobs.entry(&key, &remembered);
                if entry.held.contains(repository) {
                    return Place::Here;
                }
                let Some(ahead) = entry.ahead_of(repository) else {
                    return self.lead(entry, key, repository);
                };
                ahead
            };
            // The sender says nothing: it is dropped, and that ends the wait.
            let _ended = ahead.changed().await;
        }
    }

    fn lead(&self, entry: &mut Entry, key: Key, repository: &Repository) -> Place<'_> {
        let (sender, receiver) = watch::channel(());
        entry.moving.push((repository.clone(), receiver));
        let from = entry.held.first().cloned();
        let repository = repository.clone();
        Place::Away(Lead { ledger: self, key, repository, _wakes_followers: sender }, from)
    }

    fn hold(&self, key: &Key, repository: &Repository) {
        let mut blobs = lock(&self.blobs);
        if blobs.places >= MAX_PLACES {
            blobs.places = 0;
            blobs.entries.retain(|_, entry| {
                entry.held.clear();
                !entry.moving.is_empty()
            });
        }
        // The lead's own entry: it stays until the lead is dropped.
        if let Some(entry) = blobs.entries.get_mut(key) {
            entry.held.push(repository.clone());
            blobs.places += 1;
        }
    }

    /// Forgets where blobs are that the registry says it has not.
    pub(super) fn forget<'a>(
        &self,
        endpoint: EndpointId,
        digests: impl IntoIterator<Item = &'a Digest>,
    ) {
        let mut blobs = lock(&self.blobs);
        for digest in digests {
            let Some(entry) = blobs.entries.get_mut(&(endpoint, digest.clone())) else { continue };
            let gone = std::mem::take(&mut entry.held).len();
            blobs.places = blobs.places.saturating_sub(gone);
        }
    }

    /// Notes which source repository goes to a destination's; the one noted before it, where
    /// that is another.
    pub(super) fn name(
        &self,
        endpoint: EndpointId,
        to: &Repository,
        from: &Repository,
    ) -> Option<Repository> {
        let mut names = lock(&self.names);
        if names.len() >= MAX_PLACES {
            names.clear();
        }
        let first = names.entry((endpoint, to.clone())).or_insert_with(|| from.clone());
        (first != from).then(|| first.clone())
    }

    /// Whether this execution has put a manifest there.
    pub(super) fn has_manifest(
        &self,
        endpoint: EndpointId,
        repository: &Repository,
        digest: &Digest,
    ) -> bool {
        lock(&self.manifests).contains(&(endpoint, repository.clone(), digest.clone()))
    }

    /// Notes that a manifest is there, with everything below it.
    pub(super) fn hold_manifest(
        &self,
        endpoint: EndpointId,
        repository: &Repository,
        digest: &Digest,
    ) {
        let mut manifests = lock(&self.manifests);
        if manifests.len() >= MAX_PLACES {
            manifests.clear();
        }
        manifests.insert((endpoint, repository.clone(), digest.clone()));
    }

    /// Forgets manifests that the registry says it has not.
    pub(super) fn forget_manifests<'a>(
        &self,
        endpoint: EndpointId,
        repository: &Repository,
        digests: impl IntoIterator<Item = &'a Digest>,
    ) {
        let mut manifests = lock(&self.manifests);
        for digest in digests {
            manifests.remove(&(endpoint, repository.clone(), digest.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str) -> Repository {
        name.parse().unwrap()
    }

    /// The place of the one blob of these tests in a repository of endpoint 1.
    async fn place<'a>(ledger: &'a Ledger, name: &str) -> Place<'a> {
        ledger.place(EndpointId(1), &Digest::of(b"x"), &repository(name), Vec::new).await
    }

    async fn lead<'a>(ledger: &'a Ledger, name: &str) -> (Lead<'a>, Option<Repository>) {
        match place(ledger, name).await {
            Place::Away(lead, from) => (lead, from),
            Place::Here => panic!("{name} has it"),
        }
    }

    #[tokio::test]
    async fn followers_wait_and_then_mount() {
        let ledger = Ledger::default();
        let (first, from) = lead(&ledger, "a").await;
        assert!(from.is_none(), "the first leads");
        let ((_, from), ()) = tokio::join!(lead(&ledger, "b"), async { first.held() });
        assert_eq!(from, Some(repository("a")));
        assert!(matches!(place(&ledger, "a").await, Place::Here));
        let elsewhere =
            ledger.place(EndpointId(2), &Digest::of(b"x"), &repository("a"), Vec::new).await;
        assert!(matches!(elsewhere, Place::Away(_, None)));
    }

    #[tokio::test]
    async fn a_lead_that_fails_passes_on() {
        let ledger = Ledger::default();
        let first = place(&ledger, "a").await;
        let (second, ()) = tokio::join!(place(&ledger, "a"), async { drop(first) });
        assert!(matches!(second, Place::Away(_, None)));
        drop(second);
        assert!(lock(&ledger.blobs).entries.is_empty(), "nothing is left behind");
    }

    #[tokio::test]
    async fn one_brings_it_to_a_repository_and_many_to_many() {
        let ledger = Ledger::default();
        lead(&ledger, "a").await.0.held();
        let (b, _) = lead(&ledger, "b").await;
        let (c, from) = lead(&ledger, "c").await;
        assert_eq!(from, Some(repository("a")), "another repository is not waited for");
        let mut same = std::pin::pin!(place(&ledger, "b"));
        assert!(futures_util::poll!(&mut same).is_pending(), "the same one is");
        b.held();
        assert!(matches!(same.await, Place::Here));
        drop(c);
        ledger.forget(EndpointId(1), [&Digest::of(b"x")]);
        assert!(lead(&ledger, "b").await.1.is_none(), "it is brought anew");
    }

    #[tokio::test]
    async fn what_was_there_lately_is_believed_until_the_registry_says_otherwise() {
        let (ledger, blob) = (Ledger::default(), Digest::of(b"x"));
        let lately = || vec![repository("a")];
        let a = ledger.place(EndpointId(1), &blob, &repository("a"), lately).await;
        assert!(matches!(a, Place::Here));
        let b = ledger.place(EndpointId(1), &blob, &repository("b"), lately).await;
        assert!(matches!(&b, Place::Away(_, Some(from)) if from.as_str() == "a"));
        drop(b);
        ledger.forget(EndpointId(1), [&blob]);
        let a = ledger.place(EndpointId(1), &blob, &repository("a"), lately).await;
        assert!(matches!(a, Place::Away(_, None)));
    }

    #[tokio::test]
    async fn what_is_remembered_has_a_bound() {
        let ledger = Ledger::default();
        let (waits, _) = lead(&ledger, "waits").await;
        for number in 0..=MAX_PLACES {
            let digest = Digest::of(&number.to_be_bytes());
            let place = ledger.place(EndpointId(1), &digest, &repository("a"), Vec::new).await;
            let Place::Away(lead, _) = place else { panic!("it is new") };
            lead.held();
        }
        let kept = {
            let blobs = lock(&ledger.blobs);
            (blobs.entries.len(), blobs.places)
        };
        assert_eq!(kept, (2, 1), "the last, and who is waited for");
        waits.held();
        assert!(matches!(place(&ledger, "waits").await, Place::Here));
    }
}
