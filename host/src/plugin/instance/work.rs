//! How much of a call is the guest's own work, as tests measure it: instructions, where a test's
//! engine counts them, and the time that was spent in `http` and so not in the guest. Tests only.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use wasmtime::Store;

use super::State;

thread_local! {
    static EXECUTED: Cell<u64> = const { Cell::new(0) };
    static AWAY: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Lets a guest execute as many instructions as it likes. An engine that counts none refuses.
pub(super) fn allow(store: &mut Store<State>) {
    let _ = store.set_fuel(u64::MAX);
}

/// Adds up what one call executed.
pub(super) fn note(store: &Store<State>) {
    if let Ok(left) = store.get_fuel() {
        EXECUTED.set(EXECUTED.get() + (u64::MAX - left));
    }
}

/// Instructions of the calls that ended on this thread since this was asked last.
pub(in crate::plugin) fn executed() -> u64 {
    EXECUTED.take()
}

/// Time that calls on this thread spent in `http` since this was asked last.
pub(in crate::plugin) fn away() -> Duration {
    AWAY.take()
}

/// The host's own time, until it is dropped.
pub(in crate::plugin) struct Away(Instant);

impl Away {
    /// The guest has called the host.
    pub(in crate::plugin) fn begin() -> Self {
        Self(Instant::now())
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        AWAY.set(AWAY.get() + self.0.elapsed());
    }
}
