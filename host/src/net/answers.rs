//! How the requests to one endpoint were answered: for metrics, and what its hosts say of their
//! limits. It counts and decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

use super::limits::RateLimits;

/// What is kept of the answers of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Counts by the first digit of the status; where no answer came, at 0.
    counts: [AtomicU64; 6],
    /// What its hosts say of how often they may be asked.
    pub(crate) limits: RateLimits,
}

impl Answers {
    /// For endpoints that are counted together: none of them waits for what another was told.
    pub(crate) fn of_many() -> Self {
        Self { limits: RateLimits::none(), ..Self::default() }
    }

    /// Counts one request; `None` where no answer came.
    pub(super) fn note(&self, status: Option<StatusCode>) {
        let class = usize::from(status.map_or(0, |status| status.as_u16() / 100));
        if let Some(count) = self.counts.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted: requests without an answer, then those with 1xx to 5xx.
    #[cfg(any(feature = "api", test))]
    pub(crate) fn counts(&self) -> [u64; 6] {
        self.counts.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
