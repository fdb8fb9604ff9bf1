//! Peers that are too slow: answers they do not read, and bodies they do not send.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep, sleep_until},
};

use crate::api::limits::ServeLimits;

/// Why a request's body is not read to its end.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
pub(crate) struct TooSlow;

/// A stream whose peer must take what is written: while it is full, `rate` bytes a second on
/// average over each `stall`.
pub(super) struct Patient<S> {
    stream: S,
    limits: ServeLimits,
    full: Option<Full>,
}

/// Since the stream was full for the first time.
struct Full {
    taken: u64,
    end: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, limits: ServeLimits) -> Self {
        Self { stream, limits, full: None }
    }

    /// What becomes of writing `offered` bytes.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        offered: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(count)) if *count >= offered => self.full = None,
            Poll::Ready(Ok(count)) => {
                let enough = self.limits.stall.as_secs_f64() * f64::from(self.limits.rate);
                let count = u64::try_from(*count).unwrap_or(u64::MAX);
                self.full = self.full.take().and_then(|full| full.after(count, enough));
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let stall = self.limits.stall;
                let new = || Full { taken: 0, end: Box::pin(sleep(stall)) };
                ready!(self.full.get_or_insert_with(new).end.as_mut().poll(context));
                let why = "the peer does not read what it asked for";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)));
            }
        }
        written
    }
}

impl Full {
    /// After so many bytes more; `None` where that was enough for this while.
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    fn after(mut self, count: u64, enough: f64) -> Option<Self> {
        self.taken = self.taken.saturating_add(count);
        ((self.taken as f64) < enough).then_some(self)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judge(context, parts.iter().map(|part| part.len()).sum(), written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A request's body that must arrive at `rate` bytes a second on average, after a first `stall`.
pub(super) struct Paced<B> {
    body: B,
    limits: ServeLimits,
    begun: Option<Instant>,
    received: u64,
    end: Option<Pin<Box<Sleep>>>,
}

impl<B> Paced<B> {
    pub(super) fn new(body: B, limits: ServeLimits) -> Self {
        Self { body, limits, begun: None, received: 0, end: None }
    }

    /// How long after its begin the next byte must be there.
    fn patience(&self) -> Duration {
        let seconds = self.received.checked_div(u64::from(self.limits.rate)).unwrap_or(0);
        self.limits.stall.saturating_add(Duration::from_secs(seconds))
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    let count = frame.data_ref().map_or(0, Bytes::len);
                    self.received += u64::try_from(count).unwrap_or(u64::MAX);
                }
                self.end = None;
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let due = begun + self.patience();
                let end = self.end.get_or_insert_with(|| Box::pin(sleep_until(due)));
                ready!(end.as_mut().poll(context));
                Poll::Ready(Some(Err(Box::new(TooSlow))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
