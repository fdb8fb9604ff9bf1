//! The index of a repository: fetched whole, read once, kept as the little that is needed.
//!
//! Helm writes a regular subset of YAML, which is read line by line; anything else goes through a
//! real parser, which takes ten times as long. What is kept borrows from the index: a copy of each
//! text would cost more than the reading.

mod events;
mod json;
mod lines;

use std::borrow::Cow;

use portolan_sdk::{
    Endpoint, Error, Result,
    http::{Request, Response},
};

/// Largest index that is read, in bytes.
pub(crate) const MAX_BYTES: u32 = 32 << 20;
/// Most versions of all charts together.
const MAX_VERSIONS: usize = 300_000;

/// What parts texts on the shelf: "unit separator", which is in no index.
pub(crate) const SEPARATOR: u8 = 0x1f;

/// One version of a chart, as the index has it. Empty texts where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version<'t> {
    pub(crate) version: Cow<'t, str>,
    /// The first address, absolute or relative to the repository.
    pub(crate) url: Cow<'t, str>,
    /// SHA-256 of the archive in hexadecimal digits.
    pub(crate) digest: Cow<'t, str>,
    /// RFC 3339.
    pub(crate) created: Cow<'t, str>,
}

impl Version<'_> {
    /// Its tag: OCI's grammar has no `+`, and Helm writes `_` in its place.
    pub(crate) fn tag(&self) -> String {
        self.version.replace('+', "_")
    }
}

/// Versions with their charts' names: charts in byte order, versions in that of the index.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog<'t> {
    pub(crate) rows: Vec<(Cow<'t, str>, Version<'t>)>,
}

impl<'t> Catalog<'t> {
    /// Adds a version; one that has no number or no archive cannot be had and is left out. `false`
    /// where there are too many.
    fn add(&mut self, chart: Cow<'t, str>, version: Version<'t>) -> bool {
        if version.version.is_empty() || version.url.is_empty() {
            return true;
        }
        self.rows.push((chart, version));
        self.rows.len() <= MAX_VERSIONS
    }

    /// The same for texts that were written with escapes: none of these may hold what parts them
    /// on the shelf.
    fn add_unescaped(&mut self, chart: Cow<'t, str>, version: Version<'t>) -> bool {
        let texts = [&chart, &version.version, &version.url, &version.digest, &version.created];
        let control = |text: &Cow<'_, str>| text.bytes().any(|byte| byte < b' ');
        texts.into_iter().any(control) || self.add(chart, version)
    }

    /// Brings the charts into order, which nearly every index has already.
    fn sorted(mut self) -> Self {
        if !self.rows.is_sorted_by(|a, b| a.0 <= b.0) {
            self.rows.sort_by(|a, b| a.0.cmp(&b.0));
        }
        self
    }
}

/// The address of the repository, without `index.yaml` and slash.
pub(crate) fn base(endpoint: &Endpoint) -> &str {
    let url = endpoint.url.trim_end_matches('/');
    url.strip_suffix("/index.yaml").unwrap_or(url)
}

/// A request for the index.
pub(crate) fn request(endpoint: &Endpoint) -> Request {
    Request::get(format!("{}/index.yaml", base(endpoint))).max_response_bytes(MAX_BYTES)
}

/// Fetches the index.
pub(crate) fn fetch(endpoint: &Endpoint) -> Result<Response> {
    let answer = request(endpoint).auth(endpoint.auth()).send()?;
    if answer.status() == 404 {
        return Err(Error::NotFound(no_index(&answer)));
    }
    answer.success()
}

/// Reads what was fetched.
pub(crate) fn read(answer: &Response) -> Result<Catalog<'_>> {
    let malformed =
        |why: &str| Error::MalformedResponse(format!("{} answered no index: {why}", answer.what()));
    if answer.is_html() {
        return Err(malformed("it is a web page; is the address right?"));
    }
    let text = core::str::from_utf8(answer.body()).map_err(|_| malformed("it is not UTF-8"))?;
    parse(text).map_err(|why| malformed(&why))
}

/// Reads an index in any of its forms.
fn parse(text: &str) -> core::result::Result<Catalog<'_>, String> {
    // No YAML has it (YAML 1.2.2, 5.1), and the shelf parts texts with it.
    if text.as_bytes().contains(&SEPARATOR) {
        return Err("it has control characters".to_owned());
    }
    let text = text.trim_start_matches('\u{feff}');
    // JSON is YAML, and some servers write it.
    let catalog = if text.trim_start().starts_with('{') {
        json::read(text).or_else(|why| events::read(text).map_err(|_| why))
    } else {
        lines::read(text).map_or_else(|| events::read(text), Ok)
    };
    catalog.map(Catalog::sorted)
}

/// What a repository without an index is told.
pub(crate) fn no_index(answer: &Response) -> String {
    format!(
        "{} answered 404: there is no index; give the address of the folder that holds index.yaml",
        answer.what()
    )
}

#[cfg(test)]
mod tests;
