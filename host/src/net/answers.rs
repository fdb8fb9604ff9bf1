//! How the requests to one endpoint were answered: for metrics. It counts and decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

/// Counts by the first digit of the status; where no answer came, at 0.
#[derive(Debug, Default)]
pub(crate) struct Answers([AtomicU64; 6]);

impl Answers {
    /// Counts one request; `None` where no answer came.
    pub(super) fn note(&self, status: Option<StatusCode>) {
        let class = usize::from(status.map_or(0, |status| status.as_u16() / 100));
        if let Some(count) = self.0.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted: requests without an answer, then those with 1xx to 5xx.
    pub(crate) fn counts(&self) -> [u64; 6] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
