//! Executions as they go on: server-sent events (WHATWG HTML, "Server-sent events"). Each is a
//! snapshot of what changed; a stream ends with the last, when the daemon stops, and when whoever
//! reads it may no longer.

use std::{
    collections::HashMap,
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::response::{
    IntoResponse, Response, Sse,
    sse::{Event, KeepAlive},
};
use futures_util::stream;
use portolan_core::{
    execution::{Execution, Status},
    id::{ExecutionId, TaskId},
    task::Task,
};
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    api::{
        auth::{Access, Reading},
        extract::Ids,
        harbor::wire::execution::{ExecutionWire, TaskWire},
        respond::Answer,
    },
    host::{Host, Progress},
};

/// Shortest time between two snapshots of one stream.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a stream that hears nothing looks at bytes, and at whether it may go on.
const LOOK: Duration = Duration::from_secs(1);
/// How often a comment is sent where there is nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Most tasks of one event; the rest comes with the next.
const MAX_TASKS: usize = 500;
/// Most executions of one event of all.
const MAX_EXECUTIONS: usize = 200;

/// One event of one execution.
#[derive(Serialize)]
struct Snapshot {
    execution: ExecutionWire,
    progress: Progress,
    /// Those that changed since the event before.
    tasks: Vec<TaskNews>,
}

/// A task, how far it is, and why its last try failed.
#[derive(Serialize)]
struct TaskNews {
    #[serde(flatten)]
    task: TaskWire,
    progress: Progress,
    #[serde(skip_serializing_if = "String::is_empty")]
    status_text: String,
}

/// One event of all executions.
#[derive(Serialize)]
struct Summary {
    /// Those that changed since the event before.
    executions: Vec<Running>,
}

#[derive(Serialize)]
struct Running {
    #[serde(flatten)]
    execution: ExecutionWire,
    progress: Progress,
}

/// `GET /executions/{id}/events`: `snapshot` events, then `end`.
pub(crate) async fn of_execution(access: Access, Ids([id]): Ids<1>) -> Answer {
    let id = ExecutionId(id);
    let host = access.viewer().await?.clone();
    host.execution(id).await?;
    let watched = Watched::One(Box::new(One { id, sent: HashMap::new(), last: None }));
    Ok(follow(Follow::new(host, access.reading().await?, watched)))
}

/// `GET /events`: `executions` events, as long as somebody listens.
pub(crate) async fn of_all(access: Access) -> Answer {
    let host = access.viewer().await?.clone();
    let newest = host.newest_execution().await?;
    let watched = Watched::All(All { newest, sent: HashMap::new() });
    Ok(follow(Follow::new(host, access.reading().await?, watched)))
}

/// What one stream watches, and what it said of it.
enum Watched {
    One(Box<One>),
    All(All),
}

/// What was last told of a task.
type Told = (Status, u32, Progress);

struct One {
    id: ExecutionId,
    sent: HashMap<TaskId, Told>,
    last: Option<(Execution, Progress)>,
}

struct All {
    /// The newest execution that was told, or was there before.
    newest: ExecutionId,
    sent: HashMap<ExecutionId, (Execution, Progress)>,
}

struct Follow {
    host: Host,
    reading: Reading,
    watched: Watched,
    news: watch::Receiver<u64>,
    /// When the last snapshot was made, and how long reading it took.
    looked: Option<(Instant, Duration)>,
    over: bool,
}

impl Follow {
    fn new(host: Host, reading: Reading, watched: Watched) -> Self {
        let news = host.news();
        Self { host, reading, watched, news, looked: None, over: false }
    }

    /// The next event; `None` at the end.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        while !self.over {
            self.wait().await?;
            let before = Instant::now();
            let (event, over) = self.look().await?;
            self.looked = Some((before, before.elapsed()));
            self.over = over;
            if let Some(event) = event {
                return Some((Ok(event), self));
            }
        }
        None
    }

    /// Waits for news, and for the pause between two snapshots: longer where reading takes long.
    /// `None` where the stream must end.
    async fn wait(&mut self) -> Option<()> {
        let Some((looked, took)) = self.looked else { return Some(()) };
        let host = self.host.clone();
        let closing = host.closing();
        let pause = PAUSE.max(took * 10);
        let rest = async {
            let _ = tokio::time::timeout(LOOK, self.news.changed()).await;
            tokio::time::sleep(pause.saturating_sub(looked.elapsed())).await;
        };
        tokio::select! {
            () = rest => {}
            () = closing => return None,
        }
        self.reading.is_allowed().await.then_some(())
    }

    /// What changed, as an event; with whether it is the last. `None` where nothing can be read.
    async fn look(&mut self) -> Option<(Option<Event>, bool)> {
        self.news.mark_unchanged();
        let first = self.looked.is_none();
        match &mut self.watched {
            Watched::One(one) => one.look(&self.host).await,
            Watched::All(all) => Some((all.look(&self.host, first).await?, false)),
        }
    }
}

impl One {
    async fn look(&mut self, host: &Host) -> Option<(Option<Event>, bool)> {
        let execution = host.execution(self.id).await.ok()?;
        let tasks = host.tasks(self.id).await.ok()?;
        let tasks = changed(tasks, &mut self.sent, |task| host.task_progress(task));
        let now = (execution, host.progress(self.id));
        // The rest of many tasks comes before the end.
        let over = now.0.status.is_final() && tasks.len() < MAX_TASKS;
        if !over && tasks.is_empty() && self.last.as_ref() == Some(&now) {
            return Some((None, false));
        }
        let snapshot = Snapshot { execution: ExecutionWire::from(&now.0), progress: now.1, tasks };
        self.last = Some(now);
        let name = if over { "end" } else { "snapshot" };
        Some((Some(event(name, &snapshot)?), over))
    }
}

impl All {
    async fn look(&mut self, host: &Host, first: bool) -> Option<Option<Event>> {
        let running = self.sent.iter().filter(|(_, (run, _))| !run.status.is_final());
        let also = running.map(|(id, _)| *id).collect();
        let runs = host.active_executions(self.newest, also, MAX_EXECUTIONS).await.ok()?;
        self.newest = runs.iter().map(|run| run.id).fold(self.newest, Ord::max);
        let mut executions = Vec::new();
        let mut sent = HashMap::with_capacity(runs.len());
        for run in runs {
            let progress = host.progress(run.id);
            let told = (run, progress);
            if self.sent.get(&told.0.id) != Some(&told) {
                let execution = ExecutionWire::from(&told.0);
                executions.push(Running { execution, progress });
            }
            sent.insert(told.0.id, told);
        }
        self.sent = sent;
        if executions.is_empty() && !first {
            return Some(None);
        }
        event("executions", &Summary { executions }).map(Some)
    }
}

/// The tasks that are not as they were last told; notes that they are told now.
fn changed(
    tasks: Vec<Task>,
    sent: &mut HashMap<TaskId, Told>,
    progress: impl Fn(&Task) -> Progress,
) -> Vec<TaskNews> {
    let news = |task: Task| {
        let now = (task.status, task.failures, progress(&task));
        (sent.insert(task.id, now) != Some(now)).then(|| TaskNews {
            task: TaskWire::from(&task),
            progress: now.2,
            status_text: task.last_error,
        })
    };
    tasks.into_iter().filter_map(news).take(MAX_TASKS).collect()
}

fn event(name: &str, value: &impl Serialize) -> Option<Event> {
    let event = Event::default().event(name).json_data(value);
    event.inspect_err(|error| tracing::error!(%error, "an event could not be written")).ok()
}

fn follow(follow: Follow) -> Response {
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Sse::new(stream::unfold(follow, Follow::next)).keep_alive(heartbeat).into_response()
}

#[cfg(test)]
mod tests {
    use portolan_core::{
        id::EndpointId,
        task::{Operation, TaskSpec},
    };

    use super::*;

    fn task(id: u64, status: Status) -> Task {
        let repository: portolan_core::oci::Repository = "a/b".parse().unwrap();
        let spec = TaskSpec {
            operation: Operation::Copy,
            resource_type: "image".to_owned(),
            source: EndpointId(1),
            source_repository: repository.clone(),
            destination: EndpointId(2),
            destination_repository: repository,
            items: Vec::new(),
            override_tags: false,
            speed: 0,
            copy_by_chunk: false,
            visibility: None,
            attached: Vec::new(),
            options: Default::default(),
        };
        Task {
            id: TaskId(id),
            execution: ExecutionId(1),
            spec,
            status,
            failures: 0,
            last_error: String::new(),
            started: None,
            ended: None,
            not_before: None,
            tally: Default::default(),
            counted: None,
        }
    }

    #[test]
    fn a_task_is_told_when_it_changed_and_many_in_turns() {
        let mut sent = HashMap::new();
        let mut told = |tasks: Vec<Task>, bytes| {
            let news = changed(tasks, &mut sent, |_| Progress { bytes, ..Progress::default() });
            let id = |news: &TaskNews| serde_json::to_value(news).unwrap()["id"].as_u64().unwrap();
            news.iter().map(id).collect::<Vec<_>>()
        };
        let both = |second| vec![task(1, Status::Running), task(2, second)];
        assert_eq!(told(both(Status::Pending), 0), [1, 2]);
        assert_eq!(told(both(Status::Pending), 0), Vec::<u64>::new());
        assert_eq!(told(both(Status::Running), 0), [2]);
        assert_eq!(told(both(Status::Running), 7), [1, 2], "bytes passed");
        let many = || (1..=MAX_TASKS as u64 + 3).map(|id| task(id, Status::Success)).collect();
        assert_eq!(told(many(), 7).len(), MAX_TASKS);
        assert_eq!(told(many(), 7).len(), 3);
    }
}
