//! The index of a repository: fetched whole, read once, kept as the little that is needed.
//!
//! Helm writes a regular subset of YAML, which is read line by line; anything else goes through a
//! real parser, which takes ten times as long.

mod events;
mod json;
mod lines;

use std::collections::BTreeMap;

use portolan_sdk::{
    Endpoint, Error, Result,
    http::{Request, Response},
};
use serde::{Deserialize, Serialize};

/// Largest index that is read, in bytes.
pub(crate) const MAX_BYTES: u32 = 32 << 20;
/// Most versions of all charts together.
const MAX_VERSIONS: usize = 300_000;

/// One version of a chart, as the index has it. Empty texts where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) version: String,
    /// The first address, absolute or relative to the repository.
    pub(crate) url: String,
    /// SHA-256 of the archive in hexadecimal digits.
    pub(crate) digest: String,
    /// RFC 3339.
    pub(crate) created: String,
}

impl Version {
    /// Its tag: OCI's grammar has no `+`, and Helm writes `_` in its place.
    pub(crate) fn tag(&self) -> String {
        self.version.replace('+', "_")
    }
}

/// Charts by name, versions in the order of the index.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    pub(crate) charts: BTreeMap<String, Vec<Version>>,
    count: usize,
}

impl Catalog {
    /// Adds a version; one that has no number or no archive cannot be had and is left out. `false`
    /// where there are too many.
    fn add(&mut self, chart: &str, version: Version) -> bool {
        if version.version.is_empty() || version.url.is_empty() {
            return true;
        }
        self.count = self.count.saturating_add(1);
        match self.charts.get_mut(chart) {
            Some(versions) => versions.push(version),
            None => {
                self.charts.insert(chart.to_owned(), vec![version]);
            }
        }
        self.count <= MAX_VERSIONS
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

/// Fetches and reads the index.
pub(crate) fn fetch(endpoint: &Endpoint) -> Result<Catalog> {
    let answer = request(endpoint).auth(endpoint.auth()).send()?;
    if answer.status() == 404 {
        return Err(Error::NotFound(no_index(&answer)));
    }
    read(&answer.success()?)
}

fn read(answer: &Response) -> Result<Catalog> {
    let malformed =
        |why: &str| Error::MalformedResponse(format!("{} answered no index: {why}", answer.what()));
    if answer.is_html() {
        return Err(malformed("it is a web page; is the address right?"));
    }
    let text = core::str::from_utf8(answer.body()).map_err(|_| malformed("it is not UTF-8"))?;
    parse(text).map_err(|why| malformed(&why))
}

/// Reads an index in any of its forms.
fn parse(text: &str) -> core::result::Result<Catalog, String> {
    let text = text.trim_start_matches('\u{feff}');
    // JSON is YAML, and some servers write it.
    if text.trim_start().starts_with('{') {
        return json::read(text).or_else(|why| events::read(text).map_err(|_| why));
    }
    match lines::read(text) {
        Some(catalog) => Ok(catalog),
        None => events::read(text),
    }
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
