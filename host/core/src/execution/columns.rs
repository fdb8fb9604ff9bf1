//! What executions may be ordered by: the columns of Harbor's table of them that differ between rows
//! (contract 1.7).

use std::borrow::Cow;

use time::{OffsetDateTime, macros::datetime};

use super::{Execution, StartedBy, Status};
use crate::page::{Column, Field};

/// What Harbor has for an instant that has not come.
const UNSET: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);

impl Status {
    /// Harbor's internal word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Scheduled => "Scheduled",
            Self::Running => "Running",
            Self::Success => "Success",
            Self::Error => "Error",
            Self::Stopped => "Stopped",
        }
    }
}

impl StartedBy {
    /// Harbor's internal word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Scheduled => "SCHEDULE",
            Self::Event => "EVENT",
        }
    }
}

impl Execution {
    /// Names of the columns, in the order of [`values`](Self::values).
    pub const COLUMNS: &'static [Column] = &[
        ("id", None),
        ("vendor_id", None),
        ("status", None),
        ("status_message", None),
        ("trigger", None),
        ("start_time", None),
        ("update_time", None),
        ("end_time", None),
    ];

    /// The value of each column.
    #[must_use]
    pub fn values(&self) -> [Field<'_>; 8] {
        let int = |id: u64| Field::Int(i64::try_from(id).unwrap_or(i64::MAX));
        let text = |text| Field::Text(Cow::Borrowed(text));
        [
            int(self.id.0),
            int(self.policy.0),
            text(self.status.word()),
            text(&self.status_text),
            text(self.started_by.word()),
            Field::Time(self.started),
            Field::Time(self.ended.unwrap_or(self.started)),
            Field::Time(self.ended.unwrap_or(UNSET)),
        ]
    }
}
