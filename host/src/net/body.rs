//! Bodies in motion: a watch on what is sent, a limit on how long nothing may arrive, and the
//! reading of whole small answers. No byte is copied.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::{Body, BodyError, NetError};

/// What is known of a request body that hyper has taken over.
#[derive(Default)]
pub(super) struct Sending {
    frames: AtomicU64,
    abandoned: AtomicBool,
    failure: Mutex<Option<Arc<dyn Error + Send + Sync>>>,
}

impl Sending {
    /// Grows while the body is being taken.
    pub(super) fn progress(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Ends the body with an error at its next poll: the answer made the rest worthless.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Why the body itself failed, where it did.
    pub(super) fn failure(&self) -> Option<Arc<dyn Error + Send + Sync>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A request body under watch.
struct Watched {
    body: Body,
    sending: Arc<Sending>,
}

/// Puts a body under watch.
pub(super) fn watch(body: Body, sending: Arc<Sending>) -> Body {
    Watched { body, sending }.boxed_unsync()
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.sending.abandoned.load(Ordering::Relaxed) {
            return Poll::Ready(Some(Err("the answer came before the body's end".into())));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.sending.frames.fetch_add(1, Ordering::Relaxed);
        let Some(Err(error)) = frame else { return Poll::Ready(frame) };
        let error: Arc<dyn Error + Send + Sync> = error.into();
        let text = error.to_string();
        let mut slot = self.sending.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(error);
        Poll::Ready(Some(Err(text.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body that fails when nothing arrives for a while.
struct Idle {
    body: Incoming,
    host: String,
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
    waiting: bool,
}

/// Guards `body` against silence: `limit` without a byte is [`NetError::Timeout`].
pub(super) fn guard(body: Incoming, host: &str, limit: Duration) -> Body {
    let sleep = Box::pin(sleep(limit));
    Idle { body, host: host.to_owned(), limit, sleep, waiting: false }.boxed_unsync()
}

impl HttpBody for Idle {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = false;
            let broken = |error: hyper::Error| -> BodyError {
                Box::new(super::failure::exchange(&self.host, &error))
            };
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
        }
        if !self.waiting {
            self.waiting = true;
            let end = Instant::now() + self.limit;
            self.sleep.as_mut().reset(end);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(Some(Err(Box::new(silence(&self.host, self.limit)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn silence(host: &str, limit: Duration) -> NetError {
    NetError::Timeout { host: host.to_owned(), what: "with more data", seconds: limit.as_secs() }
}

/// Reads `body` whole: at most `limit` bytes, at most `idle` between two of its frames.
pub(super) async fn read_all(
    mut body: impl HttpBody<Data = Bytes, Error = hyper::Error> + Unpin,
    limit: u64,
    host: &str,
    idle: Duration,
) -> Result<Bytes, NetError> {
    let too_large = || NetError::TooLarge { host: host.to_owned(), limit };
    if body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    let mut length = 0_u64;
    loop {
        let next = tokio::time::timeout(idle, body.frame()).await;
        let Some(frame) = next.map_err(|_| silence(host, idle))? else { break };
        let frame = frame.map_err(|error| super::failure::exchange(host, &error))?;
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len() as u64);
        if length > limit {
            return Err(too_large());
        }
        match first.take() {
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(start) => {
                all.extend_from_slice(&start);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}
