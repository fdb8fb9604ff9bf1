//! Harbor's glob dialect: doublestar 1.3.4, with the empty pattern matching everything.

/// A pattern cannot be matched: it is malformed where matching reached.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the pattern `{0}` is malformed")]
pub struct BadPattern(pub String);

/// Whether `text` as a whole matches `pattern`. Malformed tails are errors only where matching
/// reaches them, as in Harbor.
///
/// # Errors
/// When matching reached a malformed part.
pub fn matches(pattern: &str, text: &str) -> Result<bool, BadPattern> {
    let _ = text;
    Err(BadPattern(pattern.to_owned()))
}

/// The concrete repositories a pattern names without wildcards (Harbor's "specific path"), or
/// `None` where the source must be listed.
#[must_use]
pub fn specific_paths(pattern: &str) -> Option<Vec<String>> {
    let _ = pattern;
    None
}
