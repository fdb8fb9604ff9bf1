//! One body on its way to several readers: each frame is read once and shared, never copied.
//!
//! The slowest reader governs, within a bound: who takes nothing while others wait for it is left
//! behind and reads elsewhere. A reader that ends early disturbs nobody, whoever asked for the body;
//! without readers nothing is read.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::Notify;

use super::lock;
use crate::{
    distribution::{BlobStream, DistributionError, Marks},
    net::{BodyError, NetError},
};

/// Bytes that are kept for slower readers before no more is read.
const AHEAD: usize = 1 << 20;
/// How long a reader may take nothing while others wait for it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the frames come in. Dropped before the body's end, the readers fail.
pub(super) struct Writer(Arc<Fan>);

/// One of the bodies that come out.
pub(super) struct Reader {
    fan: Arc<Fan>,
    number: usize,
    left: u64,
    /// States of the hash, made once for all readers.
    pub(super) marks: Marks,
}

struct Fan {
    state: Mutex<State>,
    /// There is room for more.
    room: Notify,
    /// The body has begun, or the last reader has gone.
    changed: Notify,
    patience: Duration,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Bytes>,
    /// Frames before the first of these.
    gone: u64,
    /// Bytes in them.
    held: usize,
    readers: BTreeMap<usize, Place>,
    begun: bool,
    end: Option<Result<(), DistributionError>>,
}

/// How far a reader is.
#[derive(Default)]
struct Place {
    /// Frames taken.
    taken: u64,
    waker: Option<Waker>,
}

/// A body of `size` bytes for as many readers.
pub(super) fn out(readers: usize, size: u64) -> (Writer, Vec<Reader>) {
    patiently(readers, size, PATIENCE)
}

fn patiently(readers: usize, size: u64, patience: Duration) -> (Writer, Vec<Reader>) {
    let places = (0..readers).map(|number| (number, Place::default())).collect();
    let state = State { readers: places, ..State::default() };
    let (room, changed) = (Notify::new(), Notify::new());
    let fan = Arc::new(Fan { state: Mutex::new(state), room, changed, patience });
    let marks = Marks::default();
    let reader =
        |number| Reader { fan: Arc::clone(&fan), number, left: size, marks: marks.clone() };
    let readers = (0..readers).map(reader).collect();
    (Writer(fan), readers)
}

impl Writer {
    /// Opens the body and hands it on to its end, or until nobody reads.
    pub(super) async fn pump(
        self,
        open: impl Future<Output = Result<BlobStream, DistributionError>>,
    ) {
        tokio::select! {
            end = self.0.feed(open) => self.0.end(end),
            () = self.0.deserted() => {}
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.end(Err(broken("the source", "its reading ended early")));
    }
}

impl Fan {
    async fn feed(
        &self,
        open: impl Future<Output = Result<BlobStream, DistributionError>>,
    ) -> Result<(), DistributionError> {
        let mut body = open.await?.body;
        lock(&self.state).begun = true;
        self.changed.notify_waiters();
        loop {
            self.has_room().await;
            match body.frame().await {
                Some(Ok(frame)) => self.put(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Err(own(error)),
                None => return Ok(()),
            }
        }
    }

    async fn deserted(&self) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if lock(&self.state).readers.is_empty() {
                return;
            }
            changed.await;
        }
    }

    async fn has_room(&self) {
        while lock(&self.state).held >= AHEAD {
            if tokio::time::timeout(self.patience, self.room.notified()).await.is_err() {
                lock(&self.state).leave_behind();
            }
        }
    }

    fn put(&self, frame: Bytes) {
        let mut state = lock(&self.state);
        state.held += frame.len();
        state.frames.push_back(frame);
        state.wake();
    }

    /// Notes how it ended, the first time it is told.
    fn end(&self, end: Result<(), DistributionError>) {
        let mut state = lock(&self.state);
        state.end.get_or_insert(end);
        state.wake();
        drop(state);
        self.changed.notify_waiters();
    }
}

impl State {
    fn wake(&mut self) {
        let wakers = self.readers.values_mut().filter_map(|place| place.waker.take());
        wakers.for_each(Waker::wake);
    }

    /// Forgets frames that every reader has taken; whether there were any.
    fn trim(&mut self) -> bool {
        let slowest = self.readers.values().map(|place| place.taken).min().unwrap_or(u64::MAX);
        let before = self.gone;
        while self.gone < slowest
            && let Some(frame) = self.frames.pop_front()
        {
            self.held -= frame.len();
            self.gone += 1;
        }
        self.gone > before
    }

    /// Lets those go that hold up others.
    fn leave_behind(&mut self) {
        let gone = self.gone;
        if self.readers.values().any(|place| place.taken > gone) {
            self.wake();
            self.readers.retain(|_, place| place.taken > gone);
            self.trim();
        }
    }
}

impl Reader {
    /// Waits until the body has begun.
    pub(super) async fn opened(&self) -> Result<(), DistributionError> {
        loop {
            let mut changed = pin!(self.fan.changed.notified());
            changed.as_mut().enable();
            match &*lock(&self.fan.state) {
                State { begun: true, .. } => return Ok(()),
                State { end: Some(end), .. } => return end.clone(),
                _ => {}
            }
            changed.await;
        }
    }
}

impl HttpBody for Reader {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let reader = self.get_mut();
        let mut guard = lock(&reader.fan.state);
        let state = &mut *guard;
        let Some(place) = state.readers.get_mut(&reader.number) else {
            let why = "it took nothing for a while, and other destinations waited for it";
            return Poll::Ready(Some(Err(Box::new(broken("the destination", why)))));
        };
        let next = usize::try_from(place.taken - state.gone).ok();
        if let Some(frame) = next.and_then(|next| state.frames.get(next)).cloned() {
            place.taken += 1;
            if state.trim() {
                reader.fan.room.notify_one();
            }
            reader.left = reader.left.saturating_sub(frame.len() as u64);
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        match &state.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(Box::new(error.clone())))),
            None => {
                place.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = lock(&self.fan.state);
        state.readers.remove(&self.number);
        state.trim();
        drop(state);
        self.fan.room.notify_one();
        self.fan.changed.notify_waiters();
    }
}

fn own(error: BodyError) -> DistributionError {
    match error.downcast::<DistributionError>() {
        Ok(own) => *own,
        Err(other) => broken("the source", &other.to_string()),
    }
}

fn broken(host: &str, why: &str) -> DistributionError {
    let source = NetError::Protocol { host: host.to_owned(), why: why.to_owned() };
    DistributionError::Net { attempted: "share the bytes of a blob".to_owned(), source }
}

#[cfg(test)]
mod tests;
