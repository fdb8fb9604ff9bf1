//! Pages of a listing and the cursors between them.
//!
//! A cursor is opaque to the host; [`Page::next`] and [`PageRequest::position`] write and read one as JSON
//! for adapters whose position is more than one number.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, PageRequest, Result};

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` after the last.
    pub next: Option<String>,
    /// Number of rows in all, where the provider tells.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// The only, or the last, page.
    #[must_use]
    pub fn last(items: Vec<T>) -> Self {
        Self { items, next: None, total: None }
    }

    /// An empty last page.
    #[must_use]
    pub fn empty() -> Self {
        Self::last(Vec::new())
    }

    /// Sets the cursor of the next page from a position.
    ///
    /// # Errors
    /// [`Error::Internal`] where the position cannot be written as JSON.
    pub fn next(mut self, position: Option<&impl Serialize>) -> Result<Self> {
        self.next = match position {
            Some(position) => {
                Some(serde_json::to_string(position).map_err(|e| Error::Internal(e.to_string()))?)
            }
            None => None,
        };
        Ok(self)
    }
}

impl PageRequest {
    /// The position written by [`Page::next`]; `T::default()` for the first page.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where the cursor is not one of this adapter's.
    pub fn position<T: DeserializeOwned + Default>(&self) -> Result<T> {
        match &self.cursor {
            None => Ok(T::default()),
            Some(cursor) => serde_json::from_str(cursor)
                .map_err(|_| Error::InvalidInput("the cursor is not one of this adapter's".into())),
        }
    }

    /// The wished page size, at least 1 and at most `ceiling`.
    #[must_use]
    pub fn size(&self, ceiling: u32) -> u32 {
        self.limit.clamp(1, ceiling.max(1))
    }

    /// The first page, with the largest wish the interface allows.
    #[must_use]
    pub fn first() -> Self {
        Self { cursor: None, limit: 1000 }
    }
}
