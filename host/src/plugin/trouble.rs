//! An adapter that fails again and again is left alone for a while, so that it cannot burn the
//! host. What a registry does wrong is not counted: only traps and used-up time and memory are.

use std::{sync::Mutex, time::Duration};

use serde::Serialize;
use tokio::time::Instant;

use super::{PluginError, memory::lock};

/// Failures in a row before the first pause.
const PATIENCE: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// What an adapter was asked to do since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Calls that ended, however they did.
    pub calls: u64,
    /// Of these: traps, and time or memory used up.
    pub faults: u64,
}

/// Failures of one adapter in a row, and of all time.
#[derive(Default)]
pub(super) struct Trouble(Mutex<Row>);

#[derive(Default)]
struct Row {
    failures: u32,
    until: Option<Instant>,
    calls: Calls,
}

impl Trouble {
    /// Refuses a call while the adapter is paused.
    pub(super) fn check(&self, provider: &str, now: Instant) -> Result<(), PluginError> {
        let row = lock(&self.0);
        let left = row.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        if left.is_zero() {
            return Ok(());
        }
        Err(PluginError::Internal(format!(
            "the adapter `{provider}` failed {} times in a row and is paused for {} s more; see \
             the log for its faults",
            row.failures,
            left.as_secs() + 1
        )))
    }

    /// What was counted.
    pub(super) fn calls(&self) -> Calls {
        lock(&self.0).calls
    }

    /// Counts the end of a call.
    pub(super) fn note(&self, error: Option<&PluginError>, now: Instant) {
        let mut row = lock(&self.0);
        let own = error.is_some_and(is_its_own);
        row.calls.calls += 1;
        row.calls.faults += u64::from(own);
        if !own {
            *row = Row { calls: row.calls, ..Row::default() };
        } else if row.until.is_none_or(|until| until <= now) {
            row.failures += 1;
            if let Some(times) = row.failures.checked_sub(PATIENCE) {
                let pause = FIRST_PAUSE.saturating_mul(1 << times.min(10));
                row.until = Some(now + pause.min(LONGEST_PAUSE));
            }
        }
    }
}

fn is_its_own(error: &PluginError) -> bool {
    match error {
        PluginError::Trap { .. } => true,
        PluginError::Limit { limit, .. } => {
            matches!(*limit, "time" | "memory" | "tables" | "stack")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_failures_in_a_row_pause_it_for_longer_and_longer() {
        let (trouble, start) = (Trouble::default(), Instant::now());
        let trap = PluginError::Trap {
            provider: "p".to_owned(),
            function: "locate",
            detail: "unreachable".to_owned(),
        };
        for _ in 0..PATIENCE {
            trouble.check("p", start).unwrap();
            trouble.note(Some(&trap), start);
        }
        assert!(trouble.check("p", start).unwrap_err().to_string().contains("paused for 11 s"));
        trouble.note(Some(&trap), start);
        let later = start + FIRST_PAUSE;
        trouble.check("p", later).unwrap();
        trouble.note(Some(&trap), later);
        assert!(trouble.check("p", later + FIRST_PAUSE).is_err());
        let end = later + FIRST_PAUSE * 2;
        trouble.check("p", end).unwrap();
        trouble.note(None, end);
        trouble.note(Some(&trap), end);
        trouble.check("p", end).unwrap();
    }

    #[test]
    fn what_the_registry_does_is_not_counted() {
        let (trouble, now) = (Trouble::default(), Instant::now());
        let echo = PluginError::Limit {
            provider: "p".to_owned(),
            function: "locate",
            limit: "secret-echo",
            detail: String::new(),
        };
        for _ in 0..2 * PATIENCE {
            trouble.note(Some(&echo), now);
            trouble.note(Some(&PluginError::Forbidden(String::new())), now);
        }
        trouble.check("p", now).unwrap();
    }
}
