//! The values of a query, told apart by their first character.

use super::{Item, MAX_ITEMS, Value, field::parse_time};

impl Value {
    /// Reads a value that is not empty.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut rest = text.chars();
        match rest.next() {
            Some('\\') => Ok(Self::Exact(rest.as_str().to_owned())),
            Some('~') if rest.as_str().is_empty() => Err("expected a text after ~"),
            Some('~') => Ok(Self::Fuzzy(rest.as_str().to_owned())),
            Some('[') => range(rest.as_str()),
            Some('{') => Ok(Self::AnyOf(list(rest.as_str(), '}')?)),
            Some('(') => Ok(Self::AllOf(list(rest.as_str(), ')')?)),
            _ => Ok(Self::Exact(text.to_owned())),
        }
    }
}

/// What follows the bracket of `[min~max]`.
fn range(text: &str) -> Result<Value, &'static str> {
    let inside = text.strip_suffix(']').ok_or("expected a ] at its end")?;
    let (min, max) = inside.split_once('~').ok_or("expected a ~ between its ends")?;
    let end = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(Item::parse);
    match (end(min), end(max)) {
        _ if max.contains('~') => Err("expected a single ~"),
        (None, None) => Err("expected one end of the range at least"),
        (min, max) => Ok(Value::Range(min, max)),
    }
}

/// What follows the opening of a list, items between single spaces.
fn list(text: &str, close: char) -> Result<Vec<Item>, &'static str> {
    let inside = text.strip_suffix(close).ok_or("expected a list to be closed at its end")?;
    let items = inside.split(' ').filter(|item| !item.is_empty());
    let items: Vec<Item> = items.take(MAX_ITEMS + 1).map(Item::parse).collect();
    if items.len() > MAX_ITEMS {
        return Err("a list has at most 100 items");
    }
    Ok(items)
}

impl Item {
    /// A time, else a whole number, else a text.
    pub(super) fn parse(text: &str) -> Self {
        if let Some(time) = parse_time(text) {
            return Self::Time(time);
        }
        match text.parse() {
            Ok(number) => Self::Int(number),
            Err(_) => Self::Text(text.trim_matches(['"', '\'']).to_owned()),
        }
    }
}

/// Unescapes as a query of a URL; `None` where an escape is broken or the result is not UTF-8.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut unescaped = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        unescaped.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || u8::try_from(char::from(bytes.next()?).to_digit(16)?).ok();
                let high = digit()?;
                high << 4 | digit()?
            }
            other => other,
        });
    }
    String::from_utf8(unescaped).ok()
}
