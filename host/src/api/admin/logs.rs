//! Task logs from a line on: what a client that follows a task asks again and again.

use portolan_core::id::{ExecutionId, TaskId};
use serde::Serialize;

use crate::api::{
    auth::Access,
    extract::{Ids, Query},
    respond::{Answer, ApiError, json},
};

/// Lines of one answer where the client says nothing.
const USUAL_LINES: i64 = 1_000;
/// Most lines of one answer.
const MAX_LINES: i64 = 10_000;

/// Some lines, and where to go on.
#[derive(Serialize)]
struct Tail {
    lines: Vec<String>,
    next: u64,
}

/// `GET /executions/{id}/tasks/{task_id}/log?from=0&limit=1000`: lines from `from` on; `next` is
/// the `from` of the next call. No line yet is an empty list, not a 404.
pub(crate) async fn tail(access: Access, Ids([execution, task]): Ids<2>, query: Query) -> Answer {
    let (from, limit) = window(&query)?;
    let host = access.viewer().await?;
    let lines = host.task_log(ExecutionId(execution), TaskId(task), from, limit).await?;
    let next = from.saturating_add(lines.len() as u64);
    Ok(json(&Tail { lines, next }))
}

fn window(query: &Query) -> Result<(u64, usize), ApiError> {
    let from = u64::try_from(query.integer("from")?.unwrap_or(0));
    let limit = query.integer("limit")?.unwrap_or(USUAL_LINES);
    if !(1..=MAX_LINES).contains(&limit) {
        let rule = format!("limit in query should be 1 to {MAX_LINES}");
        return Err(ApiError::unprocessable(rule));
    }
    let from = from.map_err(|_| ApiError::unprocessable("from in query should be 0 or more"))?;
    Ok((from, usize::try_from(limit).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        let cases = [
            ("", Some((0, 1_000))),
            ("from=5&limit=10", Some((5, 10))),
            ("limit=10000", Some((0, 10_000))),
            ("limit=10001", None),
            ("limit=0", None),
            ("from=-1", None),
            ("from=x", None),
        ];
        for (query, expected) in cases {
            assert_eq!(window(&Query::new(query)).ok(), expected, "{query}");
        }
    }
}
