//! Values by column: numbers, times and flags as 64-bit numbers, texts as places in one string.

use std::borrow::Cow;

use time::OffsetDateTime;

use super::Field;

/// Longest text that is kept, in bytes: what is behind it is neither searched nor ordered by. The
/// longest names and addresses fit many times; only descriptions can be longer.
const MAX_TEXT: usize = 4096;

/// The values of every row, a list for each column.
#[derive(Debug, Default)]
pub(super) struct Columns {
    lists: Vec<List>,
    /// Texts of every row, and of rows that are gone.
    texts: String,
    /// Bytes of `texts` that belong to no row any more.
    wasted: usize,
}

/// One column; which kind it is, its first value says.
#[derive(Debug)]
enum List {
    Bool(Vec<i64>),
    Int(Vec<i64>),
    /// Nanoseconds since 1970.
    Time(Vec<i64>),
    Text(Vec<Place>),
}

/// Where a text begins, and its length.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: u32,
    length: u16,
}

/// A value as it is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'r> {
    Number(i64),
    Text(&'r str),
}

impl Columns {
    /// Adds a row before the one at `at`.
    pub(super) fn insert(&mut self, at: usize, values: &[Field<'_>]) {
        if self.lists.is_empty() {
            self.lists = values.iter().map(List::of).collect();
        }
        for (list, value) in self.lists.iter_mut().zip(values) {
            match list {
                List::Bool(list) | List::Int(list) | List::Time(list) => {
                    list.insert(at, number(value));
                }
                List::Text(list) => list.insert(at, keep(&mut self.texts, value)),
            }
        }
    }

    /// Puts values in place of a row's.
    pub(super) fn replace(&mut self, at: usize, values: &[Field<'_>]) {
        for (list, value) in self.lists.iter_mut().zip(values) {
            match list {
                List::Bool(list) | List::Int(list) | List::Time(list) => {
                    list.get_mut(at).into_iter().for_each(|old| *old = number(value));
                }
                List::Text(list) => {
                    let place = keep(&mut self.texts, value);
                    if let Some(old) = list.get_mut(at) {
                        self.wasted += usize::from(old.length);
                        *old = place;
                    }
                }
            }
        }
        self.compact();
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, at: usize) {
        for list in &mut self.lists {
            match list {
                List::Bool(list) | List::Int(list) | List::Time(list) => {
                    list.remove(at);
                }
                List::Text(list) => self.wasted += usize::from(list.remove(at).length),
            }
        }
        self.compact();
    }

    /// A value; `None` where there is none.
    pub(super) fn value(&self, column: usize, row: usize) -> Option<Field<'_>> {
        Some(match self.lists.get(column)? {
            List::Bool(list) => Field::Bool(*list.get(row)? != 0),
            List::Int(list) => Field::Int(*list.get(row)?),
            List::Time(list) => {
                let nanoseconds = i128::from(*list.get(row)?);
                Field::Time(OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?)
            }
            List::Text(list) => Field::Text(Cow::Borrowed(self.text(*list.get(row)?))),
        })
    }

    /// A value as it is ordered; the same for every row where there is no such column.
    pub(super) fn key(&self, column: Option<usize>, row: usize) -> Key<'_> {
        let number = |list: &[i64]| Key::Number(list.get(row).copied().unwrap_or_default());
        match column.and_then(|column| self.lists.get(column)) {
            Some(List::Bool(list) | List::Int(list) | List::Time(list)) => number(list),
            Some(List::Text(list)) => {
                Key::Text(self.text(list.get(row).copied().unwrap_or_default()))
            }
            None => number(&[]),
        }
    }

    /// Bytes a row takes, texts included.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let lists = self.lists.iter().map(|list| match list {
            List::Bool(list) | List::Int(list) | List::Time(list) => list.capacity() * 8,
            List::Text(list) => list.capacity() * size_of::<Place>(),
        });
        lists.sum::<usize>() + self.texts.capacity()
    }

    fn text(&self, Place { start, length }: Place) -> &str {
        let start = start as usize;
        self.texts.get(start..start + usize::from(length)).unwrap_or_default()
    }

    /// Takes up the room of texts that are gone, once that is more than half.
    fn compact(&mut self) {
        if self.wasted <= self.texts.len() / 2 {
            return;
        }
        let mut texts = String::with_capacity(self.texts.len() - self.wasted);
        for list in &mut self.lists {
            let List::Text(places) = list else { continue };
            for place in places {
                let old = place.start as usize;
                let text = self.texts.get(old..old + usize::from(place.length));
                place.start = offset(&texts);
                texts.push_str(text.unwrap_or_default());
            }
        }
        (self.texts, self.wasted) = (texts, 0);
    }
}

impl List {
    fn of(first: &Field<'_>) -> Self {
        match first {
            Field::Bool(_) => Self::Bool(Vec::new()),
            Field::Int(_) => Self::Int(Vec::new()),
            Field::Time(_) => Self::Time(Vec::new()),
            Field::Text(_) => Self::Text(Vec::new()),
        }
    }
}

fn number(value: &Field<'_>) -> i64 {
    match value {
        Field::Bool(yes) => i64::from(*yes),
        Field::Int(number) => *number,
        // Beyond the year 2262, or before 1677, one end of them.
        Field::Time(time) => {
            let nanoseconds = time.unix_timestamp_nanos();
            i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
        }
        Field::Text(_) => 0,
    }
}

/// Adds a text at the end. Beyond 4 GiB of them nothing is kept.
fn keep(texts: &mut String, value: &Field<'_>) -> Place {
    let Field::Text(text) = value else { return Place::default() };
    let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
    let start = offset(texts);
    if start == u32::MAX {
        return Place::default();
    }
    texts.push_str(text);
    Place { start, length: u16::try_from(text.len()).unwrap_or_default() }
}

fn offset(texts: &str) -> u32 {
    u32::try_from(texts.len()).unwrap_or(u32::MAX)
}
