//! A filter in the form people write it: type, value, decoration (contract 3.4).

use serde_json::Value;

use super::{Decoration, Filter, resource::KINDS};

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
}

impl Filter {
    /// Reads a filter from its three properties; an absent decoration is the empty string.
    ///
    /// Patterns are not checked, as in Harbor: one that is malformed fails the execution.
    ///
    /// # Errors
    /// When type, value or decoration are none that exist, or do not go together.
    pub fn parse(kind: &str, value: &Value, decoration: &str) -> Result<Self, InvalidFilter> {
        match kind {
            "name" => {
                undecorated("name", decoration)?;
                Ok(Self::Name(text("name", value)?))
            }
            "tag" => Ok(Self::Tag(text("tag", value)?, decorated("tag", decoration)?)),
            "label" => Ok(Self::Label(texts(value)?, decorated("label", decoration)?)),
            "resource" => {
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
            Self::Name(_) => "name",
            Self::Tag(..) => "tag",
            Self::Label(..) => "label",
            Self::Resource(_) => "resource",
        }
    }

    /// Its value: an array of strings for labels, else a string.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Name(text) | Self::Tag(text, _) | Self::Resource(text) => text.as_str().into(),
            Self::Label(labels, _) => labels.as_slice().into(),
        }
    }

    /// Its decoration as it was given: empty, `matches` or `excludes`.
    #[must_use]
    pub fn decoration(&self) -> &'static str {
        match self {
            Self::Tag(_, decoration) | Self::Label(_, decoration) => match decoration {
                Decoration::Unsaid => "",
                Decoration::Matches => "matches",
                Decoration::Excludes => "excludes",
            },
            Self::Name(_) | Self::Resource(_) => "",
        }
    }
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
            let filter = Filter::parse(kind, &value, decoration).unwrap();
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
            assert!(Filter::parse(kind, &value, decoration).is_err(), "{kind} {value}");
        }
    }
}
