//! Records, and what was made of them, that were asked for lately: as they are as long as nobody
//! changed any of their kind. Who asks for the same one again and again costs no read and no
//! decoding.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

/// Most records kept of a kind; beyond, all are forgotten and read anew.
const MOST: usize = 256;

/// Records of one kind, each with the version of its kind that it is of.
pub(crate) struct Lately<K, V>(Mutex<HashMap<K, (u64, V)>>);

impl<K, V> Default for Lately<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Lately<K, V> {
    /// A record, where it is of this version; one of another is forgotten, with the secrets that it
    /// may hold.
    pub(crate) fn find<Q: Eq + Hash + ?Sized>(&self, key: &Q, version: u64) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, record) = lately.get(key)?;
        if *then != version {
            lately.remove(key);
            return None;
        }
        Some(record.clone())
    }

    /// Keeps a record. `version` was asked for before the store was.
    pub(crate) fn keep(&self, key: K, version: u64, record: V) {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lately.len() >= MOST {
            lately.clear();
        }
        lately.insert(key, (version, record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_an_older_version_is_asked_for_anew_and_memory_is_bounded() {
        let lately = Lately::default();
        lately.keep("a".to_owned(), 1, 7);
        assert_eq!(
            (lately.find("a", 1), lately.find("a", 2), lately.find("b", 1)),
            (Some(7), None, None)
        );
        (0..2 * MOST).for_each(|number| lately.keep(number.to_string(), 1, 0));
        assert!(lately.0.lock().unwrap().len() <= MOST);
    }
}
