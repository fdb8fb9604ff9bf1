//! What is remembered of an endpoint between calls: its connections, the token realms it announced
//! on them, the guest's short-lived values (`host-cache`) and the grants it gave. In memory only,
//! bounded, forgotten together when the endpoint changes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{PluginError, grants::Grants};
use crate::net;

#[cfg(any(feature = "api", test))]
mod read;

/// Most values of one endpoint.
const MAX_VALUES: usize = 256;
/// Most bytes of one endpoint, keys included: what a Helm repository's index of 30 MB comes down to.
const MAX_BYTES: usize = 8 << 20;
/// Most bytes of one value.
const MAX_VALUE: usize = 1 << 20;
/// Most bytes of all endpoints together.
const MAX_TOTAL: usize = 64 << 20;
/// Longest key in bytes.
const MAX_KEY: usize = 512;
/// Longest time a value is kept.
const MAX_TTL: Duration = Duration::from_secs(24 * 3600);
/// Most endpoints remembered.
const MAX_ENDPOINTS: usize = 1024;

/// Most endpoints whose requests are counted one by one.
const MAX_COUNTED: usize = 1000;
/// What the others are called.
const OTHER: &str = "other";

/// One endpoint's memory.
pub(super) struct Memory {
    /// Kept with the values: a guest that remembers a realm needs the client that saw it announced.
    pub(super) client: net::Client,
    values: Mutex<Values>,
    pub(super) grants: Grants,
}

struct Values {
    entries: HashMap<String, Entry>,
    bytes: usize,
    /// Bytes of every endpoint of the process.
    total: Total,
}

/// Bytes that several memories hold together.
pub(super) type Total = Arc<AtomicUsize>;

struct Entry {
    value: Zeroizing<Vec<u8>>,
    until: Instant,
}

impl Memory {
    /// Nothing remembered yet; `total` is shared with the memories that have one bound together.
    pub(super) fn new(client: net::Client, total: Total) -> Self {
        let values = Values { entries: HashMap::new(), bytes: 0, total };
        Self { client, values: Mutex::new(values), grants: Grants::default() }
    }

    /// A value that has not expired.
    pub(super) fn get(&self, key: &str, now: Instant) -> Option<Vec<u8>> {
        let values = lock(&self.values);
        values.entries.get(key).filter(|entry| now < entry.until).map(|it| it.value.to_vec())
    }

    /// Keeps a value; one that does not fit is left out, as a cache may.
    pub(super) fn set(&self, key: String, value: Vec<u8>, ttl: Duration, now: Instant) {
        let value = Zeroizing::new(value);
        let mut values = lock(&self.values);
        values.remove(&key);
        let size = key.len() + value.len();
        if key.len() > MAX_KEY || size > MAX_VALUE || ttl.is_zero() {
            return;
        }
        values.make_room(size, now);
        if values.total.load(Ordering::Relaxed) + size > MAX_TOTAL {
            return;
        }
        values.total.fetch_add(size, Ordering::Relaxed);
        values.bytes += size;
        values.entries.insert(key, Entry { value, until: now + ttl.min(MAX_TTL) });
    }

    /// Forgets a value.
    pub(super) fn remove(&self, key: &str) {
        lock(&self.values).remove(key);
    }
}

impl Values {
    fn remove(&mut self, key: &str) {
        if let Some((key, entry)) = self.entries.remove_entry(key) {
            let size = key.len() + entry.value.len();
            self.bytes = self.bytes.saturating_sub(size);
            self.total.fetch_sub(size, Ordering::Relaxed);
        }
    }

    /// What has expired goes first, then what would expire first.
    fn make_room(&mut self, size: usize, now: Instant) {
        while self.entries.len() >= MAX_VALUES || self.bytes + size > MAX_BYTES {
            let expired = |entry: &Entry| entry.until.saturating_duration_since(now);
            let oldest = self.entries.iter().min_by_key(|(_, entry)| expired(entry));
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
            self.remove(&key);
        }
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The memories of every endpoint.
#[derive(Default)]
pub(super) struct Memories {
    all: Mutex<HashMap<(String, String), Remembered>>,
    total: Total,
    answers: Mutex<BTreeMap<String, Arc<net::Answers>>>,
    /// What each endpoint may be used for, also when it is forgotten and met again.
    pub(super) budgets: net::BudgetsOf<String>,
}

struct Remembered {
    fingerprint: [u8; 32],
    memory: Arc<Memory>,
}

impl Memories {
    /// The memory of an endpoint under an adapter; a new one, with a new client, where anything
    /// about it changed.
    pub(super) fn of(
        &self,
        (adapter, id): (&str, &str),
        fingerprint: [u8; 32],
        client: impl FnOnce() -> Result<net::Client, PluginError>,
    ) -> Result<Arc<Memory>, PluginError> {
        let key = (adapter.to_owned(), id.to_owned());
        if let Some(known) = lock(&self.all).get(&key).filter(|it| it.fingerprint == fingerprint) {
            return Ok(known.memory.clone());
        }
        let memory = Arc::new(Memory::new(client()?, Arc::clone(&self.total)));
        let mut all = lock(&self.all);
        if all.len() >= MAX_ENDPOINTS && !all.contains_key(&key) {
            let idle = all.iter().find(|(_, it)| Arc::strong_count(&it.memory) == 1);
            let victim = idle.or_else(|| all.iter().next()).map(|(key, _)| key.clone());
            victim.and_then(|key| all.remove(&key));
        }
        all.insert(key, Remembered { fingerprint, memory: memory.clone() });
        Ok(memory)
    }
}

impl Memories {
    /// Where the requests to an endpoint are counted, also when it is forgotten and met again.
    pub(super) fn answers(&self, id: &str) -> Arc<net::Answers> {
        let mut all = lock(&self.answers);
        let stored = id.parse::<u64>().is_ok();
        let room = all.len() < MAX_COUNTED || all.contains_key(id);
        if stored && room {
            return Arc::clone(all.entry(id.to_owned()).or_default());
        }
        let others = || Arc::new(net::Answers::of_many());
        Arc::clone(all.entry(OTHER.to_owned()).or_insert_with(others))
    }

    /// Forgets an endpoint under every adapter. Calls under way keep what they hold.
    pub(super) fn forget(&self, id: &str) {
        lock(&self.answers).remove(id);
        lock(&self.all).retain(|(_, other), _| other != id);
    }
}

/// Nothing that holds one of these locks can panic half way through a change.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::testing;

    const TTL: Duration = Duration::from_secs(60);

    #[test]
    fn values_expire_and_are_replaced() {
        let (memory, now) = (Memory::new(testing::client(), Total::default()), Instant::now());
        memory.set("k".to_owned(), b"one".to_vec(), TTL, now);
        memory.set("k".to_owned(), b"two".to_vec(), TTL, now);
        assert_eq!(memory.get("k", now).as_deref(), Some(&b"two"[..]));
        assert_eq!(memory.get("k", now + TTL), None);
        memory.remove("k");
        assert_eq!(memory.get("k", now), None);
        assert_eq!(lock(&memory.values).bytes, 0);
        memory.set("k".to_owned(), b"one".to_vec(), Duration::ZERO, now);
        assert_eq!(memory.get("k", now), None);
    }

    #[test]
    fn number_and_size_are_bounded() {
        let (memory, now) = (Memory::new(testing::client(), Total::default()), Instant::now());
        for number in 0..MAX_VALUES as u64 + 10 {
            let ttl = TTL + Duration::from_secs(number);
            memory.set(format!("key-{number}"), vec![0; 100], ttl, now);
        }
        assert_eq!(lock(&memory.values).entries.len(), MAX_VALUES);
        assert_eq!(memory.get("key-9", now), None, "what expires first goes first");
        assert!(memory.get("key-10", now).is_some());
        memory.set("large".to_owned(), vec![0; MAX_VALUE], TTL, now);
        assert_eq!(memory.get("large", now), None);
        for number in 0..10 {
            memory.set(format!("large {number}"), vec![0; MAX_VALUE - 7], 100 * TTL, now);
        }
        assert_eq!(lock(&memory.values).entries.len(), MAX_BYTES / MAX_VALUE);
        memory.set("k".repeat(MAX_KEY + 1), Vec::new(), TTL, now);
        assert_eq!(lock(&memory.values).entries.len(), MAX_BYTES / MAX_VALUE);
    }

    #[test]
    fn all_endpoints_together_are_bounded() {
        let (all, client, now) = (Memories::default(), testing::client(), Instant::now());
        let of =
            |id: usize| all.of(("a", &id.to_string()), [0; 32], || Ok(client.clone())).unwrap();
        let fill = |id| {
            for number in 0..MAX_BYTES / MAX_VALUE {
                of(id).set(format!("{number}"), vec![0; MAX_VALUE - 1], TTL, now);
            }
            of(id).get("7", now).is_some()
        };
        let full = MAX_TOTAL / MAX_BYTES;
        assert!((0..full).all(fill));
        assert!(!fill(full), "there is no room left");
        all.forget("0");
        assert!(fill(full), "what is forgotten makes room");
        assert_eq!(all.total.load(Ordering::Relaxed), MAX_TOTAL);
    }

    #[test]
    fn another_fingerprint_is_another_memory() {
        let all = Memories::default();
        let client = testing::client();
        let of = |id: &str, fingerprint| {
            all.of(("adapter", id), [fingerprint; 32], || Ok(client.clone())).unwrap()
        };
        let one = of("1", 1);
        assert!(Arc::ptr_eq(&one, &of("1", 1)));
        assert!(!Arc::ptr_eq(&one, &of("1", 2)));
        assert!(!Arc::ptr_eq(&one, &of("1", 1)), "the old one is forgotten");
        all.forget("1");
        assert!(lock(&all.all).is_empty(), "nothing of it is left");
        for number in 0..MAX_ENDPOINTS + 5 {
            of(&number.to_string(), 0);
        }
        assert_eq!(lock(&all.all).len(), MAX_ENDPOINTS);
        let known = || all.of(("adapter", "1028"), [0; 32], || panic!("a client is there"));
        assert!(known().is_ok());
    }
}
