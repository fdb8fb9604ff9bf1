//! A value of a row, as `q` and `sort` see it.

use std::{borrow::Cow, cmp::Ordering};

use time::{
    OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem,
    macros::format_description,
};

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// A value of a row that may be filtered or ordered by.
#[derive(Clone, Debug, PartialEq)]
pub enum Field<'r> {
    /// Text, compared by its bytes.
    Text(Cow<'r, str>),
    /// A number or an id.
    Int(i64),
    /// Yes or no; orders no before yes.
    Bool(bool),
    /// An instant.
    Time(OffsetDateTime),
}

/// Whether `part` stands in `text`, both ASCII, whatever the case. Asked of every row of a
/// listing: it makes no copy, and looks closer only where the first letter fits.
fn holds_letters(text: &[u8], part: &[u8]) -> bool {
    let Some((first, others)) = part.split_first() else { return true };
    let (small, capital) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let mut rest = text;
    while let [here, after @ ..] = rest {
        if after.len() < others.len() {
            return false;
        }
        if (*here == small || *here == capital)
            && after.get(..others.len()).is_some_and(|found| found.eq_ignore_ascii_case(others))
        {
            return true;
        }
        rest = after;
    }
    false
}

/// Reads `YYYY-MM-DDTHH:MM:SS`, in UTC.
pub(super) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, TIME).ok().map(PrimitiveDateTime::assume_utc)
}

impl Field<'_> {
    /// How it compares with another value of its kind; `None` where kinds differ.
    pub(super) fn compare(&self, other: &Field<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Field::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Field::Int(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Field::Bool(b)) => Some(a.cmp(b)),
            (Self::Time(a), Field::Time(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// How it compares with a text, read as a value of its kind.
    pub(super) fn compare_text(&self, text: &str) -> Option<Ordering> {
        let other = match self {
            Self::Text(_) => Field::Text(Cow::Borrowed(text)),
            Self::Int(_) => Field::Int(text.parse().ok()?),
            Self::Bool(_) => Field::Bool(Self::flag(text)?),
            Self::Time(_) => Field::Time(Self::moment(text)?),
        };
        self.compare(&other)
    }

    /// A text read as yes or no.
    pub(super) fn flag(text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        }
    }

    /// A text read as an instant, with a `T` or a space before the time of day.
    pub(super) fn moment(text: &str) -> Option<OffsetDateTime> {
        parse_time(&text.replacen(' ', "T", 1))
    }

    /// Whether a part stands in its text, whatever the case of their letters; `small` is the part
    /// in small letters.
    pub(super) fn holds(&self, part: &str, small: &str) -> bool {
        let text = self.text();
        if !text.is_ascii() || !part.is_ascii() {
            return text.to_lowercase().contains(small);
        }
        holds_letters(text.as_bytes(), part.as_bytes())
    }

    /// It as a text.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
            Self::Time(time) => {
                let utc = time.to_offset(time::UtcOffset::UTC);
                Cow::Owned(utc.format(TIME).unwrap_or_default())
            }
        }
    }
}
