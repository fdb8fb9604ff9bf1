//! What this engine is doing right now, so that it can be cut.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
};

use portolan_core::id::{ExecutionId, TaskId};
use tokio_util::sync::CancellationToken;

use super::lock;

/// Tasks and listings under way, each with the token that cuts it.
#[derive(Default)]
pub(super) struct Running {
    pub(super) tasks: Work<TaskId>,
    pub(super) listings: Work<ExecutionId>,
}

/// One kind of work under way, by id.
pub(super) struct Work<I>(Arc<UnderWay<I>>);

/// The pieces under way: which execution each is of, and what cuts it.
type UnderWay<I> = Mutex<HashMap<I, (ExecutionId, CancellationToken)>>;

/// A piece of work under way: noted until it is dropped, however it ends.
pub(super) struct Under<I: Copy + Eq + Hash> {
    work: Arc<UnderWay<I>>,
    id: I,
    /// Cut when somebody stops its execution or its claim is lost.
    pub(super) cut: CancellationToken,
}

impl Running {
    /// Cuts everything done for an execution.
    pub(super) fn cancel_execution(&self, id: ExecutionId) {
        self.listings.cancel(id);
        for (execution, token) in lock(&self.tasks.0).values() {
            if *execution == id {
                token.cancel();
            }
        }
    }
}

impl<I: Copy + Eq + Hash> Work<I> {
    /// Notes a piece of work; `None` where this engine is at it already: its lease ran out while
    /// the process slept, and was claimed anew.
    pub(super) fn begin(&self, id: I, execution: ExecutionId) -> Option<Under<I>> {
        let cut = CancellationToken::new();
        let mut work = lock(&self.0);
        if work.contains_key(&id) {
            return None;
        }
        work.insert(id, (execution, cut.clone()));
        Some(Under { work: Arc::clone(&self.0), id, cut })
    }

    /// What is under way.
    pub(super) fn ids(&self) -> Vec<I> {
        lock(&self.0).keys().copied().collect()
    }

    /// How much is under way.
    pub(super) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Cuts one piece.
    pub(super) fn cancel(&self, id: I) {
        if let Some((_, token)) = lock(&self.0).get(&id) {
            token.cancel();
        }
    }
}

impl<I> Default for Work<I> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<I: Copy + Eq + Hash> Drop for Under<I> {
    fn drop(&mut self) {
        lock(&self.work).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_noted_once_and_forgotten_however_it_ends() {
        let (running, run) = (Running::default(), ExecutionId(1));
        let first = running.tasks.begin(TaskId(7), run).unwrap();
        assert!(running.tasks.begin(TaskId(7), run).is_none(), "claimed anew while under way");
        let other = running.tasks.begin(TaskId(8), ExecutionId(2)).unwrap();
        running.cancel_execution(run);
        assert!(first.cut.is_cancelled() && !other.cut.is_cancelled());
        drop(first);
        assert_eq!(running.tasks.ids(), [TaskId(8)]);
        let gone = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _under = running.tasks.begin(TaskId(9), run).unwrap();
            panic!("on purpose");
        }));
        assert!(gone.is_err());
        assert_eq!(running.tasks.len(), 1, "a lease that nobody works for is not renewed");
    }
}
