//! How many deliveries one endpoint may make, and what became of the last.
//!
//! Kept in memory: after a restart everybody begins anew.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use portolan_core::id::EndpointId;
use time::OffsetDateTime;

use super::{DeliveryOutcome, LastDelivery};

/// Deliveries of one endpoint at once.
const BURST: f64 = 1_000.0;
/// And in the long run, each second.
const PER_SECOND: f64 = 100.0;
/// Endpoints that are remembered; beyond, all are forgotten.
const MAX_ENDPOINTS: usize = 10_000;

/// What is remembered of deliveries.
#[derive(Default)]
pub(in crate::host) struct Hooks {
    endpoints: Mutex<HashMap<EndpointId, Known>>,
    counts: [AtomicU64; DeliveryOutcome::ALL.len()],
}

/// What is remembered of one endpoint.
struct Known {
    left: f64,
    since: Instant,
    last: Option<LastDelivery>,
}

impl Hooks {
    /// Takes one of the deliveries that an endpoint may make; false where none is left.
    pub(super) fn may(&self, endpoint: EndpointId, now: Instant) -> bool {
        self.of(endpoint, |known| {
            let grown = now.saturating_duration_since(known.since).as_secs_f64() * PER_SECOND;
            known.left = (known.left + grown).min(BURST);
            known.since = now;
            let may = known.left >= 1.0;
            known.left -= f64::from(u8::from(may));
            may
        })
    }

    /// Counts a delivery, and remembers it where its endpoint is there.
    pub(super) fn note(
        &self,
        endpoint: Option<EndpointId>,
        outcome: DeliveryOutcome,
        detail: String,
    ) {
        let counts = DeliveryOutcome::ALL.iter().zip(&self.counts);
        for (_, count) in counts.filter(|(one, _)| **one == outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let at = OffsetDateTime::now_utc();
        if let Some(endpoint) = endpoint {
            self.of(endpoint, |known| known.last = Some(LastDelivery { at, outcome, detail }));
        }
    }

    /// The last delivery of an endpoint since the start.
    pub(super) fn last(&self, endpoint: EndpointId) -> Option<LastDelivery> {
        let known = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&endpoint).and_then(|known| known.last.clone())
    }

    /// Deliveries since the start, by outcome.
    #[cfg(feature = "api")]
    pub(in crate::host) fn counts(&self) -> Vec<(&'static str, u64)> {
        let counts = DeliveryOutcome::ALL.iter().zip(&self.counts);
        counts.map(|(one, count)| (one.name(), count.load(Ordering::Relaxed))).collect()
    }

    fn of<T>(&self, endpoint: EndpointId, what: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_ENDPOINTS && !known.contains_key(&endpoint) {
            known.clear();
        }
        let new = || Known { left: BURST, since: Instant::now(), last: None };
        what(known.entry(endpoint).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_endpoint_has_a_burst_and_then_so_many_each_second() {
        let (hooks, now) = (Hooks::default(), Instant::now());
        let taken =
            |endpoint, at| (0..2_000).filter(|_| hooks.may(EndpointId(endpoint), at)).count();
        assert_eq!(taken(1, now), 1_000);
        assert_eq!(taken(1, now + Duration::from_secs(1)), 100);
        assert_eq!(taken(2, now), 1_000, "another endpoint has its own");
        hooks.note(Some(EndpointId(1)), DeliveryOutcome::Accepted, "2 events".to_owned());
        hooks.note(None, DeliveryOutcome::Refused, String::new());
        assert_eq!(hooks.last(EndpointId(1)).unwrap().detail, "2 events");
        assert!(hooks.last(EndpointId(2)).is_none());
        #[cfg(feature = "api")]
        {
            let counts = hooks.counts();
            let counted: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
            assert_eq!(counted, [("accepted", 1), ("refused", 1)]);
        }
    }
}
