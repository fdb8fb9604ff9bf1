//! A pattern in one of the syntaxes that filters take, read once. It selects nothing by itself.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::{BadPattern, version::Range, wildcard};

/// Longest pattern whose syntax is said, in bytes.
const MAX_TEXT: usize = 4096;
/// Most bytes a compiled regular expression may take, and its matching.
const MAX_REGEX: usize = 1 << 20;

/// How a pattern is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    /// Nothing was said: Harbor's globs, which are looked at no sooner than they are applied.
    #[default]
    Unsaid,
    /// Harbor's globs (contract 3.5), checked when they are read.
    Glob,
    /// A regular expression of the crate `regex`, found anywhere in the text.
    Regex,
    /// A range of versions; what is no version does not match.
    Semver,
}

impl Syntax {
    /// The syntax as people write it; `None` where nothing was said.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Unsaid => None,
            Self::Glob => Some("glob"),
            Self::Regex => Some("regex"),
            Self::Semver => Some("semver"),
        }
    }

    /// The syntax of a name; `None` where there is none of it. The empty name says nothing.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Glob, Self::Regex, Self::Semver];
        match name {
            "" => Some(Self::Unsaid),
            name => all.into_iter().find(|syntax| syntax.name() == Some(name)),
        }
    }
}

/// Why a text is no pattern.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the {syntax} `{text}` cannot be used: {why}")]
pub struct InvalidPattern {
    syntax: &'static str,
    text: String,
    why: String,
}

/// A pattern, ready to be matched. Cheap to clone but for its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Pattern {
    text: String,
    syntax: Syntax,
    compiled: Compiled,
}

#[derive(Clone, Debug)]
enum Compiled {
    Glob,
    /// A glob that says no more than that one of these wildcards matches.
    Wildcards(Vec<String>),
    Regex(Regex),
    Range(Range),
}

impl Compiled {
    fn glob(text: &str) -> Self {
        wildcard::written_out(text).map_or(Self::Glob, Self::Wildcards)
    }
}

impl Pattern {
    /// A pattern of Harbor, which is not checked: one that is malformed fails when it is applied.
    #[must_use]
    pub fn glob(text: impl Into<String>) -> Self {
        let text = text.into();
        let compiled = Compiled::glob(&text);
        Self { text, syntax: Syntax::Unsaid, compiled }
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is malformed, or too large; a glob whose syntax is not said never is.
    pub fn parse(text: &str, syntax: Syntax) -> Result<Self, InvalidPattern> {
        let invalid = |why: String| InvalidPattern {
            syntax: syntax.name().unwrap_or("glob"),
            text: text.chars().take(160).collect(),
            why,
        };
        if syntax != Syntax::Unsaid && text.len() > MAX_TEXT {
            return Err(invalid(format!("it has more than {MAX_TEXT} bytes")));
        }
        let compiled = match syntax {
            Syntax::Unsaid => Compiled::glob(text),
            Syntax::Glob => {
                let malformed = "it is malformed; check its [ ] { } and \\";
                super::check(text).map_err(|_| invalid(malformed.to_owned()))?;
                Compiled::glob(text)
            }
            Syntax::Regex => Compiled::Regex(regex(text).map_err(invalid)?),
            Syntax::Semver => Compiled::Range(Range::parse(text).map_err(invalid)?),
        };
        Ok(Self { text: text.to_owned(), syntax, compiled })
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is written.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Whether it restricts nothing, as an empty glob.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text, where it is a glob.
    #[must_use]
    pub fn as_glob(&self) -> Option<&str> {
        let is_glob = matches!(self.compiled, Compiled::Glob | Compiled::Wildcards(_));
        is_glob.then_some(self.text.as_str())
    }

    /// Whether a text matches: a glob the whole of it, a regular expression any part of it.
    ///
    /// # Errors
    /// When matching reached a malformed part of a glob.
    pub fn matches(&self, text: &str) -> Result<bool, BadPattern> {
        match &self.compiled {
            Compiled::Glob => super::matches(&self.text, text),
            Compiled::Wildcards(all) => match wildcard::any_matches(all, text) {
                Some(matched) => Ok(matched),
                None => super::matches(&self.text, text),
            },
            Compiled::Regex(regex) => Ok(regex.is_match(text)),
            Compiled::Range(range) => Ok(range.holds(text)),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.syntax) == (&other.text, other.syntax)
    }
}

impl Eq for Pattern {}

/// A checked glob that is written as its text: an item of a list in which all are globs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob(Pattern);

impl Glob {
    /// Whether the whole of a text matches; a glob that needs too much work matches nothing.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text).unwrap_or(false)
    }

    /// The glob as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Glob {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        Pattern::parse(&text, Syntax::Glob).map(Self)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.0.text
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).size_limit(MAX_REGEX).dfa_size_limit(MAX_REGEX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(most) => format!("compiled, it takes more than {most} bytes"),
        error => {
            // The rest of it draws the place over several lines.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    })
}

/// A pattern as it is kept: a glob of Harbor is its text alone.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Said { text: String, syntax: Syntax },
}

impl TryFrom<Stored> for Pattern {
    type Error = InvalidPattern;

    fn try_from(stored: Stored) -> Result<Self, InvalidPattern> {
        match stored {
            Stored::Text(text) => Ok(Self::glob(text)),
            Stored::Said { text, syntax } => Self::parse(&text, syntax),
        }
    }
}

impl From<Pattern> for Stored {
    fn from(pattern: Pattern) -> Self {
        let Pattern { text, syntax, .. } = pattern;
        match syntax {
            Syntax::Unsaid => Self::Text(text),
            syntax => Self::Said { text, syntax },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_syntax_matches_in_its_way_and_is_stored() {
        let cases = [
            ("v1.*", Syntax::Unsaid, "v1.2", "xv1.2"),
            ("v1.*", Syntax::Glob, "v1.2", "xv1.2"),
            ("^v1[.]", Syntax::Regex, "v1.2", "xv1.2"),
            ("1", Syntax::Regex, "v1.2", "v2"),
            (">=1, <2", Syntax::Semver, "v1.2", "latest"),
        ];
        for (text, syntax, yes, no) in cases {
            let pattern = Pattern::parse(text, syntax).unwrap();
            assert_eq!(pattern.matches(yes), Ok(true), "{text} {yes}");
            assert_eq!(pattern.matches(no), Ok(false), "{text} {no}");
            let stored = serde_json::to_string(&pattern).unwrap();
            assert_eq!(serde_json::from_str::<Pattern>(&stored).unwrap(), pattern);
        }
        let old: Pattern = serde_json::from_str("\"[\"").unwrap();
        assert_eq!(old, Pattern::glob("["));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let long = "a".repeat(MAX_TEXT + 1);
        let cases = [
            ("[", Syntax::Glob, "the glob `[` cannot be used: it is malformed"),
            ("a{b", Syntax::Glob, "malformed"),
            ("{a,[}", Syntax::Glob, "malformed"),
            ("a\\", Syntax::Glob, "malformed"),
            ("[a-]", Syntax::Glob, "malformed"),
            (&long, Syntax::Glob, "more than 4096 bytes"),
            ("(", Syntax::Regex, "the regex `(` cannot be used: unclosed group"),
            ("(?:a{1000}){1000}", Syntax::Regex, "takes more than"),
            ("newest", Syntax::Semver, "the semver `newest` cannot be used:"),
        ];
        for (text, syntax, why) in cases {
            let error = Pattern::parse(text, syntax).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        for fine in ["", "[", &long] {
            assert!(Pattern::parse(fine, Syntax::Unsaid).is_ok());
        }
        for fine in ["", "a}", "{a,b{c,d}}/**", "[^x]", "\\[", "a,b", "{}"] {
            assert!(Pattern::parse(fine, Syntax::Glob).is_ok(), "{fine}");
        }
    }
}
