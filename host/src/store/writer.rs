//! One thread writes. It takes as many queued writes as wait, applies them in one transaction,
//! commits once, durably where the database outlasts the process, and then answers each.
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

/// The queue to the thread that writes. Dropping it waits until what was queued is written.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Write>>,
    thread: Option<thread::JoinHandle<()>>,
    /// Counts commits, for those who wait for news.
    pub(super) news: watch::Receiver<u64>,
    #[cfg(test)]
    pub(super) commits: Arc<std::sync::atomic::AtomicU64>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        (database, lasts): (Arc<Database>, bool),
        committed: Arc<Committed>,
    ) -> Result<Self, StoreError> {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        #[cfg(test)]
        let commits: Arc<std::sync::atomic::AtomicU64> = Arc::default();
        #[cfg(test)]
        let count = Arc::clone(&commits);
        let (tell, news) = watch::channel(0_u64);
        let work = move || {
            let mut commits = 0_u64;
            while let Some(batch) = next_batch(&mut waiting) {
                let durably = lasts || (commits + 1_u64).is_multiple_of(DURABLE);
                let (outcome, answers) = apply((&database, durably), &committed, batch);
                #[cfg(test)]
                count.fetch_add(
                    u64::from(matches!(outcome, Ok(true))),
                    std::sync::atomic::Ordering::SeqCst,
                );
                if matches!(outcome, Ok(true)) {
                    commits += 1;
                    tell.send_modify(|count| *count += 1);
                }
                for answer in answers {
                    answer(outcome.as_ref().map(|_| ()));
                }
            }
        };
        let name = "portolan-store".to_owned();
        let thread = thread::Builder::new().name(name).spawn(work).map_err(unwritable)?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            news,
            #[cfg(test)]
            commits,
        })
    }

    /// Queues a write and waits for its commit. Once queued it happens, also when the caller goes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ended = || fault("cannot be written", "the thread that writes has ended");
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

/// What waits now, at most [`BATCH`]; sleeps while nothing does. `None` when nothing ever will.
fn next_batch(waiting: &mut mpsc::Receiver<Write>) -> Option<Vec<Write>> {
    let mut batch = vec![waiting.blocking_recv()?];
    while batch.len() < BATCH {
        match waiting.try_recv() {
            Ok(write) => batch.push(write),
            Err(_) => break,
        }
    }
    Some(batch)
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
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::store::rows::{find, missing};

    fn writer() -> Writer {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Database::builder().create_with_backend(backend).unwrap();
        Writer::start((Arc::new(database), true), Arc::default()).unwrap()
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
        let writer = Arc::new(writer());
        let release = hold(&writer).await;
        // Few enough to be queued in one poll of this task.
        let writes = (0..50_u64).map(|n| writer.write(move |tables| tables.listings.put(n, ())));
        let writes = futures_util::future::join_all(writes);
        let (results, ()) = tokio::join!(writes, async { release.send(()).unwrap() });
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(writer.commits.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_write_leaves_the_others_alone_unless_it_wrote() {
        let writer = Arc::new(writer());
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
        let writer = writer();
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
