//! What one value of a row must have, made ready once for a hundred thousand rows: texts in small
//! letters, items of lists by kind.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeSet};

use time::OffsetDateTime;

use super::{Field, Item, Value};

/// One condition of a query.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::page) struct Term {
    /// Field or column, as it was written.
    pub(in crate::page) name: String,
    /// What was asked for, as it was read.
    pub(super) value: Value,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Nothing that can be asked of a row.
    Nothing,
    Compares(String, Wanted),
    Holds(Needle),
    Between(Option<End>, Option<End>),
    OneOf(Choice),
}

/// Which order a value has to the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Equal,
    AtLeast,
    AtMost,
    More,
    Less,
}

impl Term {
    /// Makes the condition of `key=value` ready.
    pub(super) fn new(key: &str, value: Value) -> Self {
        let (name, suffix) = key.split_once("__").unwrap_or((key, ""));
        let test = match (&value, suffix) {
            (Value::Exact(text), "icontains") => Test::Holds(Needle::new(text)),
            (Value::Exact(text), suffix) => Wanted::of(suffix)
                .map_or(Test::Nothing, |wanted| Test::Compares(text.clone(), wanted)),
            // A suffix on anything but a plain value counts as two, which are ignored.
            (_, suffix) if !suffix.is_empty() => Test::Nothing,
            (Value::Fuzzy(part), _) => Test::Holds(Needle::new(part)),
            (Value::Range(min, max), _) => {
                Test::Between(min.as_ref().map(End::new), max.as_ref().map(End::new))
            }
            (Value::AnyOf(items), _) => Test::OneOf(Choice::of(items)),
            // No key of a registry or a policy has several values.
            (Value::AllOf(_), _) => Test::Nothing,
        };
        Self { name: name.to_owned(), value, test }
    }

    /// Whether a row's value fits.
    pub(in crate::page) fn fits(&self, found: &Field<'_>) -> bool {
        let is = |end: &End, wanted: fn(Ordering) -> bool| end.order(found).is_some_and(wanted);
        match &self.test {
            Test::Nothing => true,
            Test::Compares(text, wanted) => {
                found.compare_text(text).is_some_and(|order| wanted.is(order))
            }
            Test::Holds(needle) => found.holds(&needle.text, &needle.small),
            Test::Between(min, max) => {
                min.as_ref().is_none_or(|min| is(min, Ordering::is_ge))
                    && max.as_ref().is_none_or(|max| is(max, Ordering::is_le))
            }
            Test::OneOf(choice) => choice.has(found),
        }
    }
}

impl Wanted {
    /// By a key's suffix; `None` for one that does not exist, which is ignored.
    fn of(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "" | "in" | "exact" => Self::Equal,
            "gte" => Self::AtLeast,
            "lte" => Self::AtMost,
            "gt" => Self::More,
            "lt" => Self::Less,
            _ => return None,
        })
    }

    fn is(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::Less => order.is_lt(),
        }
    }
}

/// A part of a text, whatever the case of its letters.
#[derive(Clone, Debug, PartialEq)]
struct Needle {
    text: String,
    small: String,
}

impl Needle {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), small: text.to_lowercase() }
    }
}

/// One end of a range, with what it is on a text column.
#[derive(Clone, Debug, PartialEq)]
struct End {
    item: Item,
    text: String,
}

impl End {
    fn new(item: &Item) -> Self {
        Self { item: item.clone(), text: text_of(item).into_owned() }
    }

    /// How a value compares with it; `None` where it cannot be read as the value's kind.
    fn order(&self, found: &Field<'_>) -> Option<Ordering> {
        match (&self.item, found) {
            (Item::Text(_), _) | (_, Field::Text(_)) => found.compare_text(&self.text),
            (Item::Int(number), _) => found.compare(&Field::Int(*number)),
            (Item::Time(time), _) => found.compare(&Field::Time(*time)),
        }
    }
}

/// The items of a list, by the kind of value they may be.
#[derive(Clone, Debug, Default, PartialEq)]
struct Choice {
    texts: BTreeSet<String>,
    numbers: BTreeSet<i64>,
    flags: BTreeSet<bool>,
    times: BTreeSet<OffsetDateTime>,
}

impl Choice {
    fn of(items: &[Item]) -> Self {
        let mut choice = Self::default();
        for item in items {
            choice.texts.insert(text_of(item).into_owned());
            match item {
                Item::Int(number) => choice.numbers.extend([*number]),
                Item::Time(time) => choice.times.extend([*time]),
                Item::Text(text) => {
                    choice.numbers.extend(text.parse::<i64>());
                    choice.flags.extend(Field::flag(text));
                    choice.times.extend(Field::moment(text));
                }
            }
        }
        choice
    }

    fn has(&self, found: &Field<'_>) -> bool {
        match found {
            Field::Text(text) => self.texts.contains(text.as_ref()),
            Field::Int(number) => self.numbers.contains(number),
            Field::Bool(yes) => self.flags.contains(yes),
            Field::Time(time) => self.times.contains(time),
        }
    }
}

/// `{1 2}` on a text column means the texts `1` and `2`.
fn text_of(item: &Item) -> Cow<'_, str> {
    match item {
        Item::Text(text) => Cow::Borrowed(text),
        Item::Int(number) => Cow::Owned(Field::Int(*number).text().into_owned()),
        Item::Time(time) => Cow::Owned(Field::Time(*time).text().into_owned()),
    }
}
