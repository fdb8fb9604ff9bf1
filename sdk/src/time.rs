//! Instants as providers write them, in seconds since the Unix epoch, UTC.

use core::fmt;

use serde::de::{Deserializer, Visitor};

use crate::host;

/// The host's clock.
#[must_use]
pub fn now() -> u64 {
    host::now()
}

/// Reads an RFC 3339 instant such as `2026-08-21T08:00:00.123Z`; fractions are dropped. `None`
/// for anything else and for instants before 1970 (Harbor writes year 1 for "never").
#[must_use]
pub fn rfc3339(text: &str) -> Option<u64> {
    // By bytes at their places: a long listing has two of these in each row.
    let text = text.trim_ascii().as_bytes();
    let (year, text) = number(text, 4)?;
    let (month, text) = number(after(text, b"-")?, 2)?;
    let (day, text) = number(after(text, b"-")?, 2)?;
    let (hour, text) = number(after(text, b"Tt ")?, 2)?;
    let (minute, text) = number(after(text, b":")?, 2)?;
    let (second, text) = number(after(text, b":")?, 2)?;
    let local = instant((year, month, day), (hour, minute, second))?;
    let fraction = text.iter().take_while(|b| **b == b'.' || b.is_ascii_digit()).count();
    local.checked_add_signed(offset(text.get(fraction..)?)?.checked_neg()?)
}

/// So many digits, and what follows them.
fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(digits)?;
    let mut number = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some((number, rest))
}

/// What follows one of these bytes.
fn after<'a>(text: &'a [u8], separators: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = text.split_first()?;
    separators.contains(first).then_some(rest)
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let sign = match zone.first()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = number(after(zone, b"+-")?, 2)?;
    let (minutes, rest) = number(after(rest, b":")?, 2)?;
    let fits = hours < 24 && minutes < 60 && rest.is_empty();
    fits.then_some(sign * (hours * 3600 + minutes * 60))
}

/// Reads a field that holds an instant of RFC 3339: `#[serde(default, deserialize_with =
/// "time::deserialize")]` on an `Option<u64>`. `None` for null and for what is no instant; no text
/// is made on the way.
///
/// # Errors
/// Where the field is neither text nor null.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(InstantVisitor)
}

struct InstantVisitor;

impl Visitor<'_> for InstantVisitor {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant as text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(rfc3339(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// The instant of a civil date and time, both UTC; `None` where there is none or it is before
/// 1970.
pub(crate) fn instant(
    (year, month, day): (i64, i64, i64),
    (hour, minute, second): (i64, i64, i64),
) -> Option<u64> {
    let possible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !possible {
        return None;
    }
    // Days since the epoch of a civil date, years counted from March so that the leap day is last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let years = 365 * year + year / 4 - year / 100 + year / 400;
    let days = years + (153 * month + 2) / 5 + day - 1 - 719_468;
    u64::try_from(((days * 24 + hour) * 60 + minute) * 60 + second).ok()
}

/// Year, month, day, hour, minute, second, UTC.
pub(crate) fn civil(instant: u64) -> (u64, u64, u64, u64, u64, u64) {
    let (days, seconds) = (instant / 86_400, instant % 86_400);
    // Years counted from March, so that the leap day is last; eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        if month < 10 { (era * 400 + year, month + 3) } else { (era * 400 + year + 1, month - 9) };
    (year, month, date, seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `20150830T123600Z`: ISO 8601, basic form, as AWS and Huawei sign it.
#[must_use]
pub fn basic(instant: u64) -> String {
    let (year, month, day, hour, minute, second) = civil(instant);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// `2015-08-30T12:36:00Z`: RFC 3339 without a fraction, as Alibaba signs it.
#[must_use]
pub fn extended(instant: u64) -> String {
    let (year, month, day, hour, minute, second) = civil(instant);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `Sun, 30 Aug 2015 12:36:00 GMT`: the date of HTTP (RFC 9110 5.6.7).
#[must_use]
pub fn http_date(instant: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = civil(instant);
    let name = |names: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
    };
    let (weekday, month) = (name(&DAYS, instant / 86_400 % 7), name(&MONTHS, month - 1));
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_instants() {
        for (text, expected) in [
            ("2026-08-21T08:00:00Z", Some(1_787_299_200)),
            ("2026-08-21T08:00:00.123456789Z", Some(1_787_299_200)),
            ("2026-08-21T10:30:00+02:30", Some(1_787_299_200)),
            ("2026-08-21 03:00:00-05:00", Some(1_787_299_200)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:00:00Z", Some(1_709_208_000)),
            ("0001-01-01T00:00:00.000Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-08-21T08:00:00", None),
            ("2026-08-21T08:00Z", None),
            ("yesterday", None),
            ("2026-08-21T08:00:00Zulu", None),
            ("2026-08-21T08:00:00+0230", None),
            ("2026-8-21T08:00:00Z", None),
            (" 2026-08-21t08:00:00z ", Some(1_787_299_200)),
        ] {
            assert_eq!(rfc3339(text), expected, "{text}");
        }
    }

    #[test]
    fn fields_hold_instants() {
        #[derive(serde::Deserialize)]
        struct Row {
            #[serde(default, deserialize_with = "deserialize")]
            at: Option<u64>,
        }
        for (json, expected) in [
            (r#"{"at":"1970-01-01T00:00:07Z"}"#, Some(Some(7))),
            (r#"{"at":"1970-01-01T00:00:07\u005a"}"#, Some(Some(7))),
            (r#"{"at":"never"}"#, Some(None)),
            (r#"{"at":null}"#, Some(None)),
            ("{}", Some(None)),
            (r#"{"at":[]}"#, None),
        ] {
            let row = serde_json::from_str::<Row>(json).ok();
            assert_eq!(row.map(|row| row.at), expected, "{json}");
        }
    }

    #[test]
    fn writes_instants() {
        for (instant, written, date) in [
            (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_440_938_160, "2015-08-30T12:36:00Z", "Sun, 30 Aug 2015 12:36:00 GMT"),
            (1_709_208_000, "2024-02-29T12:00:00Z", "Thu, 29 Feb 2024 12:00:00 GMT"),
            (1_787_299_200, "2026-08-21T08:00:00Z", "Fri, 21 Aug 2026 08:00:00 GMT"),
            (4_102_444_799, "2099-12-31T23:59:59Z", "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(extended(instant), written);
            assert_eq!(basic(instant), written.replace(['-', ':'], ""));
            assert_eq!(http_date(instant), date);
            assert_eq!(rfc3339(written), Some(instant));
        }
    }
}
