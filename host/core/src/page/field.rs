//! A value of a row, as `q` and `sort` see it.

use std::cmp::Ordering;

use time::{
    OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem,
    macros::format_description,
};

use super::Item;

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// A value of a row that may be filtered or ordered by.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Text, compared by its bytes.
    Text(String),
    /// A number or an id.
    Int(i64),
    /// Yes or no; orders no before yes.
    Bool(bool),
    /// An instant.
    Time(OffsetDateTime),
}

/// Reads `YYYY-MM-DDTHH:MM:SS`, in UTC.
pub(super) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, TIME).ok().map(PrimitiveDateTime::assume_utc)
}

impl Field {
    /// How it compares with another value of its kind; `None` where kinds differ.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// How it compares with an item of a query; `None` where the item cannot be read as its kind.
    pub(super) fn compare_item(&self, item: &Item) -> Option<Ordering> {
        let other = match item {
            Item::Text(text) => return self.compare_text(text),
            Item::Int(number) => Self::Int(*number),
            Item::Time(time) => Self::Time(*time),
        };
        // `{1 2}` on a text column means the texts `1` and `2`.
        if matches!(self, Self::Text(_)) {
            self.compare_text(&other.text())
        } else {
            self.compare(&other)
        }
    }

    /// How it compares with a text, read as a value of its kind.
    pub(super) fn compare_text(&self, text: &str) -> Option<Ordering> {
        let other = match self {
            Self::Text(_) => Self::Text(text.to_owned()),
            Self::Int(_) => Self::Int(text.parse().ok()?),
            Self::Bool(_) => Self::Bool(match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => true,
                "false" | "f" | "0" => false,
                _ => return None,
            }),
            Self::Time(_) => Self::Time(parse_time(&text.replacen(' ', "T", 1))?),
        };
        self.compare(&other)
    }

    /// Its text, for what looks for a part of it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Bool(yes) => yes.to_string(),
            Self::Time(time) => {
                let utc = time.to_offset(time::UtcOffset::UTC);
                utc.format(TIME).unwrap_or_default()
            }
        }
    }
}
