//! How long ended runs are kept.

use serde::{Deserialize, Serialize};

/// Most runs of a policy that may be kept.
const MAX_EXECUTIONS: u32 = 10_000;
/// Longest time they may be kept, in days.
const MAX_DAYS: u32 = 36_500;

/// How many ended runs of a policy are kept, and how long. In a policy, 0 is what the daemon's
/// settings say; there, 0 days is without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// How many, the newest; running ones stay besides.
    pub executions: u32,
    /// Days since they ended.
    pub days: u32,
}

impl History {
    /// Where nobody says anything: fifty runs (Harbor, contract 3.8), however old.
    pub const USUAL: Self = Self { executions: 50, days: 0 };

    /// This where something is said, else the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let said = |here: u32, there: u32| if here > 0 { here } else { there };
        Self {
            executions: said(self.executions, other.executions),
            days: said(self.days, other.days),
        }
    }

    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(self) -> Option<String> {
        if self.executions > MAX_EXECUTIONS {
            return Some(format!("at most {MAX_EXECUTIONS} runs are kept"));
        }
        (self.days > MAX_DAYS).then(|| format!("runs are kept {MAX_DAYS} days at most"))
    }
}
