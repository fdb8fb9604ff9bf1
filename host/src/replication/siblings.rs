//! Tasks that bring one repository to several destinations at the same time. Of each blob each of
//! them says whether it needs it, and one pull serves all that do.
//!
//! Who has not said so yet is waited for, not for ever. Nothing here decides what is copied.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use portolan_core::{
    id::EndpointId,
    oci::{Descriptor, Digest, Reference},
    task::Task,
};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    fan::{self, Reader, Writer},
    ledger::Ledger,
    lock,
};

mod manifests;

use manifests::{Manifests, Pulling};

/// How long a sibling may say nothing while another waits for its word.
const PATIENCE: Duration = Duration::from_secs(15);
/// After being waited for in vain so often, a sibling is not waited for any more.
const CHANCES: u32 = 3;

/// The tasks of one execution that have siblings, and blobs on the point of being pulled.
pub(super) struct Siblings {
    state: Mutex<State>,
    /// Somebody has said something, or ended.
    changed: Notify,
    patience: Duration,
}

impl Default for Siblings {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), patience: PATIENCE }
    }
}

#[derive(Default)]
struct State {
    last: u64,
    tasks: HashMap<u64, Progress>,
    waiting: HashMap<Digest, Vec<Waiting>>,
    manifests: Manifests,
}

/// How far a task is.
struct Progress {
    /// Who has the same family is a sibling.
    family: u64,
    endpoint: EndpointId,
    /// Items from this place on are not begun.
    next: usize,
    /// Items under way, and of which of their blobs it has spoken.
    under_way: HashMap<usize, HashSet<Digest>>,
    /// Blobs that it is sending.
    sending: HashSet<Digest>,
    /// Somebody waited for it in vain, and it has said nothing since.
    silent: bool,
    missed: u32,
}

/// A task that needs a blob.
struct Waiting {
    number: u64,
    item: usize,
    reader: oneshot::Sender<Reader>,
}

/// A task among its siblings; they wait for its word until this is dropped.
pub(super) struct Sibling {
    ledger: Arc<Ledger>,
    number: u64,
    family: u64,
}

/// One item of a task that has siblings, under way until this is dropped.
pub(super) struct Turn<'s> {
    sibling: &'s Sibling,
    item: usize,
}

/// The item under way, where its task has siblings.
pub(super) type At<'t> = Option<&'t Turn<'t>>;

/// How a blob comes that a task needs.
pub(super) enum Gathered {
    /// Nobody else needs it.
    Alone,
    /// The task is to fill what it reads with others.
    Leads(Writer, Reader),
    /// Another task fills it.
    Follows(Reader),
}

impl Siblings {
    /// Makes siblings of tasks that begin together: all of them copy the same items. `None` for each
    /// where they go to one endpoint.
    pub(super) fn enroll(ledger: &Arc<Ledger>, tasks: &[Task]) -> Vec<Option<Sibling>> {
        let endpoints: HashSet<_> = tasks.iter().map(|task| task.spec.destination).collect();
        if endpoints.len() < 2 {
            return tasks.iter().map(|_| None).collect();
        }
        let mut state = lock(&ledger.siblings.state);
        let family = state.last + 1;
        let mut enrolled = Vec::with_capacity(tasks.len());
        for task in tasks {
            state.last += 1;
            let number = state.last;
            state.tasks.insert(number, Progress::new(family, task.spec.destination));
            enrolled.push(Some(Sibling { ledger: Arc::clone(ledger), number, family }));
        }
        enrolled
    }
}

impl Progress {
    fn new(family: u64, endpoint: EndpointId) -> Self {
        let (under_way, sending) = (HashMap::new(), HashSet::new());
        Self { family, endpoint, next: 0, under_way, sending, silent: false, missed: 0 }
    }

    /// Whether it has still to say if it needs a blob of an item.
    fn owes_a_word(&self, item: usize, digest: &Digest) -> bool {
        let patience = !self.silent && self.missed < CHANCES;
        let unspoken = || match self.under_way.get(&item) {
            Some(spoken) => !spoken.contains(digest),
            None => item >= self.next,
        };
        patience && !self.sending.contains(digest) && unspoken()
    }
}

impl State {
    /// Who has to be waited for before a blob is pulled.
    fn missing(&self, digest: &Digest) -> Vec<u64> {
        let waiting = self.waiting.get(digest).map(Vec::as_slice).unwrap_or_default();
        let here: Vec<(&Waiting, &Progress)> = waiting
            .iter()
            .filter(|it| !it.reader.is_closed())
            .filter_map(|it| Some((it, self.tasks.get(&it.number)?)))
            .collect();
        let owes = |other: &Progress| {
            let came = here.iter().any(|(_, task)| task.endpoint == other.endpoint);
            let mut of = here.iter().filter(|(_, task)| task.family == other.family);
            !came && of.any(|(it, _)| other.owes_a_word(it.item, digest))
        };
        let owing = self.tasks.iter().filter(|(_, other)| owes(other));
        owing.map(|(number, _)| *number).collect()
    }

    /// Gives a blob to all that wait for it; `number` fills it.
    fn begin(&mut self, number: u64, blob: &Descriptor) -> Gathered {
        let mut waiting = self.waiting.remove(&blob.digest).unwrap_or_default();
        waiting.retain(|it| !it.reader.is_closed());
        for it in &waiting {
            if let Some(task) = self.tasks.get_mut(&it.number) {
                task.sending.insert(blob.digest.clone());
            }
        }
        waiting.retain(|it| it.number != number);
        if waiting.is_empty() {
            return Gathered::Alone;
        }
        let (writer, mut readers) = fan::out(waiting.len() + 1, blob.size);
        let own = readers.pop();
        for (it, reader) in waiting.into_iter().zip(readers) {
            // Who has just gone reads nothing.
            let _gone = it.reader.send(reader);
        }
        own.map_or(Gathered::Alone, |own| Gathered::Leads(writer, own))
    }

    fn give_up(&mut self, missing: &[u64]) {
        for number in missing {
            if let Some(task) = self.tasks.get_mut(number) {
                task.silent = true;
                task.missed += 1;
            }
        }
    }

    fn stop_waiting(&mut self, is_over: impl Fn(&Waiting) -> bool) {
        self.waiting.retain(|_, waiting| {
            waiting.retain(|it| !is_over(it));
            !waiting.is_empty()
        });
    }
}

impl Sibling {
    /// Begins with an item, by its place in the task; items begin in that order.
    pub(super) fn begin(&self, item: usize) -> Turn<'_> {
        self.say(|task| {
            task.next = task.next.max(item + 1);
            task.under_way.insert(item, HashSet::new());
        });
        Turn { sibling: self, item }
    }

    /// The turn to pull a manifest once for all siblings.
    pub(super) fn manifest(&self, reference: &Reference) -> Pulling {
        lock(&self.ledger.siblings.state).manifests.of(self.family, reference)
    }

    fn say(&self, what: impl FnOnce(&mut Progress)) {
        if let Some(task) = lock(&self.ledger.siblings.state).tasks.get_mut(&self.number) {
            task.silent = false;
            what(task);
        }
        self.ledger.siblings.changed.notify_waiters();
    }
}

impl Drop for Sibling {
    fn drop(&mut self) {
        let mut state = lock(&self.ledger.siblings.state);
        state.tasks.remove(&self.number);
        state.stop_waiting(|it| it.number == self.number);
        if state.tasks.values().all(|task| task.family != self.family) {
            state.manifests.forget(self.family);
        }
        drop(state);
        self.ledger.siblings.changed.notify_waiters();
    }
}

impl Turn<'_> {
    /// Waits until every sibling has said whether it needs a blob that this task needs.
    pub(super) async fn gather(&self, blob: &Descriptor) -> Gathered {
        let (sender, mut given) = oneshot::channel();
        let (siblings, number) = (&self.sibling.ledger.siblings, self.sibling.number);
        let waiting = Waiting { number, item: self.item, reader: sender };
        lock(&siblings.state).waiting.entry(blob.digest.clone()).or_default().push(waiting);
        self.sibling.say(|_| ());
        let mut until = Instant::now() + siblings.patience;
        loop {
            let mut changed = pin!(siblings.changed.notified());
            changed.as_mut().enable();
            if let Some(gathered) = self.all_have_said(blob, &mut given) {
                return gathered;
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => {
                    let mut state = lock(&siblings.state);
                    let missing = state.missing(&blob.digest);
                    state.give_up(&missing);
                    until = Instant::now() + siblings.patience;
                }
            }
        }
    }

    fn all_have_said(
        &self,
        blob: &Descriptor,
        given: &mut oneshot::Receiver<Reader>,
    ) -> Option<Gathered> {
        let siblings = &self.sibling.ledger.siblings;
        let mut state = lock(&siblings.state);
        if let Ok(reader) = given.try_recv() {
            return Some(Gathered::Follows(reader));
        }
        if !state.missing(&blob.digest).is_empty() {
            return None;
        }
        let gathered = state.begin(self.sibling.number, blob);
        drop(state);
        siblings.changed.notify_waiters();
        Some(gathered)
    }

    /// Whether the destination has a blob of this item does not matter to others any more.
    pub(super) fn settled(&self, digest: &Digest) {
        self.sibling.say(|task| {
            task.sending.remove(digest);
            if let Some(spoken) = task.under_way.get_mut(&self.item) {
                spoken.insert(digest.clone());
            }
        });
    }

    /// A blob that was gathered did not arrive: it may be needed again.
    pub(super) fn failed(&self, digest: &Digest) {
        self.sibling.say(|task| {
            task.sending.remove(digest);
        });
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let number = self.sibling.number;
        let mut state = lock(&self.sibling.ledger.siblings.state);
        state.stop_waiting(|it| it.number == number && it.item == self.item);
        drop(state);
        self.sibling.say(|task| {
            task.under_way.remove(&self.item);
        });
    }
}

#[cfg(test)]
mod tests;
