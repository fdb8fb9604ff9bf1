//! How much memory the bodies of all requests under way may take together: they are read before
//! anybody is asked who sent them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The bound of one listener; travels with each request.
#[derive(Clone)]
pub(crate) struct Bodies {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// What one body takes of it, until it is dropped.
pub(crate) struct Held {
    bodies: Option<Bodies>,
    count: usize,
}

impl Bodies {
    /// A bound in bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { held: Arc::default(), most }
    }
}

impl Held {
    /// Nothing yet; without a bound where the request came over no listener of ours.
    pub(crate) fn nothing(bodies: Option<&Bodies>) -> Self {
        Self { bodies: bodies.cloned(), count: 0 }
    }

    /// Takes so many bytes more; whether there are any left.
    pub(crate) fn take(&mut self, count: usize) -> bool {
        let Some(bodies) = &self.bodies else { return true };
        self.count += count;
        let before = bodies.held.fetch_add(count, Ordering::Relaxed);
        before.saturating_add(count) <= bodies.most
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(bodies) = &self.bodies {
            bodies.held.fetch_sub(self.count, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_a_bound_and_give_it_back() {
        let bodies = Bodies::new(10);
        let (mut one, mut two) = (Held::nothing(Some(&bodies)), Held::nothing(Some(&bodies)));
        assert!(one.take(6) && two.take(4));
        assert!(!two.take(1));
        drop(two);
        assert!(one.take(4));
        drop(one);
        assert_eq!(bodies.held.load(Ordering::Relaxed), 0);
        assert!(Held::nothing(None).take(usize::MAX));
    }
}
