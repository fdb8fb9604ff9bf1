//! When a policy runs: Harbor's six-field cron (contract 3.3), in UTC or in a time zone.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

mod cron;
mod zone;

use cron::Cron;
pub use zone::{InvalidZone, Zone};

/// Longest schedule text taken; lists of every value fit well.
const MAX_TEXT: usize = 1024;

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

/// A checked six-field cron text: second minute hour day-of-month month day-of-week, in UTC or in a
/// time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Schedule {
    text: String,
    cron: Cron,
    zone: Option<Zone>,
}

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
        let invalid = |why: String| InvalidSchedule { text: text.chars().take(120).collect(), why };
        if text.len() > MAX_TEXT {
            return Err(invalid(format!("it has more than {MAX_TEXT} bytes")));
        }
        // Harbor looks at the parts between single spaces, its cron library at those between any
        // white space; both readings are kept, since clients see the difference.
        let mut parts = text.split(' ');
        if parts.next() != Some("0") {
            return Err(invalid("the first field (seconds) must be 0".to_owned()));
        }
        if parts.next() == Some("*") {
            let why = "the second field (minutes) must not be *: runs every minute are too many";
            return Err(invalid(why.to_owned()));
        }
        let cron = Cron::parse(text).map_err(invalid)?;
        Ok(Self { text: text.to_owned(), cron, zone: None })
    }

    /// The text as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same by the clocks of a time zone; `None` is UTC.
    #[must_use]
    pub fn in_zone(self, zone: Option<Zone>) -> Self {
        Self { zone, ..self }
    }

    /// The time zone by whose clocks it runs; `None` is UTC.
    #[must_use]
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// The next instant strictly after `after`; `None` where there is none within nine years,
    /// which holds the longest gap between two leap days. What clocks do twice a year, see [`Zone`].
    #[must_use]
    pub fn next_after(&self, after: OffsetDateTime) -> Option<OffsetDateTime> {
        match &self.zone {
            None => self.cron.next_after(after),
            Some(zone) => zone.next_after(&self.cron, after),
        }
    }
}

/// A schedule as it is kept: in UTC it is its text alone.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    InZone { cron: String, zone: Zone },
}

impl TryFrom<Stored> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(stored: Stored) -> Result<Self, InvalidSchedule> {
        match stored {
            Stored::Text(text) => Self::parse(&text),
            Stored::InZone { cron, zone } => Ok(Self::parse(&cron)?.in_zone(Some(zone))),
        }
    }
}

impl From<Schedule> for Stored {
    fn from(schedule: Schedule) -> Self {
        let cron = schedule.text;
        match schedule.zone {
            None => Self::Text(cron),
            Some(zone) => Self::InZone { cron, zone },
        }
    }
}

#[cfg(test)]
mod tests {
    use time::{format_description::well_known::Rfc3339, macros::datetime};

    use super::*;

    /// The reference time of the oracle.
    const NOW: OffsetDateTime = datetime!(2026-11-21 16:20:30 UTC);

    fn next(text: &str) -> Option<String> {
        Schedule::parse(text).unwrap().next_after(NOW).map(|at| at.format(&Rfc3339).unwrap())
    }

    #[test]
    fn contract_3_3_oracle_schedules() {
        let cases = [
            ("0 0 0 * * *", "2026-11-22T00:00:00Z"),
            ("0 0 * * * *", "2026-11-21T17:00:00Z"),
            ("0 0 0 * * 0", "2026-11-22T00:00:00Z"),
            ("0 */5 * * * *", "2026-11-21T16:25:00Z"),
            ("0 0/15 * * * *", "2026-11-21T16:30:00Z"),
            ("0 1,2,3 * * * *", "2026-11-21T17:01:00Z"),
            ("0 0 0 ? * *", "2026-11-22T00:00:00Z"),
            // Either day fits: 1 January 2027 is a Friday, its first Monday the 4th.
            ("0 0 0 1 JAN mon", "2027-01-01T00:00:00Z"),
            ("0 0 2 1-7 * 1", "2026-11-23T02:00:00Z"),
            ("0 0 0 * * SUN-SAT", "2026-11-22T00:00:00Z"),
            ("0  0 0 * * *", "2026-11-22T00:00:00Z"),
            ("0 ? * * * *", "2026-11-21T16:21:00Z"),
            ("0 */1 * * * *", "2026-11-21T16:21:00Z"),
            ("0 2-59/10 1-3 * * *", "2026-11-22T01:02:00Z"),
            // A star with a step is a restriction: odd days, or Wednesdays.
            ("0 0 0 */2 * 3", "2026-11-23T00:00:00Z"),
            ("0 0 0 */1 * 3", "2026-11-25T00:00:00Z"),
            ("0 0 0 29 feb *", "2028-02-29T00:00:00Z"),
            ("0 20 16 21 11 *", "2027-11-21T16:20:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(next(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(next("0 0 0 31 2 *"), None);
    }

    #[test]
    fn contract_3_3_go_tables() {
        for good in ["0 0 * * * *", "0 1 2 1 1 *"] {
            assert!(Schedule::parse(good).is_ok(), "{good}");
        }
        for bad in ["* * *", "* * * * * *", "0 * * * * *", "", "0 2 3", "1 0 0 1 1 0"] {
            assert!(Schedule::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn contract_3_3_oracle_refusals() {
        let seconds = ["* 0 * * * *", "1 0 * * * *", "00 0 * * * *", "*/1 0 * * * *"];
        let grammar = [
            "0 0 0 * * 7",
            "0 0 0 * *",
            "0 0 0 * * * *",
            "@daily",
            "@every 1h",
            "0 60 * * * *",
            "0 0 24 * * *",
            "0 0 0 0 * *",
            "0 5-1 * * * *",
            "0 */0 * * * *",
            "0 1/ * * * *",
            " 0 0 0 * * *",
            "TZ=UTC 0 0 0 * * *",
            "0\t0\t0\t*\t*\t*",
            "0 0 0 L * *",
            "0 0 0 15W * *",
            "0 0 0 * * 5#2",
            "0 0 0 * * 5L",
            "0 0 0 * 13 *",
            "0 0 0 * jan-foo *",
            "0 mon * * * *",
            "0 1-2-3 * * * *",
            "0 1/2/3 * * * *",
            "0 -1 * * * *",
            "0 99999999999999999999 * * * *",
            "0 é * * * *",
        ];
        for bad in seconds.iter().chain(&grammar) {
            assert!(Schedule::parse(bad).is_err(), "{bad}");
        }
        for bad in seconds {
            assert!(Schedule::parse(bad).unwrap_err().why.contains("seconds"), "{bad}");
        }
        let minutes = Schedule::parse("0 * * * * *").unwrap_err();
        assert!(minutes.why.contains("minutes"), "{minutes}");
        assert!(Schedule::parse(&format!("0 {} * * * *", "1,".repeat(1000))).is_err());
    }

    #[test]
    fn the_next_instant_is_strictly_later_and_in_utc() {
        let hourly = Schedule::parse("0 0 * * * *").unwrap();
        let midnight = datetime!(2026-12-31 23:00 UTC);
        assert_eq!(hourly.next_after(midnight), Some(datetime!(2027-01-01 00:00 UTC)));
        let elsewhere = datetime!(2026-11-21 18:20:30.5 +2);
        assert_eq!(hourly.next_after(elsewhere), Some(datetime!(2026-11-21 17:00 UTC)));
        let just_before = datetime!(2026-11-21 16:59:59.999 UTC);
        assert_eq!(hourly.next_after(just_before), Some(datetime!(2026-11-21 17:00 UTC)));
        // A leap day after the year 2100, which has none.
        let leap = Schedule::parse("0 0 0 29 2 *").unwrap();
        let before_gap = datetime!(2096-03-01 00:00 UTC);
        assert_eq!(leap.next_after(before_gap), Some(datetime!(2104-02-29 00:00 UTC)));
        assert_eq!(leap.next_after(datetime!(9999-12-31 23:59:59 UTC)), None);
    }

    #[test]
    fn it_is_stored_as_its_text() {
        let schedule = Schedule::parse("0 0  2 * * MON").unwrap();
        let stored = serde_json::to_string(&schedule).unwrap();
        assert_eq!(stored, "\"0 0  2 * * MON\"");
        assert_eq!(serde_json::from_str::<Schedule>(&stored).unwrap(), schedule);
        assert!(serde_json::from_str::<Schedule>("\"* * * * * *\"").is_err());
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let elsewhere = schedule.in_zone(Some(zone));
        let stored = serde_json::to_string(&elsewhere).unwrap();
        assert_eq!(stored, r#"{"cron":"0 0  2 * * MON","zone":"Europe/Berlin"}"#);
        assert_eq!(serde_json::from_str::<Schedule>(&stored).unwrap(), elsewhere);
    }
}
