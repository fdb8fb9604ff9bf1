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

use super::lock;

/// Most blobs remembered; beyond it the ledger starts anew and asks the registry again.
const MAX_BLOBS: usize = 200_000;
/// Repositories remembered for one blob: one to mount from is enough.
const MAX_REPOSITORIES: usize = 64;

/// Which blob, at which destination.
type Key = (EndpointId, Digest);

/// Where blobs are, and which are on their way.
#[derive(Default)]
pub(super) struct Ledger {
    blobs: Mutex<HashMap<Key, Entry>>,
    manifests: Mutex<HashSet<(EndpointId, Repository, Digest)>>,
}

enum Entry {
    Held(Vec<Repository>),
    Moving(watch::Receiver<()>),
}

/// What to do about a blob.
pub(super) enum Place<'a> {
    /// The repository has it.
    Here,
    /// Another repository of the same registry has it.
    Elsewhere(Repository),
    /// Nobody here knows: the holder of this finds out, moves it, and says so.
    Unknown(Lead<'a>),
}

/// The right, and the duty, to find out about a blob. Dropped without a word, the next in line
/// gets it.
pub(super) struct Lead<'a> {
    ledger: &'a Ledger,
    key: Key,
    _wakes_followers: watch::Sender<()>,
}

impl Lead<'_> {
    /// The blob is in `repository` now.
    pub(super) fn held(self, repository: &Repository) {
        self.ledger.hold(self.key.clone(), repository);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut blobs = lock(&self.ledger.blobs);
        if matches!(blobs.get(&self.key), Some(Entry::Moving(_))) {
            blobs.remove(&self.key);
        }
    }
}

impl Ledger {
    /// Where a blob is; waits while somebody else finds out.
    pub(super) async fn place(
        &self,
        endpoint: EndpointId,
        digest: &Digest,
        repository: &Repository,
    ) -> Place<'_> {
        let key = (endpoint, digest.clone());
        loop {
            let mut moving = {
                let mut blobs = lock(&self.blobs);
                match blobs.get(&key) {
                    Some(Entry::Held(held)) if held.contains(repository) => return Place::Here,
                    Some(Entry::Held(held)) => {
                        if let Some(from) = held.first() {
                            return Place::Elsewhere(from.clone());
                        }
                        return self.lead(&mut blobs, key.clone());
                    }
                    Some(Entry::Moving(moving)) => moving.clone(),
                    None => return self.lead(&mut blobs, key.clone()),
                }
            };
            // The sender says nothing: it is dropped, and that ends the wait.
            let _ended = moving.changed().await;
        }
    }

    fn lead(&self, blobs: &mut HashMap<Key, Entry>, key: Key) -> Place<'_> {
        if blobs.len() >= MAX_BLOBS {
            blobs.retain(|_, entry| matches!(entry, Entry::Moving(_)));
        }
        let (sender, receiver) = watch::channel(());
        blobs.insert(key.clone(), Entry::Moving(receiver));
        Place::Unknown(Lead { ledger: self, key, _wakes_followers: sender })
    }

    /// Notes that a repository has a blob.
    pub(super) fn hold(&self, key: Key, repository: &Repository) {
        let mut blobs = lock(&self.blobs);
        match blobs.get_mut(&key) {
            Some(Entry::Held(held)) if held.len() < MAX_REPOSITORIES => {
                held.push(repository.clone());
            }
            Some(Entry::Held(_)) => {}
            _ => {
                blobs.insert(key, Entry::Held(vec![repository.clone()]));
            }
        }
    }

    /// Forgets what is known of blobs that the registry says it has not.
    pub(super) fn forget<'a>(
        &self,
        endpoint: EndpointId,
        digests: impl IntoIterator<Item = &'a Digest>,
    ) {
        let mut blobs = lock(&self.blobs);
        for digest in digests {
            let key = (endpoint, digest.clone());
            if matches!(blobs.get(&key), Some(Entry::Held(_))) {
                blobs.remove(&key);
            }
        }
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
        if manifests.len() >= MAX_BLOBS {
            manifests.clear();
        }
        manifests.insert((endpoint, repository.clone(), digest.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str) -> Repository {
        name.parse().unwrap()
    }

    #[tokio::test]
    async fn followers_wait_and_then_mount() {
        let ledger = Ledger::default();
        let (here, digest) = (EndpointId(1), Digest::of(b"x"));
        let Place::Unknown(lead) = ledger.place(here, &digest, &repository("a")).await else {
            panic!("the first leads");
        };
        let (b, a) = (repository("b"), repository("a"));
        let follower = ledger.place(here, &digest, &b);
        let leader = async { lead.held(&a) };
        let (place, ()) = tokio::join!(follower, leader);
        assert!(matches!(place, Place::Elsewhere(from) if from == a));
        assert!(matches!(ledger.place(here, &digest, &a).await, Place::Here));
        assert!(matches!(ledger.place(EndpointId(2), &digest, &a).await, Place::Unknown(_)));
    }

    #[tokio::test]
    async fn a_lead_that_fails_passes_on() {
        let ledger = Ledger::default();
        let (here, digest, a) = (EndpointId(1), Digest::of(b"x"), repository("a"));
        let first = ledger.place(here, &digest, &a).await;
        let (second, ()) = tokio::join!(ledger.place(here, &digest, &a), async { drop(first) });
        assert!(matches!(second, Place::Unknown(_)));
    }
}
