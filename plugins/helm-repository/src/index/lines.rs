//! The index as Helm writes it, line by line: block mappings and sequences, what belongs to a key
//! standing deeper than the key. Whatever looks otherwise is left to the real parser.

use std::borrow::Cow;

use super::{Catalog, Version};

/// Reads an index; `None` where it is not of this form, or not to be trusted to be.
pub(super) fn read(text: &str) -> Option<Catalog<'_>> {
    let mut lines = Lines::default();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let indent = line.bytes().take_while(|&byte| byte == b' ').count();
        let content = line.get(indent..)?;
        if matches!(content.as_bytes(), [] | [b'#', ..]) {
            continue;
        }
        match lines.inside {
            _ if indent == 0 => lines.top(content)?,
            true => lines.entry(indent, content)?,
            false => {}
        }
    }
    lines.close()?;
    lines.found.then_some(lines.catalog)
}

/// Keys of a version that are wanted.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Key {
    Version,
    Digest,
    Created,
    Urls,
    #[default]
    Other,
}

#[derive(Default)]
struct Lines<'t> {
    catalog: Catalog<'t>,
    /// Within `entries`, and whether it was there at all.
    inside: bool,
    found: bool,
    chart: Cow<'t, str>,
    /// Columns of the charts' names, of the dashes before versions, of the versions' keys.
    names: Option<usize>,
    dashes: Option<usize>,
    keys: usize,
    /// The version under way, if `open`, and its key.
    version: Version<'t>,
    open: bool,
    key: Key,
}

impl<'t> Lines<'t> {
    /// A line that is not indented.
    fn top(&mut self, content: &'t str) -> Option<()> {
        self.close()?;
        self.inside = false;
        if let Some(value) = content.strip_prefix("entries:") {
            if self.found || !matches!(value.trim(), "" | "{}") {
                return None;
            }
            self.found = true;
            self.inside = value.trim().is_empty();
            return Some(());
        }
        let begin = content == "---" && !self.found;
        (begin || content.starts_with("- ") || key(content).is_some()).then_some(())
    }

    /// A line within `entries`.
    fn entry(&mut self, indent: usize, content: &'t str) -> Option<()> {
        let names = *self.names.get_or_insert(indent);
        let dash = content.strip_prefix("- ");
        if indent == names && dash.is_none() {
            return self.chart(content);
        }
        if let Some(rest) = dash
            && !self.chart.is_empty()
            && indent >= names
            && *self.dashes.get_or_insert(indent) == indent
        {
            self.close()?;
            self.open = true;
            let rest = rest.trim_start_matches(' ');
            self.keys = indent.checked_add(content.len().checked_sub(rest.len())?)?;
            return self.field(rest);
        }
        if !self.open || indent < self.keys {
            return None;
        }
        match dash {
            Some(url) if self.key == Key::Urls && self.version.url.is_empty() => {
                self.version.url = scalar(url)?;
                Some(())
            }
            // Further addresses, and lists that are not wanted.
            Some(_) if matches!(self.key, Key::Urls | Key::Other) => Some(()),
            None if indent == self.keys => self.field(content),
            // The rest of something that is not wanted.
            _ if indent > self.keys && self.key == Key::Other => Some(()),
            _ => None,
        }
    }

    fn chart(&mut self, content: &'t str) -> Option<()> {
        self.close()?;
        self.dashes = None;
        let (name, value) = content.rsplit_once(':')?;
        if !matches!(value.trim(), "" | "[]" | "null") {
            return None;
        }
        self.chart = scalar(name)?;
        (!self.chart.is_empty()).then_some(())
    }

    /// `key: value` of a version.
    fn field(&mut self, content: &'t str) -> Option<()> {
        let (name, value) = key(content)?;
        self.key = match name {
            "version" => Key::Version,
            "digest" => Key::Digest,
            "created" => Key::Created,
            "urls" => Key::Urls,
            _ => Key::Other,
        };
        match self.key {
            Key::Version => self.version.version = scalar(value)?,
            Key::Digest => self.version.digest = scalar(value)?,
            Key::Created => self.version.created = scalar(value)?,
            Key::Urls if !matches!(value.trim(), "" | "[]") => return None,
            Key::Urls | Key::Other => {}
        }
        Some(())
    }

    /// Ends the version under way.
    fn close(&mut self) -> Option<()> {
        self.key = Key::Other;
        if !core::mem::take(&mut self.open) {
            return Some(());
        }
        let version = core::mem::take(&mut self.version);
        self.catalog.add(self.chart.clone(), version).then_some(())
    }
}

/// The plain key that a line begins with, and what stands behind its colon.
fn key(content: &str) -> Option<(&str, &str)> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let end = content.bytes().position(|byte| !plain(byte)).filter(|end| *end > 0)?;
    let value = content.get(end..)?.strip_prefix(':')?;
    let parted = matches!(value.as_bytes(), [] | [b' ', ..]);
    parted.then_some((content.get(..end)?, value))
}

/// A text on one line; `None` for what only a real parser can read.
fn scalar(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_ascii();
    let inner = || text.get(1..text.len().checked_sub(1)?);
    match text.as_bytes() {
        [b'"', .., b'"'] => {
            let inner = inner()?;
            let special = inner.bytes().any(|byte| matches!(byte, b'\\' | b'"'));
            (!special).then_some(Cow::Borrowed(inner))
        }
        [b'\'', .., b'\''] => {
            let inner = inner()?;
            if !inner.contains('\'') {
                return Some(Cow::Borrowed(inner));
            }
            let unescaped = inner.replace("''", "\0");
            (!unescaped.contains('\'')).then(|| Cow::Owned(unescaped.replace('\0', "'")))
        }
        bytes => is_plain(bytes).then_some(Cow::Borrowed(text)),
    }
}

/// Whether a text without quotes means itself: no indicator before it, no comment or key within.
fn is_plain(text: &[u8]) -> bool {
    if text.first().is_some_and(|first| b"\"'&*!|>%@`{}[],?#-".contains(first)) {
        return false;
    }
    let special = |pair: &[u8]| matches!(pair, b" #" | b": ");
    // Few texts have either, and looking for both at every place is dear.
    !text.iter().any(|byte| matches!(byte, b'#' | b':')) || !text.windows(2).any(special)
}
