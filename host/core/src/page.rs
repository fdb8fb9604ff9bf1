//! The listing grammar shared by store and API: pages, `q`, `sort` (contract 1.5 to 1.7).

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
