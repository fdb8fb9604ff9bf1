//! Executions: one run of a policy, and what its tasks make of it.

mod columns;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{ExecutionId, PolicyId};

/// State of an execution or a task. The API's words are made from it at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Waits for a worker.
    Pending,
    /// Handed to a worker.
    Scheduled,
    /// Under way.
    Running,
    /// Done.
    Success,
    /// Failed.
    Error,
    /// Stopped by somebody.
    Stopped,
}

impl Status {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Error | Self::Stopped)
    }
}

/// What started an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartedBy {
    /// Somebody.
    Manual,
    /// The schedule.
    Scheduled,
    /// An event.
    Event,
}

/// How many tasks are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// All tasks.
    pub total: u64,
    /// Pending, scheduled or running.
    pub in_progress: u64,
    /// Done.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Stopped.
    pub stopped: u64,
}

impl Counters {
    /// Counts one task more.
    pub fn add(&mut self, status: Status) {
        self.total += 1;
        *self.of(status) += 1;
    }

    /// Moves one task from a state to another.
    pub fn shift(&mut self, from: Status, to: Status) {
        let slot = self.of(from);
        *slot = slot.saturating_sub(1);
        *self.of(to) += 1;
    }

    fn of(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Pending | Status::Scheduled | Status::Running => &mut self.in_progress,
            Status::Success => &mut self.succeeded,
            Status::Error => &mut self.failed,
            Status::Stopped => &mut self.stopped,
        }
    }

    /// The state these tasks give their execution (contract 3.8).
    #[must_use]
    pub fn roll_up(&self) -> Status {
        if self.in_progress > 0 {
            Status::Running
        } else if self.failed > 0 {
            Status::Error
        } else if self.stopped > 0 {
            Status::Stopped
        } else {
            Status::Success
        }
    }
}

/// A stored execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Its id.
    pub id: ExecutionId,
    /// The policy it runs.
    pub policy: PolicyId,
    /// Its state.
    pub status: Status,
    /// Why it has that state, where tasks do not say it.
    pub status_text: String,
    /// What started it.
    pub started_by: StartedBy,
    /// Its tasks.
    pub counters: Counters,
    /// Whether every task is known: until then it runs on, whatever its tasks say.
    pub listed: bool,
    /// Whether somebody asked it to stop.
    pub stop_requested: bool,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Error, Pending, Running, Scheduled, Stopped, Success};

    const ALL: [Status; 6] = [Pending, Scheduled, Running, Success, Error, Stopped];

    fn counted(states: &[Status]) -> Counters {
        let mut counters = Counters::default();
        states.iter().for_each(|state| counters.add(*state));
        counters
    }

    #[test]
    fn contract_3_8_roll_up() {
        let cases: [(&[Status], Status); 12] = [
            (&[], Success),
            (&[Success, Success], Success),
            (&[Success, Stopped], Stopped),
            (&[Success, Error], Error),
            (&[Stopped, Error, Success], Error),
            (&[Error], Error),
            (&[Stopped], Stopped),
            (&[Pending], Running),
            (&[Scheduled, Success], Running),
            (&[Running, Error], Running),
            (&[Pending, Stopped], Running),
            (&[Running, Error, Stopped, Success, Pending], Running),
        ];
        for (states, expected) in cases {
            assert_eq!(counted(states).roll_up(), expected, "{states:?}");
        }
    }

    #[test]
    fn contract_3_8_counters() {
        let counters = counted(&ALL);
        let Counters { total, in_progress, succeeded, failed, stopped } = counters;
        assert_eq!((total, in_progress, succeeded, failed, stopped), (6, 3, 1, 1, 1));
    }

    #[test]
    fn a_shift_moves_one_task_and_keeps_the_total() {
        for from in ALL {
            for to in ALL {
                let mut shifted = counted(&[from, Success, Error]);
                shifted.shift(from, to);
                assert_eq!(shifted, counted(&[to, Success, Error]), "{from:?} {to:?}");
            }
        }
        // A shift of what was never counted does not wrap around.
        let mut empty = Counters::default();
        empty.shift(Running, Success);
        assert_eq!((empty.in_progress, empty.succeeded), (0, 1));
    }

    #[test]
    fn final_states() {
        assert_eq!(ALL.map(Status::is_final), [false, false, false, true, true, true]);
    }
}
