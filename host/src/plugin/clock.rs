//! The thread that moves the engine's epoch on, so that a guest that computes is asked whether its
//! time is over. It sleeps while no guest runs, and ends with the engine.
//!
//! Most calls are over before a tick, and come in bursts: it stays up for a few ticks after the last
//! one, since to wake a thread costs more than such a call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use super::PluginError;

/// How often running guests are asked whether their time is over.
const TICK: Duration = Duration::from_millis(10);
/// Ticks without a guest after which it sleeps.
const LINGER: u32 = 5;

/// The clock of one engine.
pub(super) struct Clock {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    /// Calls that run.
    calls: AtomicUsize,
    /// It sleeps until it is woken, or is about to.
    asleep: AtomicBool,
    ended: AtomicBool,
    #[cfg(test)]
    ticks: AtomicUsize,
}

/// A call that runs: the clock does as long as this is kept.
pub(super) struct Running(Arc<Shared>);

impl Clock {
    /// Starts the thread.
    pub(super) fn start(engine: &wasmtime::Engine) -> Result<Self, PluginError> {
        let shared = Arc::<Shared>::default();
        let (watched, weak) = (Arc::clone(&shared), engine.weak());
        let run = move || {
            let mut idle = 0;
            while !watched.ended.load(Ordering::Acquire) {
                if watched.calls.load(Ordering::Acquire) > 0 {
                    idle = 0;
                    let Some(engine) = weak.upgrade() else { return };
                    engine.increment_epoch();
                    #[cfg(test)]
                    watched.ticks.fetch_add(1, Ordering::SeqCst);
                } else if idle < LINGER {
                    idle += 1;
                } else {
                    watched.sleep();
                    idle = 0;
                    continue;
                }
                thread::park_timeout(TICK);
            }
        };
        match thread::Builder::new().name("portolan-epoch".to_owned()).spawn(run) {
            Ok(handle) => Ok(Self { shared, thread: handle.thread().clone() }),
            Err(error) => Err(PluginError::Internal(format!(
                "the thread that stops endless adapters cannot be started: {error}"
            ))),
        }
    }

    /// A call begins.
    pub(super) fn runs(&self) -> Running {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(Arc::clone(&self.shared))
    }
}

impl Shared {
    /// Sleeps until a call begins or the engine ends. Each side writes its own word before it reads the
    /// other's, in one order for all, so that one of the two sees the other.
    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        if self.calls.load(Ordering::SeqCst) == 0 && !self.ended.load(Ordering::SeqCst) {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether this becomes so within so many ticks.
    fn becomes(ticks: usize, so: impl Fn() -> bool) -> bool {
        (0..ticks).any(|_| {
            thread::park_timeout(TICK);
            so()
        })
    }

    #[test]
    fn it_runs_while_calls_do_and_ends_with_the_engine() {
        let engine = wasmtime::Engine::default();
        let clock = Clock::start(&engine).unwrap();
        let watched = Arc::downgrade(&clock.shared);
        let ticks = || clock.shared.ticks.load(Ordering::SeqCst);
        // Twice: it wakes again after it has slept.
        for _ in 0..2 {
            let (one, two) = (clock.runs(), clock.runs());
            let before = ticks();
            assert!(becomes(500, || ticks() > before + 3));
            drop(one);
            let before = ticks();
            assert!(becomes(500, || ticks() > before + 3), "the other call still runs");
            drop(two);
            let before = ticks();
            assert!(!becomes(20, || ticks() > before + 1), "nothing runs");
        }
        drop(clock);
        assert!(becomes(500, || watched.strong_count() == 0), "the thread has ended");
    }
}
