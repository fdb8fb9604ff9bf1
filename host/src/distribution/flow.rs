//! How many requests one registry is sent at once: more while it answers well, fewer when it says
//! that it is busy or grows slow. When it asks for a pause, every request to it waits.
//!
//! It begins with few, since each costs a connection, and soon gets twice as many in the time of one
//! answer, as long as answers for manifests come as fast as ever: one that is far away soon has many
//! under way. Where they take longer than they did, more would mostly wait there, so there are more
//! only slowly.
//!
//! It repeats nothing and knows no request; that is for who sends.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use super::{lanes::Lanes, lock};

/// Requests at once, to begin with.
const START: usize = 8;
/// So many it gets soon.
const SOON: usize = 32;
/// The most, and the fewest while it is only slow.
const MOST: usize = 64;
const SLOW: usize = 8;
/// Longest pause that is kept for all.
const LONGEST: Duration = Duration::from_secs(60);
/// The first pause where a busy registry names none; it doubles.
const FIRST: Duration = Duration::from_millis(200);
/// After this long the next bad answer counts again: those that were under way say the same.
const ECHO: Duration = Duration::from_secs(1);
/// Slow is slower than the best by this factor and this much.
const FACTOR: u32 = 8;
const MORE: Duration = Duration::from_millis(500);
/// Crowded is slower than the best by this factor and this much.
const CROWD_FACTOR: u32 = 2;
const CROWD_MORE: Duration = Duration::from_millis(2);
/// Where it is crowded, one more takes so many times as many good answers.
const RELUCTANT: usize = 4;
/// The best is forgotten by this part with each answer: one answer of luck is not the measure for
/// ever.
const FORGET: u32 = 64;

/// The requests to one registry.
pub(crate) struct Flow {
    turns: Semaphore,
    /// Those who begin something wait here for their place among the turns.
    begins: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Where blobs from here are hashed.
    pub(super) lanes: Lanes,
}

struct State {
    limit: usize,
    /// Turns to be taken back when they end.
    owed: usize,
    /// Good answers since the last change.
    well: usize,
    /// Bad answers without a good one between.
    busy: u32,
    shrunk: Option<Instant>,
    /// It once got fewer than it had.
    was_too_much: bool,
    paused: Option<Instant>,
    best: Option<Duration>,
    lately: Duration,
}

/// How a request went.
pub(super) enum Outcome {
    /// It was answered; where that tells of the registry, with how long it took.
    Answered(Option<Duration>),
    /// The registry says that it is busy, and how long to wait where it does.
    Busy(Option<Duration>),
    /// No answer came, or one of a registry that is unwell.
    Lost,
}

/// The right to one request.
pub(super) struct Turn<'f> {
    flow: &'f Flow,
    permit: Option<SemaphorePermit<'f>>,
}

impl Default for Flow {
    fn default() -> Self {
        let state = State {
            limit: START,
            owed: 0,
            well: 0,
            busy: 0,
            shrunk: None,
            was_too_much: false,
            paused: None,
            best: None,
            lately: Duration::ZERO,
        };
        Self {
            turns: Semaphore::new(START),
            begins: Default::default(),
            state: Mutex::new(state),
            lanes: Lanes::default(),
        }
    }
}

impl Flow {
    /// Waits for a turn, and then for the end of a pause. Where something was begun that would stand
    /// still, it goes before those who begin.
    pub(super) async fn turn(&self, is_begun: bool) -> Turn<'_> {
        let begins = if is_begun { None } else { Some(self.begins.lock().await) };
        // It is never closed; without a permit a request goes all the same.
        let permit = match self.turns.try_acquire() {
            Ok(permit) => Some(permit),
            Err(_) => {
                let permit = self.turns.acquire().await.ok();
                // Whoever gave the turn was answered just now, on a connection that is about to be
                // free: who asks at once does not find it, and opens one more.
                tokio::task::yield_now().await;
                permit
            }
        };
        let turn = Turn { flow: self, permit };
        drop(begins);
        loop {
            let until = self.state().paused;
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => return turn,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn note(&self, outcome: &Outcome, now: Instant) {
        let mut state = self.state();
        match outcome {
            Outcome::Answered(took) => {
                state.busy = 0;
                if took.is_some_and(|took| state.is_slow(took)) {
                    let least = state.limit.min(SLOW);
                    self.shrink(&mut state, least, now);
                } else {
                    self.grow(&mut state);
                }
            }
            Outcome::Busy(asked) => {
                if self.shrink(&mut state, 1, now) {
                    state.busy = state.busy.saturating_add(1);
                }
                let usual = FIRST.saturating_mul(1 << state.busy.min(8));
                let until = now + asked.unwrap_or(usual).min(LONGEST);
                state.paused = state.paused.max(Some(until));
            }
            Outcome::Lost => {}
        }
    }

    /// One more at once, where all turns are taken, after enough good answers: one while there shall
    /// soon be more, else as many as there are turns, and more than that where it is crowded.
    fn grow(&self, state: &mut State) {
        state.well += 1;
        let soon = !state.was_too_much && state.best.is_some() && state.limit < SOON;
        let enough = if state.is_crowded() {
            state.limit * RELUCTANT
        } else if soon {
            1
        } else {
            state.limit
        };
        if state.well >= enough && state.limit < MOST && self.turns.available_permits() == 0 {
            state.well = 0;
            state.limit += 1;
            match state.owed {
                0 => self.turns.add_permits(1),
                _ => state.owed -= 1,
            }
        }
    }

    /// Half as many at once, `least` at least; false where that was done a moment ago.
    fn shrink(&self, state: &mut State, least: usize, now: Instant) -> bool {
        if state.shrunk.is_some_and(|at| now < at + ECHO) {
            return false;
        }
        let limit = (state.limit / 2).max(least);
        let taken = self.turns.forget_permits(state.limit - limit);
        state.owed += state.limit - limit - taken;
        state.was_too_much |= limit < state.limit;
        (state.limit, state.well, state.shrunk) = (limit, 0, Some(now));
        true
    }
}

impl State {
    fn is_slow(&mut self, took: Duration) -> bool {
        let best = self.best.map_or(took, |best| took.min(best + best / FORGET));
        self.lately = self.best.map_or(took, |_| (self.lately * 7 + took) / 8);
        self.best = Some(best);
        self.lately > best * FACTOR + MORE
    }

    fn is_crowded(&self) -> bool {
        self.best.is_some_and(|best| self.lately > best * CROWD_FACTOR + CROWD_MORE)
    }
}

impl Turn<'_> {
    /// Says how the request went, and ends the turn.
    pub(super) fn ended(self, outcome: &Outcome) {
        self.flow.note(outcome, Instant::now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.flow.state();
        if state.owed > 0 {
            state.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(flow: &Flow) -> (usize, usize) {
        (flow.state().limit, flow.turns.available_permits())
    }

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[tokio::test]
    async fn it_grows_while_all_turns_are_taken_and_answers_are_good() {
        let flow = Flow::default();
        for _ in 0..100 {
            flow.turn(false).await.ended(&Outcome::Answered(None));
        }
        assert_eq!(limits(&flow), (START, START), "nobody waited");
        let answers = |count, took| {
            for _ in 0..count {
                flow.note(&Outcome::Answered(Some(Duration::from_millis(took))), Instant::now());
            }
        };
        let mut turns = Vec::new();
        let mut fill = async || {
            while flow.turns.available_permits() > 0 {
                turns.push(flow.turn(false).await);
            }
        };
        // Far away, and as fast as ever.
        for more in 1..=START {
            fill().await;
            answers(1, 50);
            assert_eq!(limits(&flow), (START + more, 1));
        }
        // It is crowded.
        fill().await;
        answers(8, 200);
        fill().await;
        let before = flow.state().limit;
        answers(before * RELUCTANT, 200);
        assert_eq!(flow.state().limit, before + 1);
        // Once it was too much, one more takes as many answers as there are turns.
        answers(100, 50);
        flow.note(&Outcome::Busy(Some(Duration::ZERO)), Instant::now());
        drop(turns);
        let mut turns = Vec::new();
        while flow.turns.available_permits() > 0 {
            turns.push(flow.turn(false).await);
        }
        let before = flow.state().limit;
        answers(before - 1, 50);
        assert_eq!(flow.state().limit, before);
        answers(1, 50);
        assert_eq!(flow.state().limit, before + 1);
    }

    #[tokio::test]
    async fn a_busy_registry_gets_half_once_for_one_crowd_and_all_wait() {
        let (flow, now) = (Flow::default(), Instant::now());
        for asked in [7, 3] {
            flow.note(&Outcome::Busy(Some(seconds(asked))), now);
        }
        assert_eq!(limits(&flow), (START / 2, START / 2));
        assert_eq!(flow.state().paused, Some(now + seconds(7)));
        let later = now + seconds(5);
        flow.note(&Outcome::Busy(Some(seconds(7_000))), later);
        assert_eq!(flow.state().limit, START / 4);
        assert_eq!(flow.state().paused, Some(later + LONGEST));
        let waits = tokio::time::timeout(Duration::from_millis(20), flow.turn(false)).await;
        assert!(waits.is_err(), "all wait");
        flow.state().paused = Some(Instant::now() + Duration::from_millis(20));
        drop(flow.turn(false).await);
    }

    #[tokio::test]
    async fn turns_that_are_out_are_taken_back_when_they_end() {
        let (flow, now) = (Flow::default(), Instant::now());
        let mut turns = Vec::new();
        for _ in 0..START {
            turns.push(flow.turn(false).await);
        }
        flow.note(&Outcome::Busy(None), now);
        assert_eq!(limits(&flow), (START / 2, 0));
        drop(turns);
        assert_eq!(limits(&flow), (START / 2, START / 2));
        for time in 1..10 {
            flow.note(&Outcome::Busy(None), now + seconds(time * 5));
        }
        assert_eq!(limits(&flow), (1, 1), "never none");
    }

    #[tokio::test]
    async fn one_that_grows_slow_gets_fewer_and_never_too_few() {
        for (limit, fewer) in [(SOON, true), (START, false)] {
            let (flow, now) = (grown(limit).await, Instant::now());
            for time in 1..40 {
                flow.note(&Outcome::Answered(Some(seconds(3))), now + seconds(time * 2));
            }
            assert_eq!(limits(&flow), (SLOW, SLOW));
            assert_eq!(flow.state().was_too_much, fewer, "it got fewer than it had");
        }
    }

    #[tokio::test]
    async fn luck_is_not_the_measure_for_ever() {
        let flow = Flow::default();
        let answer = |took| {
            let took = Some(Duration::from_millis(took));
            flow.note(&Outcome::Answered(took), Instant::now());
            flow.state().is_crowded()
        };
        assert!(!answer(1));
        assert!((0..20).any(|_| answer(30)), "it took one");
        assert!((0..1000).any(|_| !answer(30)), "it takes thirty");
    }

    /// A flow with so many turns, all of them free.
    async fn grown(limit: usize) -> Flow {
        let flow = Flow::default();
        let took = Some(Duration::from_millis(5));
        flow.note(&Outcome::Answered(took), Instant::now());
        while flow.state().limit < limit {
            let mut turns = Vec::new();
            while flow.turns.available_permits() > 0 {
                turns.push(flow.turn(false).await);
            }
            flow.note(&Outcome::Answered(took), Instant::now());
        }
        flow
    }
}
