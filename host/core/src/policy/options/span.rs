//! Lengths of time as people write them: `72h`, `90m`, `30d`, `1h30m`.

use serde::{Deserialize, Deserializer, Serialize};
use time::Duration;

/// Longest length of time, in seconds: a hundred years.
const MAX_SECONDS: u64 = 100 * 366 * 86_400;

/// A length of time, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    text: String,
    seconds: u64,
}

/// Why a text is no length of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no length of time; write it like 72h, 90m, 30d or 1h30m, a hundred years at most"
)]
pub struct InvalidSpan(String);

impl Span {
    /// So many hours.
    pub(super) fn hours(hours: u32) -> Self {
        Self { text: format!("{hours}h"), seconds: u64::from(hours) * 3_600 }
    }

    /// How long it is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::seconds(i64::try_from(self.seconds).unwrap_or(i64::MAX))
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The sum of the parts of a text, each a number and its unit.
fn seconds(text: &str) -> Option<u64> {
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(end)?;
        let mut units = after.chars();
        let unit = match units.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = units.as_str();
    }
    (!text.is_empty() && total <= MAX_SECONDS).then_some(total)
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;

    fn try_from(text: String) -> Result<Self, InvalidSpan> {
        match seconds(&text) {
            Some(seconds) => Ok(Self { text, seconds }),
            None => Err(InvalidSpan(text.chars().take(64).collect())),
        }
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.text
    }
}

/// A text that may be absent, `null` or empty, which all mean none.
pub(super) fn or_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error: std::fmt::Display>,
{
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(T::try_from).transpose().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let cases = [
            ("72h", Some(259_200)),
            ("1h30m", Some(5_400)),
            ("90m", Some(5_400)),
            ("30d", Some(2_592_000)),
            ("2w", Some(1_209_600)),
            ("45s", Some(45)),
            ("0h", Some(0)),
            ("", None),
            ("72", None),
            ("h", None),
            ("-1h", None),
            ("1.5h", None),
            ("1 h", None),
            ("72H", None),
            ("99999999999999999999h", None),
            ("5000w5000w", None),
        ];
        for (text, expected) in cases {
            let span = Span::try_from(text.to_owned()).ok();
            assert_eq!(span.map(|span| span.duration().whole_seconds()), expected, "{text}");
        }
    }
}
