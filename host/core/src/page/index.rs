//! The values that rows may be filtered and ordered by, a column at a time, so that a hundred
//! thousand rows are looked through in milliseconds. It holds no row itself, only ids.

use std::cmp::Ordering;

use super::{
    Field, Page, Query,
    query::{Term, by_either_name},
    sort,
};

mod columns;
mod top;

use columns::{Columns, Key};
use top::Top;

/// A column: its name, and the other name it goes by, if any.
pub type Column = (&'static str, Option<&'static str>);

/// Rows by ascending id, each with the values of its columns.
#[derive(Debug)]
pub struct Index {
    names: &'static [Column],
    ids: Vec<u64>,
    columns: Columns,
}

/// One page of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Ids of the page's rows, in order.
    pub ids: Vec<u64>,
    /// Rows that were found in all.
    pub total: u64,
}

/// What a page is made of, by column.
struct Wanted<'q> {
    terms: Vec<(usize, &'q Term)>,
    keys: Vec<(usize, bool)>,
    skip: usize,
    take: usize,
}

impl Index {
    /// An index without rows. The first of `names` is the id.
    #[must_use]
    pub fn new(names: &'static [Column]) -> Self {
        Self { names, ids: Vec::new(), columns: Columns::default() }
    }

    /// Stores a row's values, one for each column, in place of what was there. Texts count with
    /// their first 4096 bytes.
    pub fn set(&mut self, id: u64, values: &[Field<'_>]) {
        match self.ids.binary_search(&id) {
            Ok(at) => self.columns.replace(at, values),
            Err(at) => {
                self.ids.insert(at, id);
                self.columns.insert(at, values);
            }
        }
    }

    /// Forgets a row.
    pub fn remove(&mut self, id: u64) {
        if let Ok(at) = self.ids.binary_search(&id) {
            self.ids.remove(at);
            self.columns.remove(at);
        }
    }

    /// The rows that fit `query`, ordered by `sort`, else by `usual`; of equals, the lower id first.
    #[must_use]
    pub fn find(&self, query: &Query, sort: &str, usual: &str, page: Page) -> Found {
        let wanted = self.wanted(query, sort, usual, page);
        let Wanted { terms, keys, skip, take } = &wanted;
        // Rows are in the order of their ids as they are.
        if terms.is_empty() && matches!(keys.as_slice(), [] | [(0, _), ..]) {
            let total = self.ids.len() as u64;
            let descending = keys.first().is_some_and(|(_, descending)| *descending);
            let ids = self.ids.iter().copied();
            let ids = if descending {
                ids.rev().skip(*skip).take(*take).collect()
            } else {
                ids.skip(*skip).take(*take).collect()
            };
            return Found { ids, total };
        }
        let (rows, total) = self.page_of(&wanted);
        let ids = rows.into_iter().filter_map(|row| self.ids.get(row).copied()).collect();
        Found { ids, total }
    }

    fn wanted<'q>(&self, query: &'q Query, sort: &str, usual: &str, page: Page) -> Wanted<'q> {
        let terms = query.terms();
        let terms = terms.filter_map(|term| Some((self.position(&term.name)?, term))).collect();
        let mut keys = self.sort_keys(sort);
        if keys.is_empty() {
            keys = self.sort_keys(usual);
        }
        let (skip, take) = page.bounds();
        Wanted { terms, keys, skip, take }
    }

    /// The rows of a page, and how many fit in all.
    fn page_of(&self, wanted: &Wanted<'_>) -> (Vec<usize>, u64) {
        let mut total = 0;
        let fitting = (0..self.ids.len()).filter(|row| {
            let fits = self.fits(*row, &wanted.terms);
            total += u64::from(fits);
            fits
        });
        let most = wanted.skip.saturating_add(wanted.take);
        let first = wanted.keys.first().map(|(column, _)| *column);
        let mut top = Top::new(most, |a: &(Key<'_>, usize), b: &(Key<'_>, usize)| {
            self.order(a, b, &wanted.keys)
        });
        for row in fitting {
            top.add((self.columns.key(first, row), row));
        }
        let rows = top.ordered(wanted.skip).into_iter().map(|(_, row)| row).collect();
        (rows, total)
    }

    fn fits(&self, row: usize, terms: &[(usize, &Term)]) -> bool {
        terms.iter().all(|(column, term)| {
            self.columns.value(*column, row).is_none_or(|value| term.fits(&value))
        })
    }

    /// By the first key, which the rows come with; then by the others; then by id.
    fn order(
        &self,
        (a, row_a): &(Key<'_>, usize),
        (b, row_b): &(Key<'_>, usize),
        keys: &[(usize, bool)],
    ) -> Ordering {
        let Some(((_, descending), others)) = keys.split_first() else {
            return row_a.cmp(row_b);
        };
        let first = if *descending { b.cmp(a) } else { a.cmp(b) };
        first
            .then_with(|| {
                let by_key = |(column, descending): &(usize, bool)| {
                    let key = |row: &usize| self.columns.key(Some(*column), *row);
                    let order = key(row_a).cmp(&key(row_b));
                    if *descending { order.reverse() } else { order }
                };
                others.iter().map(by_key).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            })
            .then_with(|| row_a.cmp(row_b))
    }

    fn sort_keys(&self, sort: &str) -> Vec<(usize, bool)> {
        sort::keys(sort)
            .filter_map(|(name, descending)| Some((self.position(name)?, descending)))
            .collect()
    }

    fn position(&self, name: &str) -> Option<usize> {
        by_either_name(name, |name| {
            self.names.iter().position(|(column, other)| *column == name || *other == Some(name))
        })
    }
}

#[cfg(test)]
mod tests;
