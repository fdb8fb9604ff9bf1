//! How often and how long to try again.

use std::time::{Duration, Instant};

/// Most tries of one request.
const TRIES: u32 = 5;

/// After this long no further try begins.
const ENOUGH: Duration = Duration::from_secs(180);

/// The same while a registry says each time, within reason, when to come back: it is a limit on
/// requests, which others use up before it is our turn.
const ENOUGH_ASKED: Duration = Duration::from_secs(900);

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// The longest `Retry-After` that is waited for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// From here on a registry that asks to wait is waited for without counting a try.
const FIRST_ASKED: Duration = Duration::from_secs(1);

/// Counts tries and says how long to wait before the next.
pub(super) struct Patience {
    tries: u32,
    began: Instant,
}

impl Patience {
    /// One try is about to be made.
    pub(super) fn new() -> Self {
        Self { tries: 1, began: Instant::now() }
    }

    /// The wait before the next try: 0.1 s doubled each time up to 30 s, half of it by chance,
    /// or as long as the registry asks, at most a minute. `None` when it has been tried enough.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let told = asked.filter(|asked| *asked >= FIRST_ASKED);
        let soon = told.is_some_and(|asked| asked <= LONGEST_ASKED);
        let enough = if soon { ENOUGH_ASKED } else { ENOUGH };
        if self.tries >= TRIES || self.began.elapsed() > enough {
            return None;
        }
        // Who is told when to come back has not been refused.
        if let Some(asked) = told {
            return Some(asked.min(LONGEST_ASKED));
        }
        let full = FIRST.saturating_mul(1 << (self.tries - 1)).min(LONGEST);
        self.tries += 1;
        // Without randomness there is just no jitter.
        let chance = getrandom::u32().unwrap_or(u32::MAX);
        let wait = full.mul_f64(0.5 + 0.5 * f64::from(chance) / f64::from(u32::MAX));
        Some(wait.max(asked.unwrap_or_default().min(LONGEST_ASKED)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let mut patience = Patience::new();
        for tenths in [1, 2, 4, 8] {
            let full = Duration::from_millis(tenths * 100);
            let wait = patience.next(None).unwrap();
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
        }
        assert_eq!(patience.next(None), None);
    }

    #[test]
    fn what_the_registry_asks_is_honoured_up_to_a_minute() {
        let mut patience = Patience::new();
        assert_eq!(patience.next(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        for _ in 0..10 {
            assert_eq!(patience.next(Some(Duration::from_secs(700))), Some(LONGEST_ASKED));
        }
        for _ in 1..TRIES {
            assert!(patience.next(Some(Duration::ZERO)).is_some());
        }
        assert_eq!(patience.next(Some(Duration::from_secs(7))), None);
    }
}
