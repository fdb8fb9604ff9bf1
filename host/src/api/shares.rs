//! Something bounded that nobody may take alone: each address (each /64 of IPv6) has its share. For
//! what is spent before anybody is asked who they are: memory for bodies, waiting for hashes.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use portolan_core::network::neighbourhood;

/// The bound, of all and of one. Cheap to clone; clones share what is taken.
#[derive(Clone)]
pub(crate) struct Shares {
    taken: Arc<Mutex<Taken>>,
    most: usize,
    most_of_one: usize,
}

/// It holds no address that has taken nothing.
#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// What one caller has taken, until it is dropped.
pub(crate) struct Share {
    shares: Option<Shares>,
    /// `None` without an address: then only the bound of all counts.
    of: Option<IpAddr>,
    count: usize,
}

impl Shares {
    /// Bounds of all, and of one address.
    pub(crate) fn new(most: usize, most_of_one: usize) -> Self {
        Self { taken: Arc::default(), most, most_of_one }
    }
}

impl Share {
    /// Nothing yet; without `shares` there is no bound.
    pub(crate) fn new(shares: Option<&Shares>, peer: Option<IpAddr>) -> Self {
        Self { shares: shares.cloned(), of: peer.map(neighbourhood), count: 0 }
    }

    /// Takes so much more; `false`, and nothing taken, where that is too much.
    pub(crate) fn take(&mut self, count: usize) -> bool {
        let Some(shares) = self.shares.as_ref().filter(|_| count > 0) else { return true };
        let mut taken = shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all = taken.all.saturating_add(count);
        let own = self.of.and_then(|of| taken.of.get(&of)).copied().unwrap_or(0);
        let own = own.saturating_add(count);
        if all > shares.most || (self.of.is_some() && own > shares.most_of_one) {
            return false;
        }
        taken.all = all;
        self.of.map(|of| taken.of.insert(of, own));
        self.count = self.count.saturating_add(count);
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(shares) = self.shares.as_ref().filter(|_| self.count > 0) else { return };
        let mut taken = shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(self.count);
        let Some(of) = self.of else { return };
        let left = taken.of.get(&of).map_or(0, |own| own.saturating_sub(self.count));
        match left {
            0 => taken.of.remove(&of),
            left => taken.of.insert(of, left),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_each_are_bounded_and_what_is_taken_is_given_back() {
        let shares = Shares::new(10, 6);
        let of = |text: &str| Share::new(Some(&shares), Some(text.parse().unwrap()));
        let (mut one, mut neighbour) = (of("2001:db8::1"), of("2001:db8::2"));
        assert!(one.take(4) && neighbour.take(2));
        assert!(!neighbour.take(1), "a /64 is one caller");
        let mut other = of("192.0.2.1");
        assert!(other.take(4) && !other.take(1), "all are bounded together");
        drop(other);
        let mut local = Share::new(Some(&shares), None);
        assert!(local.take(4), "nobody's address has no share of its own");
        drop((one, local));
        assert!(neighbour.take(4));
        drop(neighbour);
        let mut whole = Share::new(Some(&shares), None);
        assert!(whole.take(10) && !whole.take(1));
        drop(whole);
        assert!(shares.taken.lock().unwrap().of.is_empty());
        assert!(Share::new(None, None).take(usize::MAX));
    }
}
