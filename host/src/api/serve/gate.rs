//! How many connections one address may have at once: nobody may fill the listener alone.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use portolan_core::network::{AddressRange, neighbourhood};

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Counts connections by address. It holds no more addresses than there are connections.
pub(super) struct Gate {
    counts: Counts,
    most: usize,
    /// Proxies: many callers stand behind one.
    exempt: Vec<AddressRange>,
}

/// One connection's place, given back when it is dropped.
pub(super) struct Place {
    counts: Counts,
    /// `None` for a proxy.
    counted: Option<IpAddr>,
}

impl Gate {
    pub(super) fn new(most: usize, exempt: Vec<AddressRange>) -> Self {
        Self { counts: Counts::default(), most, exempt }
    }

    /// A place for a connection from there; `None` where that address has too many.
    pub(super) fn place(&self, address: IpAddr) -> Option<Place> {
        let counts = Arc::clone(&self.counts);
        if self.exempt.iter().any(|range| range.contains(address)) {
            return Some(Place { counts, counted: None });
        }
        let key = neighbourhood(address);
        let mut open = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_insert(0);
        if *count >= self.most {
            tracing::debug!(%address, "a connection was closed: that address has too many");
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place { counts, counted: Some(key) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(key) = self.counted else { return };
        let mut open = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_a_proxy_is_not_counted() {
        let gate = Gate::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let from = |text: &str| gate.place(text.parse().unwrap());
        let first = from("2001:db8::1").unwrap();
        let _second = from("2001:db8::2").unwrap();
        assert!(from("2001:db8::3").is_none(), "a /64 is one caller");
        let _other = from("2001:db8:0:1::1").unwrap();
        let proxied: Vec<_> = (0..9).filter_map(|_| from("10.1.2.3")).collect();
        assert_eq!(proxied.len(), 9);
        drop(first);
        assert!(from("2001:db8::3").is_some());
        drop((_second, _other, proxied));
        assert!(gate.counts.lock().unwrap().is_empty());
    }
}
