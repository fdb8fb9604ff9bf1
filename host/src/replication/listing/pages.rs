//! Pages of a listing: asked for with patience, counted, and each name taken once.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::Mutex,
    time::{Duration, Instant},
};

use super::super::{failure::plugin_is_retryable, lock};
use crate::plugin::PluginError;

/// Most pages of one listing: a registry that never ends is stopped.
const MAX_PAGES: usize = 100_000;
/// Most pages in a row that bring nothing new.
const MAX_IDLE_PAGES: usize = 1_000;
/// Tries of one page.
const TRIES: u32 = 3;
/// Longest wait before a page is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// After this long a page is given up, also where the source says each time to come back soon.
const ENOUGH: Duration = Duration::from_secs(900);

/// Names that were listed: a catalog that changes while it is read shows one twice. Eight bytes
/// for each; that two names fall together has a chance of one to billions.
#[derive(Default)]
pub(super) struct Seen {
    hasher: RandomState,
    hashes: Mutex<HashSet<u64>>,
}

impl Seen {
    /// Whether no name was listed.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.hashes).is_empty()
    }

    /// Whether a name was not listed before.
    pub(super) fn is_new(&self, name: &str) -> bool {
        lock(&self.hashes).insert(self.hasher.hash_one(name))
    }

    /// Notes a name.
    pub(super) fn note(&self, name: &str) {
        self.is_new(name);
    }

    /// Whether a name was listed.
    pub(super) fn has(&self, name: &str) -> bool {
        lock(&self.hashes).contains(&self.hasher.hash_one(name))
    }
}

/// Counts pages. An empty one with a cursor is nothing unusual; a thousand of them are.
#[derive(Default)]
pub(in crate::replication) struct Pages {
    all: usize,
    idle: usize,
}

impl Pages {
    /// Counts one more, with how much it brought.
    pub(in crate::replication) fn is_endless(&mut self, brought: usize) -> bool {
        self.all += 1;
        self.idle = if brought == 0 { self.idle + 1 } else { 0 };
        self.all >= MAX_PAGES || self.idle >= MAX_IDLE_PAGES
    }
}

/// Asks for a page, again where that may help: thousands of pages should not be lost for one.
pub(in crate::replication) async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, PluginError>
where
    F: Future<Output = Result<T, PluginError>>,
{
    let (mut tries, began) = (1, Instant::now());
    loop {
        let error = match ask().await {
            Err(error) if tries < TRIES && plugin_is_retryable(&error) => error,
            outcome => return outcome,
        };
        let asked = match &error {
            PluginError::RateLimited { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => 0,
        };
        let asked = Duration::from_secs(asked);
        let pause = asked.max(Duration::from_millis(250) * (1 << tries));
        // Who is told to come back soon has not been refused: others used up the source's limit.
        let soon = !asked.is_zero() && asked <= LONGEST_PAUSE && began.elapsed() < ENOUGH;
        tries += u32::from(!soon);
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }
}
