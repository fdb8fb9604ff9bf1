//! The first so many of what is added, in order, without ordering the rest.

use std::cmp::Ordering;

/// Collects; what cannot be among the first `most` is dropped as soon as that is known.
pub(super) struct Top<T, F> {
    most: usize,
    order: F,
    kept: Vec<T>,
    /// Whether `kept` has its last at the end: nothing behind that one is wanted.
    full: bool,
}

/// Rows that are kept besides the wanted ones before they are looked through.
const SPARE: usize = 1024;

impl<T, F: Fn(&T, &T) -> Ordering> Top<T, F> {
    pub(super) fn new(most: usize, order: F) -> Self {
        Self { most, order, kept: Vec::new(), full: false }
    }

    pub(super) fn add(&mut self, one: T) {
        if self.most == 0 {
            return;
        }
        // The worst of the wanted ones stands at `most - 1` once `full`.
        if self.full
            && let Some(last) = self.kept.get(self.most - 1)
            && (self.order)(&one, last).is_gt()
        {
            return;
        }
        self.kept.push(one);
        if self.kept.len() >= self.most.saturating_mul(2).saturating_add(SPARE) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.kept.len() > self.most {
            self.kept.select_nth_unstable_by(self.most - 1, &self.order);
            self.kept.truncate(self.most);
            self.full = true;
        }
    }

    /// The first of what was added, in order, without the first `skip` of them.
    pub(super) fn ordered(mut self, skip: usize) -> Vec<T> {
        if skip >= self.most || skip >= self.kept.len() {
            return Vec::new();
        }
        self.shrink();
        if skip > 0 {
            self.kept.select_nth_unstable_by(skip, &self.order);
        }
        let mut wanted = self.kept.split_off(skip);
        wanted.sort_unstable_by(&self.order);
        wanted
    }
}
