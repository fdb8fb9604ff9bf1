//! A blob's stream cut into chunks that can be sent again: the frames of the chunk under way are
//! kept (shared, not copied) until the registry has acknowledged them.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

use crate::net::{Body, BodyError};

/// The stream, shared with the chunk body that hyper has in hand.
#[derive(Clone)]
pub(super) struct Source {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    body: Body,
    /// Place in the blob of the first byte of `taken`.
    start: u64,
    /// Frames handed out since `start`.
    taken: Vec<Bytes>,
    /// Frames to be handed out before more is read.
    ahead: VecDeque<Bytes>,
    /// Counts chunks: the body of an old one must not go on.
    turn: u64,
}

impl Source {
    /// A source whose `body` begins at `start`.
    pub(super) fn new(body: Body, start: u64) -> Self {
        let inner = Inner { body, start, taken: Vec::new(), ahead: VecDeque::new(), turn: 0 };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// The next `length` bytes as a body.
    pub(super) fn chunk(&self, length: u64) -> Body {
        let turn = self.lock().turn;
        Chunk { source: self.clone(), turn, left: length }.boxed_unsync()
    }

    /// Goes on at `offset`: what stands before is forgotten, what stands after is sent again.
    /// `false` where that place is out of reach.
    pub(super) fn go_on_at(&self, offset: u64) -> bool {
        let mut inner = self.lock();
        let taken: u64 = inner.taken.iter().map(|frame| frame.len() as u64).sum();
        let Some(mut done) = offset.checked_sub(inner.start).filter(|done| *done <= taken) else {
            return false;
        };
        inner.turn += 1;
        inner.start = offset;
        let mut again = VecDeque::with_capacity(inner.taken.len());
        for mut frame in std::mem::take(&mut inner.taken) {
            let part = usize::try_from(done).unwrap_or(usize::MAX).min(frame.len());
            done -= part as u64;
            drop(frame.split_to(part));
            if !frame.is_empty() {
                again.push_back(frame);
            }
        }
        again.append(&mut inner.ahead);
        inner.ahead = again;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        super::lock(&self.inner)
    }
}

impl Inner {
    /// The next frame of at most `most` bytes; `None` at the end of the stream.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        most: u64,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut frame = match self.ahead.pop_front() {
            Some(frame) => frame,
            None => match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            },
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if frame.len() > most {
            let rest = frame.split_off(most);
            self.ahead.push_front(rest);
        }
        self.taken.push(frame.clone());
        Poll::Ready(Some(Ok(frame)))
    }
}

struct Chunk {
    source: Source,
    turn: u64,
    left: u64,
}

impl HttpBody for Chunk {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let chunk = self.get_mut();
        if chunk.left == 0 {
            return Poll::Ready(None);
        }
        let mut inner = chunk.source.lock();
        if inner.turn != chunk.turn {
            return Poll::Ready(Some(Err("the chunk is sent anew elsewhere".into())));
        }
        let frame = ready!(inner.poll_take(cx, chunk.left));
        drop(inner);
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                chunk.left -= frame.len() as u64;
                Some(Ok(Frame::data(frame)))
            }
            Some(Err(error)) => Some(Err(error)),
            None => Some(Err("the blob ended before its size".into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::StreamBody;

    fn source(pieces: &[&'static str]) -> Source {
        let frame = |piece: &&'static str| Ok(Frame::data(Bytes::from_static(piece.as_bytes())));
        let frames: Vec<Result<_, BodyError>> = pieces.iter().map(frame).collect();
        Source::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync(), 0)
    }

    async fn read(body: Body) -> String {
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn cuts_and_goes_back() {
        let source = source(&["abc", "defgh", "ij"]);
        assert_eq!(read(source.chunk(4)).await, "abcd");
        // Two bytes were stored, the others are sent again, with more behind them.
        assert!(source.go_on_at(2));
        assert_eq!(read(source.chunk(4)).await, "cdef");
        assert!(!source.go_on_at(1), "what was acknowledged is gone");
        assert!(!source.go_on_at(7), "what was not sent cannot be acknowledged");
        assert!(source.go_on_at(6));
        assert_eq!(read(source.chunk(4)).await, "ghij");
        assert!(source.go_on_at(10));
        assert!(source.chunk(1).frame().await.unwrap().is_err(), "the end came too early");
    }

    #[tokio::test]
    async fn an_old_chunk_takes_no_more() {
        let source = source(&["abc", "def"]);
        let mut old = source.chunk(6);
        assert!(old.frame().await.unwrap().is_ok());
        assert!(source.go_on_at(0));
        assert!(old.frame().await.unwrap().is_err());
        assert_eq!(read(source.chunk(6)).await, "abcdef");
    }
}
