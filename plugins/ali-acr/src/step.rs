//! From one page of a listing to the next, and never round in a circle.

use portolan_sdk::{Error, Result};
use serde::{Deserialize, Serialize};

/// Pages after which a listing is taken for endless.
const MAX_PAGES: u32 = 10_000;

/// Where a listing within one namespace or repository stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) page: u32,
    /// Rows of the pages before: a page may hold less than was asked for, and not be the last.
    seen: u64,
    /// First row of the page before; the same again means a server that does not page.
    before: String,
}

impl Default for Step {
    fn default() -> Self {
        Self { page: 1, seen: 0, before: String::new() }
    }
}

/// What a page says of what follows it.
pub(crate) struct Extent<'a> {
    pub(crate) first: Option<&'a str>,
    pub(crate) rows: usize,
    pub(crate) asked: u32,
    pub(crate) total: Option<u64>,
}

impl Step {
    /// The step after a page of `what`; `None` at the end.
    pub(crate) fn after(self, what: &str, extent: &Extent<'_>) -> Result<Option<Self>> {
        let Some(first) = extent.first else { return Ok(None) };
        if first == self.before {
            return Err(Error::MalformedResponse(format!(
                "page {} of {what} is the page before once more",
                self.page
            )));
        }
        let seen = self.seen.saturating_add(extent.rows as u64);
        let more = match extent.total {
            Some(total) => seen < total,
            None => extent.rows >= extent.asked as usize,
        };
        let next = Self { page: self.page.saturating_add(1), seen, before: first.to_owned() };
        Ok((more && self.page < MAX_PAGES).then_some(next))
    }
}
