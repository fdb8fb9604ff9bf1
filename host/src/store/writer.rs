//! One writes. It takes as many queued writes as wait, applies them in one transaction, commits
//! once, durably where the database outlasts the process, and then answers each. Who writes a file
//! waits for a disk, and is a thread; who writes memory only computes, and is a task: to wake another
//! thread and to be woken by it costs as much as the commit.
//!
//! The law of every write: **first check, then write**. A write that fails must not have written,
//! since it shares its transaction with others. One that breaks the law, or a database that
//! fails half-way, makes the whole batch fail; nothing of it is kept then.

use std::{cell::Cell, rc::Rc, sync::Arc, thread};

use redb::{Database, Durability, WriteTransaction};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    StoreError,
    changes::Committed,
    rows::{fault, unwritable},
    tables::Tables,
};

/// Most writes that wait; more callers wait for a place.
const QUEUE: usize = 1024;

/// Most writes that share a commit.
const BATCH: usize = 256;

/// Every so many commits of a database that goes with the process are made durable all the same:
/// redb gives pages back then.
const DURABLE: u64 = 64;

/// Runs one write and says whether it failed, with what sends its answer: the fault of the whole
/// batch where there is one, else its own result.
type Write = Box<dyn FnOnce(&mut Result<Tables<'_>, StoreError>) -> (bool, Answer) + Send>;
type Answer = Box<dyn FnOnce(Result<(), &StoreError>)>;

/// The queue to who writes. Dropping it waits until what was queued for a file is written; memory
/// that nobody can read any more is left as it is.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Write>>,
    thread: Option<thread::JoinHandle<()>>,
    /// Counts commits, for those who wait for news.
    pub(super) news: watch::Receiver<u64>,
}

impl Writer {
    /// Starts who writes: a thread where the database `lasts`, else a task of this runtime.
    pub(super) fn start(
        (database, lasts): (Arc<Database>, bool),
        committed: Arc<Committed>,
    ) -> Result<Self, StoreError> {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let (tell, news) = watch::channel(0_u64);
        let scribe = Scribe { database, lasts, committed, tell };
        let thread = if lasts {
            let name = "portolan-store".to_owned();
            let work = move || {
                while let Some(first) = waiting.blocking_recv() {
                    scribe.write(batch(first, &mut waiting));
                }
            };
            Some(thread::Builder::new().name(name).spawn(work).map_err(unwritable)?)
        } else {
            tokio::spawn(async move {
                while let Some(first) = waiting.recv().await {
                    // Who is about to queue something shares the commit.
                    tokio::task::yield_now().await;
                    scribe.write(batch(first, &mut waiting));
                }
            });
            None
        };
        Ok(Self { queue: Some(queue), thread, news })
    }

    /// Queues a write and waits for its commit. Once queued it happens, also when the caller goes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ended = || fault("cannot be written", "who writes has ended");
        let (sender, outcome) = oneshot::channel();
        let write: Write = Box::new(move |tables| {
            let result = match tables {
                Ok(tables) => job(tables),
                Err(error) => Err(error.repeated()),
            };
            let failed = result.is_err();
            let answer = move |batch: Result<(), &StoreError>| {
                let result = match batch {
                    Ok(()) => result,
                    Err(error) => Err(error.repeated()),
                };
                // The caller may have gone.
                let _ = sender.send(result);
            };
            (failed, Box::new(answer))
        });
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue.send(write).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // At most QUEUE writes are left. A thread that panicked has nothing more to do.
            let _ = thread.join();
        }
    }
}

/// Who writes.
struct Scribe {
    database: Arc<Database>,
    lasts: bool,
    committed: Arc<Committed>,
    /// The number of commits.
    tell: watch::Sender<u64>,
}

impl Scribe {
    /// Applies a batch, commits it and answers.
    fn write(&self, batch: Vec<Write>) {
        let next = *self.tell.borrow() + 1;
        let durably = self.lasts || next.is_multiple_of(DURABLE);
        let (outcome, answers) = apply((&self.database, durably), &self.committed, batch);
        if matches!(outcome, Ok(true)) {
            self.tell.send_replace(next);
        }
        for answer in answers {
            answer(outcome.as_ref().map(|_| ()));
        }
    }
}

/// A write and what waits behind it, at most [`BATCH`].
fn batch(first: Write, waiting: &mut mpsc::Receiver<Write>) -> Vec<Write> {
    let mut batch = vec![first];
    while batch.len() < BATCH {
        match waiting.try_recv() {
            Ok(write) => batch.push(write),
            Err(_) => break,
        }
    }
    batch
}

/// Runs a batch in one transaction. True where there was something to commit; with what sends the
/// answers.
fn apply(
    (database, durably): (&Database, bool),
    committed: &Committed,
    batch: Vec<Write>,
) -> (Result<bool, StoreError>, Vec<Answer>) {
    let writes = Rc::new(Cell::new(0));
    let mut answers = Vec::with_capacity(batch.len());
    let transaction = begin(database, durably);
    let mut tables = match &transaction {
        Ok(transaction) => Ok(Tables::of(transaction, &writes)),
        Err(error) => Err(error.repeated()),
    };
    let mut spoiled = false;
    for write in batch {
        let before = writes.get();
        let (failed, answer) = write(&mut tables);
        spoiled |= failed && writes.get() != before;
        answers.push(answer);
    }
    let changed = tables.map(|tables| tables.changed).unwrap_or_default();
    let outcome = match transaction {
        Ok(transaction) => finish(transaction, writes.get() > 0, spoiled),
        Err(error) => Err(error),
    };
    if matches!(outcome, Ok(true)) {
        committed.add(changed);
    }
    (outcome, answers)
}

fn begin(database: &Database, durably: bool) -> Result<WriteTransaction, StoreError> {
    let mut transaction = database.begin_write().map_err(unwritable)?;
    if !durably {
        transaction.set_durability(Durability::None).map_err(unwritable)?;
    }
    Ok(transaction)
}

/// Commits where there is something to commit; true then.
fn finish(transaction: WriteTransaction, written: bool, spoiled: bool) -> Result<bool, StoreError> {
    if spoiled {
        transaction.abort().map_err(unwritable)?;
        return Err(unwritable("a write that shared the commit failed half-way; nothing was kept"));
    }
    if !written {
        transaction.abort().map_err(unwritable)?;
        return Ok(false);
    }
    transaction.commit().map_err(unwritable)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::{find, missing};

    fn writer(lasts: bool) -> Writer {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Database::builder().create_with_backend(backend).unwrap();
        Writer::start((Arc::new(database), lasts), Arc::default()).unwrap()
    }

    /// Keeps the thread busy, from when this returns until the sender is used, so that what is
    /// queued meanwhile comes to be one batch.
    async fn hold(writer: &Arc<Writer>) -> std::sync::mpsc::Sender<()> {
        let (release, held) = std::sync::mpsc::channel();
        let (begun, begins) = oneshot::channel();
        let writer = Arc::clone(writer);
        tokio::spawn(async move {
            let wait = move |_: &mut Tables<'_>| {
                begun.send(()).unwrap();
                held.recv().unwrap();
                Ok(())
            };
            writer.write(wait).await
        });
        begins.await.unwrap();
        release
    }

    #[tokio::test]
    async fn writes_that_wait_share_a_commit() {
        let writer = Arc::new(writer(true));
        let release = hold(&writer).await;
        // Few enough to be queued in one poll of this task.
        let writes = (0..50_u64).map(|n| writer.write(move |tables| tables.listings.put(n, ())));
        let writes = futures_util::future::join_all(writes);
        let (results, ()) = tokio::join!(writes, async { release.send(()).unwrap() });
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(*writer.news.borrow(), 1);
    }

    #[tokio::test]
    async fn tasks_that_write_memory_at_the_same_time_share_a_commit_and_no_thread_is_woken() {
        let writer = Arc::new(writer(false));
        assert!(writer.thread.is_none());
        let writes = (0..50_u64).map(|n| {
            let writer = Arc::clone(&writer);
            tokio::spawn(
                async move { writer.write(move |tables| tables.listings.put(n, ())).await },
            )
        });
        let results = futures_util::future::join_all(writes.collect::<Vec<_>>()).await;
        assert!(results.into_iter().all(|result| result.unwrap().is_ok()));
        assert_eq!(*writer.news.borrow(), 1);
    }

    #[tokio::test]
    async fn a_failed_write_leaves_the_others_alone_unless_it_wrote() {
        let writer = Arc::new(writer(true));
        let run = async |spoils: bool| {
            let release = hold(&writer).await;
            let good = writer.write(|tables| tables.meta.put_json("good", &1));
            let bad = writer.write(move |tables| {
                if spoils {
                    tables.meta.put_json("bad", &1)?;
                }
                Err::<(), _>(missing("thing", 1))
            });
            let (good, bad, ()) = tokio::join!(good, bad, async { release.send(()).unwrap() });
            (good, bad)
        };
        let (good, bad) = run(true).await;
        assert!(matches!(good, Err(StoreError::Database { .. })));
        assert!(matches!(bad, Err(StoreError::Database { .. })));
        let kept = || writer.write(|tables| find::<_, u8>(tables.meta.open()?, "good"));
        assert_eq!(kept().await.unwrap(), None);
        let (good, bad) = run(false).await;
        good.unwrap();
        assert!(matches!(bad, Err(StoreError::NotFound { .. })));
        assert_eq!(kept().await.unwrap(), Some(1));
    }

    #[tokio::test]
    async fn what_was_queued_is_written_when_the_last_handle_goes() {
        let writer = writer(true);
        let (done, told) = std::sync::mpsc::channel();
        for n in 0..50_u64 {
            let done = done.clone();
            let write = writer.write(move |tables| {
                tables.listings.put(n, ())?;
                done.send(n).unwrap();
                Ok(())
            });
            // Polled once, so queued; then forgotten.
            tokio::select! { biased; _ = write => {} () = async {} => {} }
        }
        drop((writer, done));
        assert_eq!(told.iter().count(), 50);
    }
}
