//! Memory and tables of one store: what all linear memories together may take, and what was
//! refused, so that the trap that follows can be told from others.

use wasmtime::ResourceLimiter;

use crate::plugin::engine::{CORE_INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};

/// Counts growth.
pub(super) struct Meter {
    memory_left: usize,
    elements_left: usize,
    denied: Option<&'static str>,
}

impl Meter {
    /// At most `memory` bytes, all memories together.
    pub(super) fn new(memory: usize) -> Self {
        Self { memory_left: memory, elements_left: 4 * TABLE_ELEMENTS, denied: None }
    }

    /// `memory` or `tables`, whichever was refused last.
    pub(super) fn denied(&self) -> Option<&'static str> {
        self.denied
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(take(&mut self.memory_left, desired.saturating_sub(current))
            || refuse(&mut self.denied, "memory"))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(take(&mut self.elements_left, desired.saturating_sub(current))
            || refuse(&mut self.denied, "tables"))
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

fn take(left: &mut usize, wanted: usize) -> bool {
    match left.checked_sub(wanted) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

fn refuse(denied: &mut Option<&'static str>, what: &'static str) -> bool {
    *denied = Some(what);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_share_one_limit() {
        let mut meter = Meter::new(100);
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert_eq!(meter.denied(), None);
        assert!(!meter.memory_growing(60, 61, None).unwrap());
        assert_eq!(meter.denied(), Some("memory"));
    }
}
