//! The log of a task: lines for people, written to the store a handful at a time.

use std::{sync::Mutex, time::Duration};

use portolan_core::id::TaskId;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::lock;
use crate::store::Store;

/// Lines gathered before they are written.
const BATCH: usize = 64;

/// How long lines are gathered.
const EVERY: Duration = Duration::from_secs(1);

/// Writes one task's log.
pub(super) struct TaskLog {
    store: Store,
    task: TaskId,
    lines: Mutex<Vec<String>>,
}

impl TaskLog {
    pub(super) fn new(store: Store, task: TaskId) -> Self {
        Self { store, task, lines: Mutex::default() }
    }

    /// A step that went as it should.
    pub(super) async fn info(&self, text: impl AsRef<str> + Send) {
        self.line("INFO", text.as_ref()).await;
    }

    /// Something a reader should know.
    pub(super) async fn warn(&self, text: impl AsRef<str> + Send) {
        self.line("WARN", text.as_ref()).await;
    }

    /// A failure.
    pub(super) async fn error(&self, text: impl AsRef<str> + Send) {
        self.line("ERROR", text.as_ref()).await;
    }

    async fn line(&self, level: &str, text: &str) {
        if !self.store.keeps_logs() {
            return;
        }
        let at = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        let text: String =
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(2_000).collect();
        let full = {
            let mut lines = lock(&self.lines);
            lines.push(format!("{at} [{level}] {text}"));
            lines.len() >= BATCH
        };
        if full {
            self.flush().await;
        }
    }

    /// Writes what was gathered every second, without an end: a reader shall see where a task is.
    pub(super) async fn keep_flushing(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.flush().await;
        }
    }

    /// Writes what was gathered. A log that cannot be written does not fail the task.
    pub(super) async fn flush(&self) {
        let lines = std::mem::take(&mut *lock(&self.lines));
        if lines.is_empty() {
            return;
        }
        let lines = lines.into_iter().map(|line| (self.task, line)).collect();
        if let Err(error) = self.store.append_log(lines).await {
            tracing::warn!(task = self.task.0, %error, "the task's log could not be written");
        }
    }
}
