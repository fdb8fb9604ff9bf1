//! Schedules by the clocks of a time zone, with the zones' rules built in. It reads no file and no
//! clock.

use std::{fmt, str::FromStr};

use jiff::{
    civil,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::cron::Cron;

/// How far back readings are looked at: longer than clocks are ever set back.
const LONGEST_OVERLAP: Duration = Duration::hours(3);
/// Most readings looked at for one question: those of [`LONGEST_OVERLAP`] a minute apart, and some.
const MAX_READINGS: usize = 1_000;

/// A time zone of the IANA database, e.g. `Europe/Berlin`.
///
/// Where clocks are set forward, what falls into the hour that is left out runs once, at the moment
/// of the change. Where they are set back, what falls into the hour that comes twice runs the first
/// time alone; but a schedule whose field of hours is `*` goes on through both.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// Why a text is no time zone.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no time zone; use a name of the IANA database, e.g. Europe/Berlin or UTC")]
pub struct InvalidZone(String);

impl Zone {
    /// The name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next instant strictly after `after` at which the zone's clocks show what is scheduled.
    pub(super) fn next_after(&self, cron: &Cron, after: OffsetDateTime) -> Option<OffsetDateTime> {
        let now = self.reading(after)?;
        let (mut reading, mut next) = (now.checked_sub(LONGEST_OVERLAP)?, None);
        for _ in 0..MAX_READINGS {
            let Some(found) = cron.next_by_clock(reading) else { break };
            reading = found;
            let (first, second) = self.instants(found, cron.is_hourly())?;
            let later = [Some(first), second].into_iter().flatten().filter(|at| *at > after);
            next = next.into_iter().chain(later).min();
            // No later reading comes before this one did for the first time.
            if first > after {
                break;
            }
        }
        next
    }

    /// What the zone's clocks show.
    fn reading(&self, at: OffsetDateTime) -> Option<PrimitiveDateTime> {
        let timestamp = jiff::Timestamp::from_second(at.unix_timestamp()).ok()?;
        let offset = self.zone.to_offset(timestamp).seconds();
        let shown = at.to_offset(time::UtcOffset::from_whole_seconds(offset).ok()?);
        Some(PrimitiveDateTime::new(shown.date(), shown.time()))
    }

    /// When the clocks show a reading: the first time, and the second where there is one that is
    /// wanted; the moment of the change where it is left out.
    fn instants(
        &self,
        reading: PrimitiveDateTime,
        both: bool,
    ) -> Option<(OffsetDateTime, Option<OffsetDateTime>)> {
        let (date, clock) = (reading.date(), reading.time());
        let small = |value: u8| i8::try_from(value).ok();
        let civil = civil::DateTime::new(
            i16::try_from(date.year()).ok()?,
            small(date.month().into())?,
            small(date.day())?,
            small(clock.hour())?,
            small(clock.minute())?,
            small(clock.second())?,
            0,
        );
        let by = |offset: jiff::tz::Offset| {
            let offset = time::UtcOffset::from_whole_seconds(offset.seconds()).ok()?;
            Some(reading.assume_offset(offset).to_offset(time::UtcOffset::UTC))
        };
        match self.zone.to_ambiguous_timestamp(civil.ok()?).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some((by(offset)?, None)),
            AmbiguousOffset::Fold { before, after } => {
                Some((by(before)?, if both { by(after) } else { None }))
            }
            // By the clocks after the change it lies before it.
            AmbiguousOffset::Gap { after, .. } => {
                let before = jiff::Timestamp::from_second(by(after)?.unix_timestamp()).ok()?;
                let change = self.zone.following(before).next()?.timestamp().as_second();
                Some((OffsetDateTime::from_unix_timestamp(change).ok()?, None))
            }
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(name: &str) -> Result<Self, InvalidZone> {
        let invalid = |_| InvalidZone(name.chars().take(64).collect());
        let zone = jiff::tz::db().get(name).map_err(invalid)?;
        Ok(Self { name: name.to_owned(), zone })
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(name: String) -> Result<Self, InvalidZone> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::super::Schedule;
    use super::*;

    /// The next runs after an instant, in UTC.
    fn next(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(cron).unwrap().in_zone(Some(zone.parse().unwrap()));
        let mut at = OffsetDateTime::parse(after, &Rfc3339).unwrap();
        let step = || {
            at = schedule.next_after(at)?;
            Some(at.format(&Rfc3339).unwrap())
        };
        std::iter::from_fn(step).take(count).collect()
    }

    #[test]
    fn schedules_run_by_the_clocks_of_a_zone() {
        let cases = [
            ("0 0 2 * * *", "Europe/Berlin", "2026-01-10T12:00:00Z", "2026-01-11T01:00:00Z"),
            ("0 0 2 * * *", "Europe/Berlin", "2026-07-10T12:00:00Z", "2026-07-11T00:00:00Z"),
            ("0 0 2 * * *", "UTC", "2026-07-10T12:00:00Z", "2026-07-11T02:00:00Z"),
            ("0 30 0 * * *", "Asia/Kolkata", "2026-07-10T12:00:00Z", "2026-07-10T19:00:00Z"),
            ("0 0 0 1 * *", "America/New_York", "2026-11-21T00:00:00Z", "2026-12-01T05:00:00Z"),
        ];
        for (cron, zone, after, expected) in cases {
            assert_eq!(next(cron, zone, after, 1), [expected], "{cron} {zone}");
        }
        assert_eq!(next("0 0 0 31 2 *", "Europe/Berlin", "2026-01-01T00:00:00Z", 1).len(), 0);
    }

    /// In Berlin 02:00 to 03:00 is left out on 29 March 2026, and comes twice on 25 October.
    #[test]
    fn clocks_that_are_set_lose_no_run_and_repeat_none() {
        let zone = "Europe/Berlin";
        let forward = next("0 30 2 * * *", zone, "2026-03-28T00:00:00Z", 3);
        let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
        assert_eq!(forward, expected);
        // All that falls into the hour that is left out is one run.
        let quarters = next("0 0,15,30,45 2 * * *", zone, "2026-03-29T00:00:00Z", 2);
        assert_eq!(quarters, ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]);
        let back = next("0 30 2 * * *", zone, "2026-10-24T12:00:00Z", 2);
        assert_eq!(back, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        // Between the two it does not run again, whenever it is asked.
        let between = next("0 30 2 * * *", zone, "2026-10-25T00:59:00Z", 1);
        assert_eq!(between, ["2026-10-26T01:30:00Z"]);
        let hourly = next("0 30 * * * *", zone, "2026-10-24T23:00:00Z", 4);
        let expected = ["23:30", "00:30", "01:30", "02:30"];
        let shown: Vec<&str> = hourly.iter().map(|at| &at[11..16]).collect();
        assert_eq!(shown, expected);
        let hourly = next("0 30 * * * *", zone, "2026-03-29T00:00:00Z", 3);
        let shown: Vec<&str> = hourly.iter().map(|at| &at[11..16]).collect();
        assert_eq!(
            shown,
            ["00:30", "01:00", "01:30"],
            "the half hour left out is run at the change"
        );
    }

    #[test]
    fn zones_have_names() {
        for good in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            assert_eq!(good.parse::<Zone>().unwrap().name(), good);
        }
        for bad in ["", "Mars/Olympus", "+02:00", "../etc/passwd"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }
}
