//! Waiting for a condition, with an end. The only place of the suite that sleeps.

use std::{fmt::Debug, time::Duration};

use tokio::time::Instant;

/// Long enough for anything that works, on a loaded machine too.
pub const PATIENCE: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(20);

/// Asks `probe` until it gives `Ok`, for at most `deadline`.
///
/// # Panics
/// With the last `Err` when the deadline passes.
pub async fn eventually<T, E: Debug>(
    deadline: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        let last = match probe().await {
            Ok(value) => return value,
            Err(last) => last,
        };
        assert!(Instant::now() < end, "{what}: not within {deadline:?}; last: {last:?}");
        tokio::time::sleep(STEP).await;
    }
}
