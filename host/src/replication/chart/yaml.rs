//! A small YAML document as a tree, from the events of a parser; depth and size are bounded, also
//! where aliases multiply.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::scalar;

/// How deep a document may nest.
const MAX_DEPTH: usize = 32;
/// Most nodes of a document, what aliases repeat included.
const MAX_NODES: usize = 20_000;

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    /// Text that stands without quotes and may mean a number, a boolean or null.
    Plain(String),
    /// Text that is text.
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

/// Reads the first document of a text.
///
/// # Errors
/// A phrase that says what is wrong.
pub(super) fn read(text: &str) -> Result<Yaml, String> {
    let parser = Parser::new_from_str(text.trim_start_matches('\u{feff}'));
    let mut reader = Reader { parser, anchors: HashMap::new(), left: MAX_NODES };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd => return Err("it is empty".to_owned()),
            first => return reader.node(first, 0),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Yaml>,
    left: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Event<'t>, String> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(format!("it is no valid YAML: {error}")),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn spend(&mut self, nodes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(nodes).ok_or("it is too large")?;
        Ok(())
    }

    fn node(&mut self, first: Event<'t>, depth: usize) -> Result<Yaml, String> {
        if depth > MAX_DEPTH {
            return Err("it is nested too deep".to_owned());
        }
        self.spend(1)?;
        let (anchor, node) = match first {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !tag.is_some_and(|tag| is_text(&tag));
                let node = if plain { Yaml::Plain } else { Yaml::Text };
                (anchor, node(text.into_owned()))
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(depth)?),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or("it has a loose alias")?;
                self.spend(node.size())?;
                return Ok(node);
            }
            _ => return Err("it ends too early".to_owned()),
        };
        if anchor > 0 {
            self.spend(node.size())?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Yaml, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Yaml::List(items)),
                first => items.push(self.node(first, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Yaml, String> {
        let mut pairs = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Yaml::Map(pairs)),
                first => self.node(first, depth + 1)?,
            };
            let first = self.next()?;
            let value = self.node(first, depth + 1)?;
            pairs.push((key.text()?, value));
        }
    }
}

/// `!!str`
fn is_text(tag: &Tag) -> bool {
    tag.is_yaml_core_schema() && tag.suffix == "str"
}

impl Yaml {
    fn size(&self) -> usize {
        match self {
            Self::Plain(_) | Self::Text(_) => 1,
            Self::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Self::Map(pairs) => 1 + pairs.iter().map(|(_, value)| 1 + value.size()).sum::<usize>(),
        }
    }

    /// Whether it is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Plain(text) if text.is_empty() || scalar::text(text).is_empty())
    }

    /// The value of a key, the last of several; names compare as Go's JSON does.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        let found = pairs.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// It as text.
    pub(super) fn text(&self) -> Result<String, String> {
        match self {
            Self::Plain(text) => Ok(scalar::text(text)),
            Self::Text(text) => Ok(text.clone()),
            Self::List(_) | Self::Map(_) => Err("a list or a mapping stands for a text".to_owned()),
        }
    }

    /// It as a boolean.
    pub(super) fn boolean(&self) -> Result<bool, String> {
        let truth = match self {
            Self::Plain(text) => scalar::boolean(text),
            _ => None,
        };
        truth.ok_or_else(|| "something else stands for true or false".to_owned())
    }

    /// Its items.
    pub(super) fn items(&self) -> Result<&[Self], String> {
        match self {
            Self::List(items) => Ok(items),
            _ => Err("something else stands for a list".to_owned()),
        }
    }

    /// It as JSON, for what is passed on without being understood.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Plain(text) => match scalar::boolean(text) {
                Some(truth) => truth.into(),
                None if self.is_null() => serde_json::Value::Null,
                None => {
                    let number = scalar::number(text).and_then(|text| text.parse().ok());
                    number.map_or_else(|| text.as_str().into(), serde_json::Value::Number)
                }
            },
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(pairs) => {
                pairs.iter().map(|(key, value)| (key.clone(), value.json())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_depth_are_bounded() {
        let twice = read("a: &x {b: 1}\nc: *x\n").unwrap();
        assert_eq!(twice.get("c"), twice.get("a"));
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", ")));
        }
        assert_eq!(read(&laughs), Err("it is too large".to_owned()));
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert_eq!(read(&deep), Err("it is nested too deep".to_owned()));
        for (text, why) in [
            ("", "it is empty"),
            ("a: [", "it is no valid YAML"),
            ("a: *x", "it is no valid YAML"),
            ("\"a", "it is no valid YAML"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_quoted_is_text() {
        let yaml = read("a: 1.10\nb: \"1.10\"\nc: !!str 1.10\nd: |-\n  1.10\ne: ~\n").unwrap();
        let text = |key| yaml.get(key).map(|it| it.text().unwrap());
        assert_eq!(text("a").as_deref(), Some("1.1"));
        for key in ["b", "c", "d"] {
            assert_eq!(text(key).as_deref(), Some("1.10"), "{key}");
        }
        assert_eq!(text("e"), None);
    }
}
