//! Harbor's glob dialect: what doublestar 1.3.4 answers, with the empty pattern matching everything.
//!
//! It follows that library component by component, oddities included (`{a,a/b}` does not match
//! `a`), since a rule must select here what it selects in Harbor. Unlike the library it never hangs:
//! work and nesting are bounded, and a pattern that needs more counts as malformed.

mod specific;
mod syntax;
mod version;
mod wildcard;

pub use specific::{literal_prefix, specific_paths};
pub use syntax::{Glob, InvalidPattern, Pattern, Syntax};
pub use version::version;

/// Most characters looked at for one question; a thousand times what real rules need.
const MAX_STEPS: usize = 1_000_000;
/// Deepest nesting of stars, braces and path components.
const MAX_DEPTH: usize = 256;

/// A pattern cannot be matched: it is malformed where matching reached, or asks for too much work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the pattern `{0}` is malformed, or too complex to be matched; check its [ ] and {{ }}")]
pub struct BadPattern(pub String);

/// Whether `text` as a whole matches `pattern`. Malformed tails are errors only where matching
/// reaches them, as in Harbor.
///
/// # Errors
/// When matching reached a malformed part.
pub fn matches(pattern: &str, text: &str) -> Result<bool, BadPattern> {
    if pattern.is_empty() {
        return Ok(true);
    }
    if let Some(fits) = wildcard::matches(pattern, text) {
        return Ok(fits);
    }
    let mut matcher = Matcher::default();
    let matched = match text.contains('/') {
        true => matcher.path(pattern, &text.split('/').collect::<Vec<_>>()),
        // A tag: nothing is put on the heap for it.
        false => matcher.path(pattern, &[text]),
    };
    matched.map_err(|_| BadPattern(pattern.to_owned()))
}

/// Whether every part of a pattern is well formed, also those that matching may never reach.
///
/// # Errors
/// With the pattern, where one is not.
pub fn check(pattern: &str) -> Result<(), BadPattern> {
    is_well_formed(pattern, 0).then_some(()).ok_or_else(|| BadPattern(pattern.to_owned()))
}

fn is_well_formed(pattern: &str, depth: usize) -> bool {
    let mut tokens = pattern.chars();
    while let Some(token) = tokens.next() {
        match token {
            '\\' if tokens.next().is_none() => return false,
            '[' => {
                let Some((class, after)) = split_unescaped(tokens.as_str(), ']') else {
                    return false;
                };
                if in_class(class, 'x').is_err() {
                    return false;
                }
                tokens = after.chars();
            }
            '{' => {
                let Some((options, after)) = split_alternatives(tokens.as_str()) else {
                    return false;
                };
                let nested = |option: &&str| is_well_formed(option, depth + 1);
                if depth >= MAX_DEPTH || !options.iter().all(nested) {
                    return false;
                }
                tokens = after.chars();
            }
            _ => {}
        }
    }
    true
}

/// Why matching stopped.
enum Stop {
    Malformed,
    /// Unlike a malformed part, this is never passed over by `**`.
    TooMuchWork,
}

/// What is left of a pattern after a component: `None` is no match, an empty list a match of the
/// whole pattern, else the alternatives for the components that follow.
type Left = Option<Vec<String>>;

#[derive(Default)]
struct Matcher {
    steps: usize,
    depth: usize,
}

impl Matcher {
    fn spend(&mut self, steps: usize) -> Result<(), Stop> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS { Err(Stop::TooMuchWork) } else { Ok(()) }
    }

    fn nested<T>(&mut self, what: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        self.spend(1)?;
        if self.depth >= MAX_DEPTH {
            return Err(Stop::TooMuchWork);
        }
        self.depth += 1;
        let result = what(self);
        self.depth -= 1;
        result
    }

    /// Matches a pattern of several components.
    fn path(&mut self, pattern: &str, names: &[&str]) -> Result<bool, Stop> {
        let Some((first, rest)) = names.split_first() else { return Ok(false) };
        if pattern.is_empty() {
            return Ok(first.is_empty() && rest.is_empty());
        }
        self.spend(pattern.len())?;
        match split_unescaped(pattern, '/') {
            None if pattern == "**" => return Ok(true),
            Some(("**", after)) => return self.any_depth(after, names),
            _ => {}
        }
        let Some(left) = self.component(pattern, first)? else { return Ok(false) };
        if rest.is_empty() {
            return Ok(left.is_empty());
        }
        for alternative in left {
            if self.nested(|m| m.path(&alternative, rest))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `**/` before `pattern`: tries every component as its beginning.
    fn any_depth(&mut self, pattern: &str, names: &[&str]) -> Result<bool, Stop> {
        for skipped in 0..names.len() {
            let from = names.get(skipped..).unwrap_or_default();
            match self.nested(|m| m.path(pattern, from)) {
                Ok(true) => return Ok(true),
                // The library passes over malformed parts here.
                Ok(false) | Err(Stop::Malformed) => {}
                Err(stop @ Stop::TooMuchWork) => return Err(stop),
            }
        }
        Ok(false)
    }

    /// Matches one component of the name with the front of a pattern.
    fn component(&mut self, pattern: &str, name: &str) -> Result<Left, Stop> {
        let (mut tokens, mut chars) = (pattern.chars(), name.chars());
        loop {
            self.spend(1)?;
            let here = chars.as_str();
            let Some(c) = chars.next() else { return self.end_of_name(tokens.as_str()) };
            let Some(token) = tokens.next() else { return Ok(None) };
            let fits = match token {
                '/' => false,
                '*' => return self.star(tokens.as_str(), here),
                '{' => return self.alternatives(tokens.as_str(), here),
                '[' => {
                    let (class, after) =
                        split_unescaped(tokens.as_str(), ']').ok_or(Stop::Malformed)?;
                    self.spend(class.len())?;
                    tokens = after.chars();
                    in_class(class, c)?
                }
                '\\' => tokens.next().ok_or(Stop::Malformed)? == c,
                '?' => true,
                literal => literal == c,
            };
            if !fits {
                return Ok(None);
            }
        }
    }

    /// A star with something after it, against a name that is not empty.
    fn star(&mut self, pattern: &str, name: &str) -> Result<Left, Stop> {
        if pattern.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if let Some(after) = pattern.strip_prefix('/') {
            return Ok(Some(vec![after.to_owned()]));
        }
        let mut rest = name.chars();
        while !rest.as_str().is_empty() {
            let left = self.nested(|m| m.component(pattern, rest.as_str()))?;
            if left.is_some() {
                return Ok(left);
            }
            rest.next();
        }
        Ok(None)
    }

    /// What follows an opening brace, against a name that is not empty.
    fn alternatives(&mut self, pattern: &str, name: &str) -> Result<Left, Stop> {
        self.spend(pattern.len())?;
        let (options, rest) = split_alternatives(pattern).ok_or(Stop::Malformed)?;
        let mut left: Left = None;
        for option in options {
            if begins_otherwise(option, name) {
                continue;
            }
            self.spend(option.len() + rest.len())?;
            let whole = format!("{option}{rest}");
            if let Some(found) = self.nested(|m| m.component(&whole, name))? {
                left.get_or_insert_default().extend(found);
            }
        }
        Ok(left)
    }

    /// The name is over; whether the pattern's component may be, too.
    fn end_of_name(&mut self, pattern: &str) -> Result<Left, Stop> {
        let (component, after) = match split_unescaped(pattern, '/') {
            Some((component, after)) => (component, Some(after)),
            None => (pattern, None),
        };
        let empty = self.may_be_empty(component)?;
        Ok(empty.then(|| after.map(str::to_owned).into_iter().collect()))
    }

    fn may_be_empty(&mut self, pattern: &str) -> Result<bool, Stop> {
        if matches!(pattern, "" | "*" | "**") {
            return Ok(true);
        }
        let Some(inside) = pattern.strip_prefix('{') else { return Ok(false) };
        self.spend(inside.len())?;
        let (options, rest) = split_alternatives(inside).ok_or(Stop::Malformed)?;
        if !self.nested(|m| m.may_be_empty(rest))? {
            return Ok(false);
        }
        for option in options {
            if self.nested(|m| m.may_be_empty(option))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether an option's first character alone rules it out. Spares copying long alternatives.
fn begins_otherwise(option: &str, name: &str) -> bool {
    let first = option.chars().next();
    first.is_some_and(|c| !matches!(c, '*' | '?' | '[' | '{' | '\\') && !name.starts_with(c))
}

/// Around the first `at` without a backslash before it.
fn split_unescaped(text: &str, at: char) -> Option<(&str, &str)> {
    let mut before = None;
    for (index, c) in text.char_indices() {
        if c == at && before != Some('\\') {
            let (left, right) = text.split_at_checked(index)?;
            return Some((left, right.strip_prefix(at)?));
        }
        before = Some(c);
    }
    None
}

/// The options of a brace whose opening is passed, and what follows its closing.
fn split_alternatives(text: &str) -> Option<(Vec<&str>, &str)> {
    let (mut options, mut open, mut escaped, mut start) = (Vec::new(), 1_usize, false, 0);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 || (c == ',' && open == 1) {
            options.push(text.get(start..index)?);
            start = index + 1;
        }
        if open == 0 {
            return Some((options, text.get(start..)?));
        }
    }
    None
}

/// Whether a class (without its brackets) holds `c`. Every member is checked, as a malformed one
/// is an error even behind one that holds `c`.
fn in_class(class: &str, c: char) -> Result<bool, Stop> {
    let (negated, members) = match class.strip_prefix('^') {
        Some(members) => (true, members),
        None if class.is_empty() => return Err(Stop::Malformed),
        None => (false, class),
    };
    let mut members = members.chars().peekable();
    let mut holds = false;
    while let Some(low) = members.next() {
        let low = class_member(low, &mut members)?;
        let mut high = low;
        if members.next_if_eq(&'-').is_some() {
            let end = members.next().ok_or(Stop::Malformed)?;
            high = class_member(end, &mut members)?;
        }
        holds |= (low..=high).contains(&c);
    }
    Ok(holds != negated)
}

fn class_member(c: char, following: &mut impl Iterator<Item = char>) -> Result<char, Stop> {
    match c {
        '-' => Err(Stop::Malformed),
        '\\' => following.next().ok_or(Stop::Malformed),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests;
