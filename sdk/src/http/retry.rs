//! How long a provider asks to wait: `Retry-After` and its relatives.

use super::Response;
use crate::time::instant;

/// Longest wait believed, in seconds.
const MAX_WAIT: u64 = 24 * 3600;

/// Seconds to wait, rounded up; `None` where the answer does not say.
pub(crate) fn after(response: &Response, now: u64) -> Option<u32> {
    let standard = response.header("Retry-After").and_then(|text| parse(text, now));
    // Docker Hub's management API gives the instant as a Unix time stamp.
    let instant = || {
        let at: u64 = response.header("X-Retry-After")?.trim().parse().ok()?;
        Some(if at > MAX_WAIT { at.saturating_sub(now) } else { at })
    };
    standard.or_else(instant).map(|seconds| seconds.min(MAX_WAIT) as u32)
}

fn parse(text: &str, now: u64) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at_checked(digits)?;
    if whole.is_empty() {
        return http_date(text).map(|at| at.saturating_sub(now));
    }
    let whole: u64 = whole.parse().ok()?;
    let unit = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()).trim();
    // A fraction begun is a whole one waited.
    let rounded = whole.saturating_add(u64::from(rest.starts_with('.')));
    match unit {
        "" | "s" => Some(rounded),
        "ms" => Some(rounded.div_ceil(1_000)),
        "µs" | "us" => Some(rounded.div_ceil(1_000_000)),
        "m" => Some(rounded.saturating_mul(60)),
        _ => None,
    }
}

/// Seconds since the epoch of `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7, preferred form).
fn http_date(text: &str) -> Option<u64> {
    let mut words = text.split_once(',')?.1.trim_start().split([' ', ':']);
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = || words.next()?.parse::<i64>().ok();
    let (hour, minute, second) = (clock()?, clock()?, clock()?);
    let month = i64::try_from(MONTHS.iter().position(|m| *m == month)?).ok()?.checked_add(1)?;
    instant((year, month, day), (hour, minute, second))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for (text, expected) in [
            ("120", Some(120)),
            ("880.092µs", Some(1)),
            ("1500ms", Some(2)),
            ("2s", Some(2)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse(text, 784_111_740), expected, "{text}");
        }
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
    }
}
