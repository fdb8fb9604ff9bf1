//! What one try of a task has seen of manifests and blobs: counters that any part of it may bump.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use portolan_core::{
    oci::{Descriptor, Manifest},
    task::Tally,
};

use super::{super::lock, Counts, Rate};

/// See [`Counts`], which these become.
#[derive(Default)]
pub(crate) struct Walk {
    flying: AtomicU64,
    expected: AtomicU64,
    there: AtomicU64,
    opened: AtomicU64,
    walked: AtomicU64,
    children: AtomicU64,
    met: AtomicU64,
    rate: Mutex<Rate>,
}

impl Walk {
    /// A manifest whose parts are looked at now; at a `depth` of 0 it is an artifact.
    pub(crate) fn opens(&self, manifest: &Manifest, depth: usize) {
        let add = |counter: &AtomicU64, count: u64| counter.fetch_add(count, Relaxed);
        let own = |part: &&Descriptor| !part.media_type.is_foreign_layer();
        let (manifests, others): (Vec<_>, Vec<_>) =
            manifest.children.iter().partition(|child| child.media_type.is_manifest());
        let blobs = manifest.blobs.iter().chain(others).filter(own);
        let bytes = blobs.map(|blob| blob.size).sum::<u64>();
        add(&self.expected, bytes);
        add(&self.walked, u64::from(bytes > 0));
        add(&self.children, manifests.len() as u64);
        add(if depth == 0 { &self.opened } else { &self.met }, 1);
    }

    /// A child with all below it is there already.
    pub(crate) fn meets(&self) {
        self.met.fetch_add(1, Relaxed);
    }

    /// A blob needs no moving.
    pub(crate) fn there(&self, bytes: u64) {
        self.there.fetch_add(bytes, Relaxed);
    }

    /// `more` bytes are on their way, and `less` of those that were are not.
    pub(super) fn flies(&self, more: u64, less: u64) {
        self.flying.fetch_add(more, Relaxed);
        self.flying.fetch_sub(less, Relaxed);
    }

    /// Bytes passed.
    pub(super) fn passes(&self, bytes: u64) {
        lock(&self.rate).pass(bytes, Instant::now());
    }

    /// Bytes a second of late.
    pub(super) fn rate(&self) -> u64 {
        lock(&self.rate).now(Instant::now())
    }

    /// How long this try has been under way.
    pub(super) fn age(&self) -> Duration {
        lock(&self.rate).age(Instant::now())
    }

    /// What is counted, with what is told of artifacts and blobs.
    pub(in super::super) fn counts(&self, tally: Tally, found: u64) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            tally: Tally { bytes_there: read(&self.there), ..tally },
            found,
            given_up: 0,
            flying: read(&self.flying),
            expected: read(&self.expected),
            opened: read(&self.opened),
            walked: read(&self.walked),
            children: read(&self.children),
            met: read(&self.met),
        }
    }
}
