//! The `q` parameter: which rows of a listing are wanted (contract 1.6).

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Field, field};

mod term;
mod value;

pub(super) use term::Term;

/// Longest `q` taken, in bytes.
const MAX_LENGTH: usize = 16 << 10;
/// Most keys of one `q`: each is asked of every row.
const MAX_TERMS: usize = 16;
/// Most items of a list.
const MAX_ITEMS: usize = 100;

/// What rows must have: for each key a value. Keys that a noun does not know are passed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    terms: BTreeMap<String, Term>,
    /// The deprecated `name` parameter, apart, so that every key of `q` counts as well.
    name_like: Option<Term>,
}

/// What a key must have.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Just this.
    Exact(String),
    /// This in it, whatever the case of its letters.
    Fuzzy(String),
    /// Between these, ends included; an absent end is open.
    Range(Option<Item>, Option<Item>),
    /// One of these; none of none.
    AnyOf(Vec<Item>),
    /// All of these. No key of a registry or a policy has several values, so it is passed over.
    AllOf(Vec<Item>),
}

/// A typed item of a range or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `2020-03-04T17:08:23`, in UTC.
    Time(OffsetDateTime),
    /// A whole number.
    Int(i64),
    /// Anything else, without quotation marks around it.
    Text(String),
}

/// Why a text is no query.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{part}` is no part of a query: {why}")]
pub struct InvalidQuery {
    part: String,
    why: &'static str,
}

fn invalid(part: &str, why: &'static str) -> InvalidQuery {
    InvalidQuery { part: part.chars().take(120).collect(), why }
}

impl Query {
    /// Reads `key=value,key=value`. It is unescaped once more than the URL already was, as in
    /// Harbor; of a repeated key the last counts.
    ///
    /// # Errors
    /// When a part has no `=`, no key or no value, or a value is malformed; when there are more
    /// than 16 keys, or more than 100 items in a list.
    pub fn parse(q: &str) -> Result<Self, InvalidQuery> {
        if q.is_empty() {
            return Ok(Self::default());
        }
        if q.len() > MAX_LENGTH {
            return Err(invalid(q, "it is too long"));
        }
        let unescaped = value::unescaped(q);
        let mut terms = BTreeMap::new();
        for part in unescaped.as_deref().unwrap_or(q).split(',') {
            let (key, value) = part
                .split_once('=')
                .filter(|(key, value)| !key.is_empty() && !value.is_empty())
                .ok_or_else(|| invalid(part, "expected key=value"))?;
            let value = Value::parse(value).map_err(|why| invalid(part, why))?;
            terms.insert(key.to_owned(), Term::new(key, value));
            if terms.len() > MAX_TERMS {
                return Err(invalid(part, "at most 16 keys can be asked for at once"));
            }
        }
        Ok(Self { terms, name_like: None })
    }

    /// A query for rows whose `name` holds a text: the deprecated `name` parameter.
    #[must_use]
    pub fn and_name_like(mut self, name: &str) -> Self {
        if !name.is_empty() {
            self.name_like = Some(Term::new("name", Value::Fuzzy(name.to_owned())));
        }
        self
    }

    /// The value asked for by a key, as it was written.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.terms.get(key).map(|term| &term.value)
    }

    /// Whether a row fits. `lookup` gives its value by the name of a field or a column, and `None`
    /// for a name the noun does not have; it is asked again by the snake-cased name then.
    #[must_use]
    pub fn matches<'r>(&self, lookup: impl Fn(&str) -> Option<Field<'r>>) -> bool {
        self.terms()
            .all(|term| by_either_name(&term.name, &lookup).is_none_or(|found| term.fits(&found)))
    }

    /// What is asked for.
    pub(super) fn terms(&self) -> impl Iterator<Item = &Term> {
        self.terms.values().chain(&self.name_like)
    }
}

/// `DestNamespace` is asked for as `dest_namespace` where the first is not known.
pub(super) fn by_either_name<T>(name: &str, lookup: impl Fn(&str) -> Option<T>) -> Option<T> {
    lookup(name).or_else(|| lookup(&snake_case(name)))
}

/// A run of capitals is one word: `SrcRegistryID` is `src_registry_id`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_small {
            snake.push('_');
        }
        after_small = !c.is_ascii_uppercase();
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests;
