//! States of a hash on its way through a blob, so that a later try goes on from one of them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use portolan_core::oci::Verifier;

use super::lock;

/// Bytes between two states.
const EVERY: u64 = 8 << 20;
/// States kept. A registry may hold less than was sent: what is on the way to it, and a chunk.
const KEPT: usize = 4;

/// The latest states of one blob's hash. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Marks(Arc<Mutex<VecDeque<Verifier>>>);

impl Marks {
    /// Marks that were made earlier, by ascending length.
    pub(crate) fn of(states: impl IntoIterator<Item = Verifier>) -> Self {
        Self(Arc::new(Mutex::new(states.into_iter().collect())))
    }

    /// Keeps a state where the last one is far enough behind.
    pub(super) fn pass(&self, hashed: &Verifier) {
        let mut states = self.lock();
        let last = states.back().map_or(0, Verifier::length);
        if hashed.length() < last.saturating_add(EVERY) {
            return;
        }
        states.push_back(hashed.clone());
        if states.len() > KEPT {
            states.pop_front();
        }
    }

    /// The latest state that has taken in `offset` bytes or fewer.
    pub(crate) fn before(&self, offset: u64) -> Option<Verifier> {
        self.lock().iter().rev().find(|state| state.length() <= offset).cloned()
    }

    /// Every state that is kept, by ascending length.
    pub(crate) fn all(&self) -> Vec<Verifier> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Verifier>> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portolan_core::oci::Algorithm;

    #[test]
    fn a_few_states_are_kept_and_the_right_one_is_found() {
        let (marks, mut hashed) = (Marks::default(), Verifier::new(Algorithm::Sha256));
        for _ in 0..13 {
            hashed.update(&vec![7; 4 << 20]);
            marks.pass(&hashed);
        }
        let lengths: Vec<u64> = marks.all().iter().map(|state| state.length() >> 20).collect();
        assert_eq!(lengths, [24, 32, 40, 48]);
        let before = |offset: u64| marks.before(offset << 20).map(|state| state.length() >> 20);
        assert_eq!([23, 24, 39, 99].map(before), [None, Some(24), Some(32), Some(48)]);
    }
}
