//! How fast bytes pass: what went by in the last seconds.
//!
//! It has no clock of its own.

use std::time::{Duration, Instant};

/// Seconds that are looked at.
const WINDOW: usize = 10;

/// Bytes of each of the last seconds.
#[derive(Debug)]
pub(crate) struct Rate {
    began: Instant,
    seconds: [(u64, u64); WINDOW],
}

impl Default for Rate {
    fn default() -> Self {
        Self { began: Instant::now(), seconds: [(0, 0); WINDOW] }
    }
}

impl Rate {
    /// How long it has been looked at.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// Notes bytes that passed now.
    pub(crate) fn pass(&mut self, bytes: u64, now: Instant) {
        let second = self.age(now).as_secs();
        let places = self.seconds.len() as u64;
        let at = usize::try_from(second % places).unwrap_or_default();
        if let Some(place) = self.seconds.get_mut(at) {
            if place.0 != second {
                *place = (second, 0);
            }
            place.1 = place.1.saturating_add(bytes);
        }
    }

    /// Bytes a second of late.
    pub(crate) fn now(&self, now: Instant) -> u64 {
        let age = self.age(now);
        let oldest = (age.as_secs() + 1).saturating_sub(WINDOW as u64);
        let late = self.seconds.iter().filter(|(second, _)| *second >= oldest);
        let bytes: u64 = late.map(|(_, bytes)| bytes).sum();
        let since = age.saturating_sub(Duration::from_secs(oldest)).as_secs_f64();
        // The first moments tell little, and must not tell wonders.
        (bytes as f64 / since.max(1.0)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_last_seconds() {
        let mut rate = Rate::default();
        let began = rate.began;
        let at = |seconds: f64| began + Duration::from_secs_f64(seconds);
        rate.pass(500, at(0.1));
        assert_eq!(rate.now(at(0.2)), 500, "not 2500: a moment tells little");
        for second in 0..20 {
            rate.pass(1000, at(f64::from(second) + 0.5));
        }
        assert_eq!(rate.now(at(20.0)), 1000);
        assert_eq!(rate.now(at(24.5)) / 10, 526 / 10, "5 s of 1000, then 4.5 s of nothing");
        assert_eq!(rate.now(at(40.0)), 0);
    }
}
