//! How an answer's bytes leave: paced, stalled, cut, padded, and counted. Never decides what the
//! answer is.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};

use crate::{
    faults::{Shape, released},
    requests::Running,
};

pub(crate) type Body = UnsyncBoxBody<Bytes, Cut>;

/// The connection is to be closed.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

const PIECE: u64 = 64 * 1024;
static PADDING: [u8; PIECE as usize] = [b'x'; PIECE as usize];

struct Flow {
    bytes: Bytes,
    padding: u64,
    sent: u64,
    shape: Shape,
    running: Running,
}

/// A body of `bytes`, then `padding` more bytes made up on the way.
pub(crate) fn flow(bytes: Bytes, padding: u64, shape: Shape, running: Running) -> Body {
    let flow = Flow { bytes, padding, sent: 0, shape, running };
    StreamBody::new(stream::unfold(flow, next)).boxed_unsync()
}

async fn next(mut flow: Flow) -> Option<(Result<Frame<Bytes>, Cut>, Flow)> {
    if flow.shape.drop_after.is_some_and(|after| flow.sent >= after) {
        // A pending poll lets the connection flush what it was given before it is cut.
        tokio::task::yield_now().await;
        return Some((Err(Cut), flow));
    }
    if let Some((after, held)) = &mut flow.shape.stall_after
        && flow.sent >= *after
    {
        released(held).await;
        flow.shape.stall_after = None;
    }
    let piece = flow.piece();
    if piece.is_empty() {
        return None;
    }
    let size = piece.len() as u64;
    if let Some(rate) = flow.shape.bytes_per_second {
        tokio::time::sleep(Duration::from_secs_f64(size as f64 / rate as f64)).await;
    }
    flow.sent += size;
    flow.running.add_sent(size);
    Some((Ok(Frame::data(piece)), flow))
}

impl Flow {
    /// The next bytes, no more than any limit allows.
    fn piece(&mut self) -> Bytes {
        let left = |after: u64| after.saturating_sub(self.sent);
        let mut limit = PIECE;
        limit = limit.min(self.shape.drop_after.map_or(PIECE, left));
        limit = limit.min(self.shape.stall_after.as_ref().map_or(PIECE, |(after, _)| left(*after)));
        // Twenty pieces a second look like an even flow.
        limit = limit.min(self.shape.bytes_per_second.map_or(PIECE, |rate| (rate / 20).max(1)));
        if self.bytes.is_empty() {
            let size = self.padding.min(limit);
            self.padding -= size;
            return Bytes::from_static(PADDING.get(..size as usize).unwrap_or_default());
        }
        self.bytes.split_to(self.bytes.len().min(limit as usize))
    }
}
