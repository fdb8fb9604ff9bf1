//! Repository names, tags and references: the strict grammar of the OCI distribution-spec,
//! "Pulling manifests".

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Digest;

/// Longest repository name taken; clients commonly cap host and name at 255.
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// Why a text is no repository name, tag or reference.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a {what}: {rule}")]
pub struct InvalidReference {
    text: String,
    what: &'static str,
    rule: &'static str,
}

impl InvalidReference {
    fn new(text: &str, what: &'static str, rule: &'static str) -> Self {
        Self { text: text.chars().take(300).collect(), what, rule }
    }
}

/// A repository name without its host, e.g. `library/alpine`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

impl Repository {
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between slashes.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().last()) else {
        return false;
    };
    if !alphanumeric(first) || !alphanumeric(last) {
        return false;
    }
    text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|run| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-'))
}

impl FromStr for Repository {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if text.len() > MAX_NAME || !text.split('/').all(is_component) {
            let rule = "lower-case letters, digits and single separators (. _ __ -), components \
                        joined by /, at most 255 characters";
            return Err(InvalidReference::new(text, "repository name", rule));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A tag, e.g. `v1.2`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let first = text.bytes().next().is_some_and(word);
        let rest = text.bytes().all(|b| word(b) || b == b'.' || b == b'-');
        if !first || !rest || text.len() > MAX_TAG {
            let rule = "1 to 128 letters, digits, _ . -, not beginning with . or -";
            return Err(InvalidReference::new(text, "tag", rule));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What follows the name of a repository: a tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A name that may move.
    Tag(Tag),
    /// Content that may not change.
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if text.contains(':') {
            let rule = "a sha256 or sha512 digest in lower-case hex";
            let wrong = |_| InvalidReference::new(text, "digest", rule);
            return text.parse().map(Self::Digest).map_err(wrong);
        }
        text.parse().map(Self::Tag)
    }
}

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag.as_str()),
            Self::Digest(digest) => f.write_str(digest.as_str()),
        }
    }
}

macro_rules! text_type {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidReference;

            fn try_from(text: String) -> Result<Self, InvalidReference> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

text_type!(Repository);
text_type!(Tag);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_grammar() {
        for good in ["a", "library/alpine", "a/b/c", "a.b", "a_b", "a__b", "a--b", "a---b/0"] {
            assert!(good.parse::<Repository>().is_ok(), "{good}");
        }
        for bad in ["", "A", "a/", "/a", "a//b", "a..b", "a___b", "-a", "a-", "a b", "a:b", "a._b"]
        {
            assert!(bad.parse::<Repository>().is_err(), "{bad}");
        }
        assert!("a".repeat(256).parse::<Repository>().is_err());
    }

    #[test]
    fn tag_and_reference_grammar() {
        for good in ["latest", "_x", "1.0-rc.1", "sha256-ab.sig", "V1"] {
            assert!(matches!(good.parse(), Ok(Reference::Tag(_))), "{good}");
        }
        for bad in ["", ".a", "-a", "a/b", "a+b", "é", "sha256:12"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
        assert!("a".repeat(129).parse::<Tag>().is_err());
        let digest = Digest::of(b"").to_string();
        assert!(matches!(digest.parse(), Ok(Reference::Digest(_))));
    }
}
