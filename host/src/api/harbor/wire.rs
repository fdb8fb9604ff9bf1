//! Harbor's JSON, to the letter: names, what is omitted, `null` arrays, year-1 dates (contract
//! 1.8, 1.9). Pure: bodies become core types here, core types become bodies; no host, no IO.

pub(crate) mod adapter;
pub(crate) mod execution;
pub(crate) mod policy;
pub(crate) mod registry;

use portolan_core::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{
    OffsetDateTime, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::{datetime, format_description},
};

/// What is shown in place of a stored secret.
pub(crate) const MASK: &str = "*****";

const MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const WITHOUT_ZONE: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]");

/// An instant on the wire: UTC, milliseconds, never omitted; the unset one is in year 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(OffsetDateTime);

impl Time {
    /// What Go's zero time looks like.
    pub(crate) const UNSET: Self = Self(Self::UNSET_INSTANT);
    /// The same as an instant, for what orders by time.
    pub(crate) const UNSET_INSTANT: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);
}

impl From<OffsetDateTime> for Time {
    fn from(instant: OffsetDateTime) -> Self {
        Self(instant.to_offset(UtcOffset::UTC))
    }
}

impl From<Option<OffsetDateTime>> for Time {
    fn from(instant: Option<OffsetDateTime>) -> Self {
        instant.map_or(Self::UNSET, Self::from)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.format(MILLIS).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

/// A date-time that a client sent and nobody reads: it only has to be one.
#[derive(Clone, Copy)]
pub(crate) struct IgnoredTime;

impl<'de> Deserialize<'de> for IgnoredTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let zoned = OffsetDateTime::parse(&text, &Rfc3339).is_ok();
        let local = time::PrimitiveDateTime::parse(&text, WITHOUT_ZONE).is_ok();
        if zoned || local || text.is_empty() {
            return Ok(Self);
        }
        Err(D::Error::custom(format!("`{text}` is no date-time")))
    }
}

/// A secret a client sent: it goes straight where it cannot be shown.
pub(crate) struct Sensitive(pub(crate) Secret);

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// Whether a property is left out: Go's `omitempty`.
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An array as Harbor writes an unset one: `null`.
pub(crate) fn array<T>(items: Vec<T>) -> Option<Vec<T>> {
    Some(items).filter(|items| !items.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let cases = [
            (Time::UNSET, "0001-01-01T00:00:00.000Z"),
            (Time::from(None), "0001-01-01T00:00:00.000Z"),
            (datetime!(2026-11-21 16:20:00.123_987 UTC).into(), "2026-11-21T16:20:00.123Z"),
            (datetime!(2026-11-21 16:20:00 +02:00).into(), "2026-11-21T14:20:00.000Z"),
        ];
        for (time, expected) in cases {
            assert_eq!(serde_json::to_value(time).unwrap(), expected);
        }
    }

    #[test]
    fn sent_times_only_have_to_be_times() {
        let cases = [
            ("\"2026-11-21T16:20:00.123Z\"", true),
            ("\"2026-11-21T16:20:00+01:00\"", true),
            ("\"2026-11-21T16:20:00\"", true),
            ("\"\"", true),
            ("\"yesterday\"", false),
            ("12", false),
        ];
        for (text, fine) in cases {
            assert_eq!(serde_json::from_str::<IgnoredTime>(text).is_ok(), fine, "{text}");
        }
    }
}
