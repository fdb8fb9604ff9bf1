//! How far an execution and each of its tasks are, counted in memory as bytes pass.
//!
//! Nothing here is written for a byte: the store gets a task's tally when a try of it ends, and a
//! process that begins anew goes on from these.

mod estimate;
mod flight;
mod rate;
mod walk;

use std::{
    collections::HashMap,
    ops::AddAssign,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use portolan_core::{
    id::{ExecutionId, TaskId},
    task::{Operation, Tally, Task},
};

use super::{Engine, Shared, lock, stats::Stats};

pub(crate) use estimate::Reading;
pub(super) use flight::Flight;
pub(super) use walk::Walk;

use rate::Rate;

/// What was counted of tries of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) tally: Tally,
    /// Artifacts that were found to belong to others on the way.
    pub(super) found: u64,
    /// Artifacts of tries that are over, which none of them brought.
    pub(super) given_up: u64,
    /// Bytes so far of blobs that are on their way.
    pub(super) flying: u64,
    /// Bytes of all blobs of the manifests that were looked at.
    pub(super) expected: u64,
    /// Artifacts whose manifest was looked at.
    pub(super) opened: u64,
    /// Manifests that were looked at, children of these included.
    pub(super) walked: u64,
    /// Children of manifests that were looked at.
    pub(super) children: u64,
    /// Those that were looked at, or found at the destination.
    pub(super) met: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let (tally, more) = (&mut self.tally, other.tally);
        tally.copied += more.copied;
        tally.there += more.there;
        tally.left += more.left;
        tally.blobs += more.blobs;
        tally.bytes += more.bytes;
        tally.bytes_there += more.bytes_there;
        self.found += other.found;
        self.given_up += other.given_up;
        self.flying += other.flying;
        self.expected += other.expected;
        self.opened += other.opened;
        self.walked += other.walked;
        self.children += other.children;
        self.met += other.met;
    }
}

impl Counts {
    /// What is left of a task that is over, which had `items` artifacts: nothing of it is to come.
    fn over(tally: Tally, items: u64) -> Self {
        let done = tally.copied + tally.there + tally.left;
        Self {
            tally,
            found: done.saturating_sub(items),
            given_up: items.saturating_sub(done),
            expected: tally.bytes + tally.bytes_there,
            opened: tally.copied,
            walked: tally.copied,
            ..Self::default()
        }
    }
}

/// How far one execution is.
pub(super) struct Course {
    /// What is counted for the execution as a whole.
    pub(super) stats: Arc<Stats>,
    began: Instant,
    /// Artifacts of the tasks that are known.
    listed: AtomicU64,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    /// A try that is under way, what earlier ones did, and how many artifacts it is about.
    live: HashMap<TaskId, (Arc<Stats>, Tally, u64)>,
    /// What is over.
    ended: Counts,
}

impl Course {
    /// From the tasks that are known already, with what is counted of all executions.
    pub(super) fn new(tasks: &[Task], whole: Arc<Stats>) -> Self {
        let copies = tasks.iter().filter(|task| task.spec.operation == Operation::Copy);
        let (mut listed, mut ended) = (0, Counts::default());
        for task in copies {
            let items = task.item_count() as u64;
            listed += items;
            if task.status.is_final() {
                ended += Counts::over(task.tally, items);
            } else {
                ended += Counts::over(brought(task.tally), 0);
            }
        }
        Self {
            stats: Arc::new(Stats::part_of([whole])),
            began: Instant::now(),
            listed: listed.into(),
            tasks: Mutex::new(Tasks { live: HashMap::new(), ended }),
        }
    }

    /// More artifacts are to be looked at.
    pub(super) fn lists(&self, artifacts: usize) {
        self.listed.fetch_add(artifacts as u64, Ordering::Relaxed);
        self.stats.planned(artifacts);
    }

    /// Begins a try of a task, which counts with `stats`, a part of what is counted here.
    pub(super) fn begin(&self, task: &Task, stats: Arc<Stats>) -> Arc<Stats> {
        let live = (Arc::clone(&stats), task.tally, task.item_count() as u64);
        lock(&self.tasks).live.insert(task.id, live);
        stats
    }

    /// Ends a try; what it did. Where the task is tried again, its artifacts are yet to come.
    pub(super) fn end(&self, id: TaskId, again: bool) -> Tally {
        let mut tasks = lock(&self.tasks);
        let Some((stats, before, items)) = tasks.live.remove(&id) else { return Tally::default() };
        let tally = stats.counts().tally;
        if again {
            tasks.ended += Counts::over(brought(tally), 0);
        } else {
            let mut over = Counts::over(before.and(tally), items);
            // What earlier tries brought is counted since they ended.
            let earlier = brought(before);
            over.tally.blobs -= earlier.blobs.min(over.tally.blobs);
            over.tally.bytes -= earlier.bytes.min(over.tally.bytes);
            over.expected -= earlier.bytes.min(over.expected);
            tasks.ended += over;
        }
        tally
    }

    /// How far the execution is.
    pub(super) fn reading(&self) -> Reading {
        let tasks = lock(&self.tasks);
        let (mut counts, mut rate) = (tasks.ended, 0);
        for (stats, _, _) in tasks.live.values() {
            counts += stats.counts();
            rate += stats.walk.rate();
        }
        let planned = self.listed.load(Ordering::Relaxed) + counts.found;
        counts.reading(planned, rate, self.began.elapsed())
    }

    /// How far a task is that is under way, all its tries together.
    pub(super) fn of_task(&self, id: TaskId) -> Option<Reading> {
        let tasks = lock(&self.tasks);
        let (stats, before, items) = tasks.live.get(&id)?;
        let mut counts = stats.counts();
        let known = counts.tally;
        counts.tally = before.and(known);
        let carried = (counts.tally.bytes + counts.tally.bytes_there)
            .saturating_sub(known.bytes + known.bytes_there);
        counts.expected += carried;
        let planned = items + counts.found;
        Some(counts.reading(planned, stats.walk.rate(), stats.walk.age()))
    }
}

impl Engine {
    /// How far an execution is; nothing of one that this process did not work on.
    pub(crate) fn progress(&self, id: ExecutionId) -> Reading {
        let course = lock(&self.shared.progress).get(&id).cloned();
        course.map(|course| course.reading()).unwrap_or_default()
    }

    /// How far a task is, all its tries together.
    pub(crate) fn task_progress(&self, task: &Task) -> Reading {
        let course = lock(&self.shared.progress).get(&task.execution).cloned();
        let live = course.and_then(|course| course.of_task(task.id));
        let items = || task.item_count() as u64;
        live.unwrap_or_else(|| Reading::of(task.tally, items(), task.status.is_final()))
    }
}

impl Shared {
    /// How far an execution is, from what the store has of its tasks on. What is counted for it is
    /// counted for its rule, too; for all alone where it is gone.
    pub(super) async fn course(&self, execution: ExecutionId) -> Arc<Course> {
        if let Some(course) = lock(&self.progress).get(&execution) {
            return Arc::clone(course);
        }
        let tasks = self.store.tasks(execution).await.unwrap_or_default();
        let whole = match self.store.execution(execution).await {
            Ok(execution) => self.counts.of_rule(execution.policy, &self.stats),
            Err(_) => Arc::clone(&self.stats),
        };
        let made = || Arc::new(Course::new(&tasks, whole));
        Arc::clone(lock(&self.progress).entry(execution).or_insert_with(made))
    }

    /// What a task's try counts with, for its execution, its rule and its endpoints.
    pub(super) fn counted_for(&self, course: &Course, task: &Task) -> Arc<Stats> {
        self.counts.of_task(&task.spec, Arc::clone(&course.stats))
    }
}

/// Of a tally, what needs no second time: bytes that were moved.
fn brought(tally: Tally) -> Tally {
    Tally { blobs: tally.blobs, bytes: tally.bytes, ..Tally::default() }
}
