//! The index as Helm writes it, line by line: block mappings and sequences, what belongs to a key
//! standing deeper than the key. Whatever looks otherwise is left to the real parser.

use super::{Catalog, Version};

/// Reads an index; `None` where it is not of this form, or not to be trusted to be.
pub(super) fn read(text: &str) -> Option<Catalog> {
    let mut lines = Lines::default();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len().checked_sub(content.len())?;
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
struct Lines {
    catalog: Catalog,
    /// Within `entries`, and whether it was there at all.
    inside: bool,
    found: bool,
    chart: String,
    /// Columns of the charts' names, of the dashes before versions, of the versions' keys.
    names: Option<usize>,
    dashes: Option<usize>,
    keys: usize,
    /// The version under way, if `open`, and its key.
    version: Version,
    open: bool,
    key: Key,
}

impl Lines {
    /// A line that is not indented.
    fn top(&mut self, content: &str) -> Option<()> {
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
        (begin || content.starts_with("- ") || is_key(content)).then_some(())
    }

    /// A line within `entries`.
    fn entry(&mut self, indent: usize, content: &str) -> Option<()> {
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

    fn chart(&mut self, content: &str) -> Option<()> {
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
    fn field(&mut self, content: &str) -> Option<()> {
        if !is_key(content) {
            return None;
        }
        let (name, value) = content.split_once(':')?;
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
        self.catalog.add(&self.chart, version).then_some(())
    }
}

/// Whether a line begins with a plain key.
fn is_key(content: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let end = content.bytes().position(|byte| !plain(byte)).unwrap_or(content.len());
    let (name, rest) = content.split_at_checked(end).unwrap_or_default();
    !name.is_empty() && (rest == ":" || rest.starts_with(": "))
}

/// A text on one line; `None` for what only a real parser can read.
fn scalar(text: &str) -> Option<String> {
    let text = text.trim();
    let quoted = |mark: char| text.strip_prefix(mark).map(|rest| rest.strip_suffix(mark));
    if let Some(inner) = quoted('"') {
        let inner = inner?;
        return (!inner.contains(['\\', '"'])).then(|| inner.to_owned());
    }
    if let Some(inner) = quoted('\'') {
        let unescaped = inner?.replace("''", "\0");
        return (!unescaped.contains('\'')).then(|| unescaped.replace('\0', "'"));
    }
    let special = text.starts_with(|c: char| "&*!|>%@`{}[],?#-".contains(c));
    let plain = !special && !text.contains(" #") && !text.contains(": ");
    plain.then(|| text.to_owned())
}
