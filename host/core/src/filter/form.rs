//! A filter in the form people write it: type, value, decoration (contract 3.4).

use serde_json::Value;

use super::{Decoration, Filter, resource::KINDS};
use crate::pattern::{InvalidPattern, Pattern, Syntax};

/// Why three properties are no filter.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidFilter {
    /// No such type.
    #[error("there is no filter of the type `{0}`; use name, tag, label or resource")]
    Kind(String),
    /// A value of another JSON type, or one that is not known.
    #[error("the value of a {kind} filter must be {expected}")]
    Value {
        /// The filter's type.
        kind: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// A decoration the type does not take.
    #[error("a {kind} filter cannot be decorated with `{decoration}`; it takes {expected}")]
    Decoration {
        /// The filter's type.
        kind: &'static str,
        /// What was given.
        decoration: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A syntax the type does not take.
    #[error("a {kind} filter cannot be written in the syntax `{syntax}`; it takes {expected}")]
    Syntax {
        /// The filter's type.
        kind: &'static str,
        /// What was given.
        syntax: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A pattern that is malformed.
    #[error("a {kind} filter cannot be applied: {why}")]
    Pattern {
        /// The filter's type.
        kind: &'static str,
        /// What is wrong with it.
        why: InvalidPattern,
    },
}

impl Filter {
    /// Reads a filter from its properties; an absent decoration or syntax is the empty string.
    ///
    /// Where no syntax is said the filter is Harbor's: its pattern is not checked, and one that is
    /// malformed fails the execution; a name filter takes no decoration. With one, a pattern is
    /// checked here, and a name filter may exclude.
    ///
    /// # Errors
    /// When a property is none that exists, or they do not go together.
    pub fn parse(
        kind: &str,
        value: &Value,
        decoration: &str,
        syntax: &str,
    ) -> Result<Self, InvalidFilter> {
        match kind {
            "name" => {
                let syntax = written("name", syntax, "`glob` or `regex`")?;
                if syntax == Syntax::Unsaid {
                    undecorated("name", decoration)?;
                }
                let pattern = pattern("name", value, syntax)?;
                Ok(Self::Name(pattern, decorated("name", decoration)?))
            }
            "tag" => {
                let syntax = written("tag", syntax, "`glob`, `regex` or `semver`")?;
                let pattern = pattern("tag", value, syntax)?;
                Ok(Self::Tag(pattern, decorated("tag", decoration)?))
            }
            "label" => {
                unwritten("label", syntax)?;
                Ok(Self::Label(texts(value)?, decorated("label", decoration)?))
            }
            "resource" => {
                unwritten("resource", syntax)?;
                undecorated("resource", decoration)?;
                let filter = Self::Resource(text("resource", value)?);
                filter.check().map(|()| filter)
            }
            other => Err(InvalidFilter::Kind(other.chars().take(64).collect())),
        }
    }

    /// Checks what the types do not hold: a resource filter's value.
    ///
    /// # Errors
    /// When a resource filter has a value that is neither `image` nor `artifact`.
    pub fn check(&self) -> Result<(), InvalidFilter> {
        match self {
            Self::Resource(kind) if !KINDS.contains(&kind.as_str()) => {
                Err(InvalidFilter::Value { kind: "resource", expected: "`image` or `artifact`" })
            }
            _ => Ok(()),
        }
    }

    /// Its type: `name`, `tag`, `label` or `resource`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Name(..) => "name",
            Self::Tag(..) => "tag",
            Self::Label(..) => "label",
            Self::Resource(_) => "resource",
        }
    }

    /// Its value: an array of strings for labels, else a string.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Name(pattern, _) | Self::Tag(pattern, _) => pattern.as_str().into(),
            Self::Resource(text) => text.as_str().into(),
            Self::Label(labels, _) => labels.as_slice().into(),
        }
    }

    /// Its decoration as it was given: empty, `matches` or `excludes`.
    #[must_use]
    pub fn decoration(&self) -> &'static str {
        match self {
            Self::Name(_, decoration) | Self::Tag(_, decoration) | Self::Label(_, decoration) => {
                match decoration {
                    Decoration::Unsaid => "",
                    Decoration::Matches => "matches",
                    Decoration::Excludes => "excludes",
                }
            }
            Self::Resource(_) => "",
        }
    }

    /// Its syntax as it was given; `None` where none was.
    #[must_use]
    pub fn syntax(&self) -> Option<&'static str> {
        match self {
            Self::Name(pattern, _) | Self::Tag(pattern, _) => pattern.syntax().name(),
            Self::Label(..) | Self::Resource(_) => None,
        }
    }
}

fn pattern(kind: &'static str, value: &Value, syntax: Syntax) -> Result<Pattern, InvalidFilter> {
    let parsed = Pattern::parse(&text(kind, value)?, syntax);
    parsed.map_err(|why| InvalidFilter::Pattern { kind, why })
}

/// The syntax of a name or tag filter; versions are no repository names.
fn written(
    kind: &'static str,
    syntax: &str,
    expected: &'static str,
) -> Result<Syntax, InvalidFilter> {
    let named = Syntax::named(syntax).filter(|it| (kind, *it) != ("name", Syntax::Semver));
    named.ok_or_else(|| wrong_syntax(kind, syntax, expected))
}

fn unwritten(kind: &'static str, syntax: &str) -> Result<(), InvalidFilter> {
    if syntax.is_empty() {
        return Ok(());
    }
    Err(wrong_syntax(kind, syntax, "none"))
}

fn wrong_syntax(kind: &'static str, syntax: &str, expected: &'static str) -> InvalidFilter {
    let syntax = syntax.chars().take(64).collect();
    InvalidFilter::Syntax { kind, syntax, expected }
}

fn text(kind: &'static str, value: &Value) -> Result<String, InvalidFilter> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or(InvalidFilter::Value { kind, expected: "a string" })
}

fn texts(value: &Value) -> Result<Vec<String>, InvalidFilter> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<String> =
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
    if !value.is_array() || texts.len() != items.len() {
        return Err(InvalidFilter::Value { kind: "label", expected: "an array of strings" });
    }
    Ok(texts)
}

fn undecorated(kind: &'static str, decoration: &str) -> Result<(), InvalidFilter> {
    if decoration.is_empty() {
        return Ok(());
    }
    Err(wrong_decoration(kind, decoration, "none"))
}

fn decorated(kind: &'static str, decoration: &str) -> Result<Decoration, InvalidFilter> {
    match decoration {
        "" => Ok(Decoration::Unsaid),
        "matches" => Ok(Decoration::Matches),
        "excludes" => Ok(Decoration::Excludes),
        other => Err(wrong_decoration(kind, other, "`matches` or `excludes`")),
    }
}

fn wrong_decoration(kind: &'static str, decoration: &str, expected: &'static str) -> InvalidFilter {
    let decoration = decoration.chars().take(64).collect();
    InvalidFilter::Decoration { kind, decoration, expected }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn contract_3_4_what_is_a_filter_comes_back_as_given() {
        let good = [
            ("name", json!("library/**"), ""),
            ("name", json!(""), ""),
            ("tag", json!("v*"), ""),
            ("tag", json!("v*"), "matches"),
            ("tag", json!("["), "excludes"),
            ("label", json!(["a", "b"]), "matches"),
            ("label", json!([]), "excludes"),
            ("label", json!(["a"]), ""),
            ("resource", json!("image"), ""),
            ("resource", json!("artifact"), ""),
        ];
        for (kind, value, decoration) in good {
            let filter = Filter::parse(kind, &value, decoration, "").unwrap();
            assert_eq!(
                (filter.kind(), filter.value(), filter.decoration()),
                (kind, value, decoration)
            );
            let stored = serde_json::to_string(&filter).unwrap();
            assert_eq!(serde_json::from_str::<Filter>(&stored).unwrap(), filter);
        }
    }

    #[test]
    fn contract_3_4_what_is_no_filter() {
        let bad = [
            ("name", json!("a"), "matches"),
            ("name", json!(["a"]), ""),
            ("name", json!(null), ""),
            ("tag", json!(1), ""),
            ("tag", json!("a"), "Matches"),
            ("label", json!("a"), ""),
            ("label", json!(["a", 1]), ""),
            ("label", json!(null), ""),
            ("resource", json!("image"), "matches"),
            ("resource", json!("Image"), ""),
            ("resource", json!(""), ""),
            ("resource", json!("chart"), ""),
            ("", json!("a"), ""),
            ("Name", json!("a"), ""),
        ];
        for (kind, value, decoration) in bad {
            assert!(Filter::parse(kind, &value, decoration, "").is_err(), "{kind} {value}");
        }
    }

    #[test]
    fn a_syntax_that_is_said_is_checked_and_comes_back() {
        let good = [
            ("name", "library/**", "", "glob"),
            ("name", "^library/", "matches", "regex"),
            ("name", "tmp/**", "excludes", "glob"),
            ("tag", "^v1[.]", "matches", "regex"),
            ("tag", ">=1.2, <2", "", "semver"),
            ("tag", "", "excludes", "glob"),
        ];
        for (kind, value, decoration, syntax) in good {
            let value = json!(value);
            let filter = Filter::parse(kind, &value, decoration, syntax).unwrap();
            assert_eq!(
                (filter.kind(), filter.value(), filter.decoration(), filter.syntax()),
                (kind, value, decoration, Some(syntax))
            );
            let stored = serde_json::to_string(&filter).unwrap();
            assert_eq!(serde_json::from_str::<Filter>(&stored).unwrap(), filter);
        }
        let bad = [
            ("name", json!("["), "", "glob", "a name filter cannot be applied: the glob `[`"),
            ("tag", json!("("), "", "regex", "a tag filter cannot be applied: the regex `(`"),
            ("tag", json!("newest"), "", "semver", "the semver `newest`"),
            ("name", json!("1"), "", "semver", "it takes `glob` or `regex`"),
            ("tag", json!("1"), "", "Regex", "the syntax `Regex`"),
            ("label", json!(["a"]), "", "glob", "a label filter cannot be written"),
            ("resource", json!("image"), "", "glob", "it takes none"),
            ("name", json!("a"), "without", "glob", "decorated"),
        ];
        for (kind, value, decoration, syntax, why) in bad {
            let error = Filter::parse(kind, &value, decoration, syntax).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        // As it was kept before names could be decorated.
        let old: Filter = serde_json::from_str(r#"{"Name":"library/**"}"#).unwrap();
        assert_eq!(old, Filter::name("library/**"));
        let old: Filter = serde_json::from_str(r#"{"Tag":["v*","Excludes"]}"#).unwrap();
        assert_eq!(old, Filter::tag("v*", Decoration::Excludes));
    }
}
