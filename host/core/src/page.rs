//! The listing grammar shared by store and API: pages, `q`, `sort` (contract 1.5 to 1.7).
//!
//! Rows are filtered and ordered in memory by the values a noun shows as [`Field`]s: short lists as
//! they are, long ones by an [`Index`].

mod field;
mod index;
mod link;
mod query;
mod sort;

pub use field::Field;
pub use index::{Column, Found, Index};
pub use link::link_header;
pub use query::{InvalidQuery, Item, Query, Value};
pub use sort::sort_rows;

/// Which page of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// 1 is the first; 0 and less are taken as 1.
    pub number: i64,
    /// Rows a page; 0 and less mean all rows.
    pub size: i64,
}

impl Page {
    /// Harbor's default: the first ten rows.
    pub const FIRST: Self = Self { number: 1, size: 10 };
    /// Every row.
    pub const ALL: Self = Self { number: 1, size: 0 };

    /// How many rows to skip, and how many to take.
    #[must_use]
    pub fn bounds(self) -> (usize, usize) {
        if self.size <= 0 {
            return (0, usize::MAX);
        }
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let before = usize::try_from(self.number.max(1) - 1).unwrap_or(0);
        (before.saturating_mul(size), size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_1_5_bounds() {
        let cases = [
            ((1, 10), (0, 10)),
            ((3, 10), (20, 10)),
            ((0, 10), (0, 10)),
            ((-7, 10), (0, 10)),
            ((i64::MIN, 10), (0, 10)),
            ((4, 0), (0, usize::MAX)),
            ((4, -1), (0, usize::MAX)),
            ((i64::MAX, i64::MAX), (usize::MAX, i64::MAX as usize)),
        ];
        for ((number, size), bounds) in cases {
            assert_eq!(Page { number, size }.bounds(), bounds, "{number} {size}");
        }
        assert_eq!((Page::FIRST.bounds(), Page::ALL.bounds()), ((0, 10), (0, usize::MAX)));
    }
}
