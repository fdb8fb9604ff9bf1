//! What an engine remembers of destinations between runs: read from the store where it is needed,
//! written to it in groups. It is a memory, not the truth: what a registry says wins.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use portolan_core::oci::{Descriptor, Digest, Repository, Tag};
use time::OffsetDateTime;

use super::lock;
use crate::store::{Seen, Store, StoreError, StoredUpload, UploadKey};

/// Most notes that are gathered before they are written.
const BATCH: usize = 256;
/// From this size on, in bytes, sending a blob again costs more than writing down that it was sent.
const WORTH_A_COMMIT: u64 = 256 << 10;
/// How long a blob that was seen is taken to be there. A registry that was cleaned up sooner says
/// so when the manifest comes.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);
/// How long an upload may have rested; registries forget them sooner or later.
const RESTED: Duration = Duration::from_secs(24 * 3600);

/// The memory of one engine.
#[derive(Default)]
pub(crate) struct Records {
    /// Nothing is remembered where there is none.
    store: Option<Store>,
    /// Tags are remembered, too, and believed for this long.
    tags: Option<Duration>,
    waiting: Mutex<Waiting>,
    /// Uploads that a task of this engine is at.
    taken: Mutex<HashSet<UploadKey>>,
}

/// Notes that are not written yet.
#[derive(Default)]
struct Waiting {
    seen: Vec<Seen>,
    /// They tell of what was brought, not only of tags that were found as they should be.
    brought: bool,
}

impl Records {
    /// A memory in a store. With `tags`, what a destination's tags were is remembered, too, and a
    /// task believes it for so long; nought remembers and believes nothing.
    pub(crate) fn new(store: Store, tags: Option<Duration>) -> Self {
        Self { store: Some(store), tags, ..Self::default() }
    }

    /// Writes what was noted. A memory that cannot be written fails nothing.
    pub(super) async fn flush(&self) {
        let seen = std::mem::take(&mut *lock(&self.waiting)).seen;
        let Some(store) = self.store.as_ref().filter(|_| !seen.is_empty()) else { return };
        if let Err(error) = store.note_seen(seen, OffsetDateTime::now_utc()).await {
            tracing::warn!(%error, "what was copied is not remembered");
        }
    }

    /// Writes what was noted where it tells of what was brought: the end of a task is told after it.
    /// Tags that were found as they should be can wait for others.
    pub(super) async fn flush_brought(&self) {
        if lock(&self.waiting).brought {
            self.flush().await;
        }
    }

    async fn note(&self, seen: Seen, brought: bool) {
        if self.store.is_none() {
            return;
        }
        let full = {
            let mut waiting = lock(&self.waiting);
            waiting.brought |= brought;
            waiting.seen.push(seen);
            waiting.seen.len() >= BATCH
        };
        if full {
            self.flush().await;
        }
    }
}

/// What is remembered of one repository at a destination.
#[derive(Clone)]
pub(super) struct Known {
    records: Arc<Records>,
    registry: String,
    repository: Repository,
}

impl Known {
    /// What is remembered of `repository` at the registry whose API has this base address.
    pub(super) fn new(records: &Arc<Records>, registry: &url::Url, repository: Repository) -> Self {
        Self { records: Arc::clone(records), registry: registry.to_string(), repository }
    }

    /// Repositories of the registry that hold a blob, this one first where it does.
    pub(super) fn holders(&self, digest: &Digest) -> Vec<Repository> {
        let Some(store) = &self.records.store else { return Vec::new() };
        let since = OffsetDateTime::now_utc() - BELIEVED;
        readable(store.holders(&self.registry, digest, &self.repository, since))
    }

    /// The repository holds a blob.
    pub(super) async fn holds(&self, digest: &Digest) {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        self.records.note(Seen::Blob { registry, repository, digest: digest.clone() }, true).await;
    }

    /// The repository holds a blob, since it was just sent. One that is worth it is remembered
    /// before anything else happens: after a kill it is mounted elsewhere, not sent once more.
    pub(super) async fn brought(&self, blob: &Descriptor) {
        self.holds(&blob.digest).await;
        if blob.size >= WORTH_A_COMMIT {
            self.records.flush().await;
        }
    }

    /// The registry says that the repository does not hold these.
    pub(super) async fn forget(&self, digests: impl IntoIterator<Item = &Digest>) {
        for digest in digests {
            let (registry, repository) = (self.registry.clone(), self.repository.clone());
            self.records
                .note(Seen::Gone { registry, repository, digest: digest.clone() }, true)
                .await;
        }
        self.records.flush().await;
    }

    /// A tag is this manifest: `pushed` by us, or found so.
    pub(super) async fn tagged(&self, tag: &Tag, digest: &Digest, pushed: bool) {
        if self.records.tags.is_some() {
            let (registry, repository) = (self.registry.clone(), self.repository.clone());
            let (tag, digest) = (tag.clone(), digest.clone());
            self.records.note(Seen::Tag { registry, repository, tag, digest }, pushed).await;
        }
    }

    /// What a tag is, where that is to be believed without asking.
    pub(super) fn believed(&self, tag: &Tag) -> Option<Digest> {
        let age = self.records.tags.filter(|age| !age.is_zero())?;
        let store = self.records.store.as_ref()?;
        let since = OffsetDateTime::now_utc() - age;
        readable(store.seen_tag(&self.registry, &self.repository, tag, since))
    }

    /// The turn to upload a blob and to be remembered at it; `None` where another task is at it, or
    /// nothing is remembered.
    pub(super) fn upload(&self, digest: &Digest) -> Option<Upload> {
        let store = self.records.store.clone()?;
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        let key = UploadKey { registry, repository, digest: digest.clone() };
        let is_free = lock(&self.records.taken).insert(key.clone());
        is_free.then(|| Upload { records: Arc::clone(&self.records), store, key })
    }
}

/// The right to one blob's upload; others may have it when this is dropped.
pub(super) struct Upload {
    records: Arc<Records>,
    store: Store,
    key: UploadKey,
}

impl Upload {
    /// Where an earlier try stopped.
    pub(super) fn stored(&self) -> Option<StoredUpload> {
        readable(self.store.upload(&self.key, OffsetDateTime::now_utc() - RESTED))
    }

    /// Notes where it is.
    pub(super) async fn put(&self, upload: StoredUpload) {
        if let Err(error) = self.store.put_upload(self.key.clone(), upload).await {
            tracing::warn!(%error, "where an upload is is not remembered");
        }
    }

    /// It is over.
    pub(super) async fn over(&self) {
        if let Err(error) = self.store.forget_upload(self.key.clone()).await {
            tracing::warn!(%error, "an upload that is over is still remembered");
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        lock(&self.records.taken).remove(&self.key);
    }
}

fn readable<T: Default>(read: Result<T, StoreError>) -> T {
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "what was remembered cannot be read");
        T::default()
    })
}
