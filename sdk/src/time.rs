//! Instants as providers write them, in seconds since the Unix epoch, UTC.

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
    let (date, clock) = text.trim().split_once(['T', 't', ' '])?;
    let mut date = date.split('-').map(|number| number.parse::<i64>().ok());
    let date = (date.next()??, date.next()??, date.next()??);
    let end = clock.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(clock.len());
    let (hms, rest) = clock.split_at_checked(end)?;
    let mut hms = hms.split(':').map(|number| number.parse::<i64>().ok());
    let local = instant(date, (hms.next()??, hms.next()??, hms.next()??))?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    local.checked_add_signed(offset(zone)?.checked_neg()?)
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let east = zone.strip_prefix('+').map(|rest| (1, rest));
    let (sign, rest) = east.or_else(|| zone.strip_prefix('-').map(|rest| (-1, rest)))?;
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
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
        ] {
            assert_eq!(rfc3339(text), expected, "{text}");
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
