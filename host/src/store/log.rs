//! The log of each task: numbered lines, bounded in number and length.
//!
//! Lines of a task that is gone are dropped.

use portolan_core::id::{ExecutionId, TaskId};
use redb::ReadableTable;

use super::{
    Store, StoreError, progress,
    rows::unreadable,
    tables::{TASK_LOG, TASKS, Tables},
};

/// Most lines kept of a task.
const MAX_LINES: u64 = 10_000;

/// Most bytes kept of a line.
const MAX_LINE: usize = 4096;

/// What stands after the last line kept.
const FULL: &str = "the log is full: further lines are not kept";

impl Store {
    /// Adds lines to tasks' logs; many callers share one commit. At most 10,000 lines a task are
    /// kept, then one line says so; at most 4,096 bytes of a line.
    pub(crate) async fn append_log(&self, lines: Vec<(TaskId, String)>) -> Result<(), StoreError> {
        if !self.keeps_logs() {
            return Ok(());
        }
        let append = move |tables: &mut Tables<'_>| {
            for (task, line) in &lines {
                let Some(place) = next_place(tables, task.0)? else {
                    continue;
                };
                let end = line.floor_char_boundary(MAX_LINE);
                let line = line.get(..end).unwrap_or_default();
                let kept = if place.2 < MAX_LINES { line } else { FULL };
                tables.task_log.put(place, kept)?;
            }
            Ok(())
        };
        self.write(append).await
    }

    /// The log of a task: at most `limit` lines from line `from` on.
    pub(crate) async fn task_log(
        &self,
        execution: ExecutionId,
        id: TaskId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.read(move |tables| {
            progress::task(&tables.open(TASKS)?, execution.0, id.0)?;
            let from = (execution.0, id.0, from);
            let log = tables.open(TASK_LOG)?;
            let lines = ReadableTable::range(&log, from..=end(execution.0, id.0));
            let lines = lines.map_err(unreadable)?.take(limit);
            lines.map(|line| Ok(line.map_err(unreadable)?.1.value().to_owned())).collect()
        })
        .await
    }
}

fn end(execution: u64, task: u64) -> (u64, u64, u64) {
    (execution, task, u64::MAX)
}

/// Where the next line of a task goes; `None` where the task is gone or its log is full and says
/// so.
fn next_place(tables: &Tables<'_>, task: u64) -> Result<Option<(u64, u64, u64)>, StoreError> {
    let Some(execution) = tables.task_executions.open()?.get(task).map_err(unreadable)? else {
        return Ok(None);
    };
    let execution = execution.value();
    let mut lines = tables
        .task_log
        .open()?
        .range((execution, task, 0)..=end(execution, task))
        .map_err(unreadable)?;
    let number = match lines.next_back() {
        Some(line) => line.map_err(unreadable)?.0.value().2 + 1,
        None => 0,
    };
    Ok((number <= MAX_LINES).then_some((execution, task, number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, execution, memory, task_specs};

    #[tokio::test]
    async fn lines_are_read_page_by_page() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(2), after(0)).await.unwrap();
        let line = |task, text: &str| (TaskId(task), text.to_owned());
        let lines = vec![line(1, "a"), line(2, "other"), line(1, "b"), line(99, "gone")];
        store.append_log(lines).await.unwrap();
        store.append_log(vec![line(1, &"é".repeat(3000))]).await.unwrap();
        let page = |from, limit| store.task_log(id, TaskId(1), from, limit);
        assert_eq!(page(0, 2).await.unwrap(), ["a", "b"]);
        assert_eq!(page(1, 1).await.unwrap(), ["b"]);
        assert_eq!(page(2, 9).await.unwrap(), ["é".repeat(MAX_LINE / 2)]);
        assert!(page(3, 9).await.unwrap().is_empty());
        let gone = store.task_log(id, TaskId(99), 0, 1).await;
        assert!(matches!(gone, Err(StoreError::NotFound { what: "task", .. })));
    }

    #[tokio::test]
    async fn where_nobody_reads_nothing_is_kept() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(1), after(0)).await.unwrap();
        store.keep_no_logs();
        store.append_log(vec![(TaskId(1), "x".to_owned())]).await.unwrap();
        assert!(store.task_log(id, TaskId(1), 0, 9).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_full_log_says_so_once() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(1), after(0)).await.unwrap();
        let lines = |count| vec![(TaskId(1), "x".to_owned()); count];
        store.append_log(lines(9_999)).await.unwrap();
        for _ in 0..3 {
            store.append_log(lines(2)).await.unwrap();
        }
        let tail = store.task_log(id, TaskId(1), 9_998, 100).await.unwrap();
        assert_eq!(tail, ["x", "x", FULL]);
    }
}
