//! Deletion at the destination of what is gone at the source, after a whole run: what bounds it.

use serde::{Deserialize, Serialize};

use super::Span;

/// Millionths of the whole.
const WHOLE: f64 = 1_000_000.0;

/// What may be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prune {
    /// Whether anything is.
    pub enabled: bool,
    /// Largest share of the destination's tags that one run may delete; where more are gone, none is.
    pub max_share: Share,
    /// How long a tag must have been gone.
    pub grace: Span,
}

impl Default for Prune {
    fn default() -> Self {
        let grace = Span::hours(24);
        Self { enabled: false, max_share: Share(100_000), grace }
    }
}

/// A share between 0 and 1, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(u32);

/// Why a number is no share.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no share; it lies between 0 and 1")]
pub struct InvalidShare(f64);

impl Share {
    /// How many of so many it is, at most.
    #[must_use]
    pub fn of(self, whole: usize) -> usize {
        let part = whole as u128 * u128::from(self.0) / 1_000_000;
        usize::try_from(part).unwrap_or(usize::MAX)
    }
}

impl TryFrom<f64> for Share {
    type Error = InvalidShare;

    fn try_from(number: f64) -> Result<Self, InvalidShare> {
        if !(0.0..=1.0).contains(&number) {
            return Err(InvalidShare(number));
        }
        Ok(Self((number * WHOLE).round() as u32))
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        f64::from(share.0) / WHOLE
    }
}
