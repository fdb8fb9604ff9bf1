//! A blob on its way: its bytes are counted as they pass, and taken back where it does not arrive.
//!
//! It copies no byte and holds none back.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

use super::super::{lock, stats::Stats};
use crate::net::{Body, BodyError};

/// One blob on its way to one destination, all its tries. Dropped, none of its bytes are flying.
pub(crate) struct Flight(Arc<Counter>);

struct Counter {
    stats: Arc<Stats>,
    /// Bytes so far; `None` once it is over, whoever still holds a body.
    bytes: Mutex<Option<u64>>,
}

impl Flight {
    pub(crate) fn new(stats: &Arc<Stats>) -> Self {
        Self(Arc::new(Counter { stats: Arc::clone(stats), bytes: Mutex::new(Some(0)) }))
    }

    /// Counts a body's bytes as they pass, after `held` bytes that the destination has.
    pub(crate) fn count(&self, body: Body, held: u64) -> Body {
        self.0.begin(held);
        Counted { body, counter: Arc::clone(&self.0) }.boxed_unsync()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(bytes) = lock(&self.0.bytes).take() {
            self.0.stats.walk.flies(0, bytes);
        }
    }
}

impl Counter {
    fn begin(&self, held: u64) {
        if let Some(bytes) = lock(&self.bytes).as_mut() {
            self.stats.walk.flies(held, std::mem::replace(bytes, held));
        }
    }

    fn pass(&self, more: u64) {
        if let Some(bytes) = lock(&self.bytes).as_mut() {
            *bytes += more;
            self.stats.walk.flies(more, 0);
            self.stats.walk.passes(more);
        }
    }
}

struct Counted {
    body: Body,
    counter: Arc<Counter>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(data)) = frame.as_ref().map(|it| it.as_ref().map(Frame::data_ref))
            && let Some(data) = data
        {
            self.counter.pass(data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    fn body(text: &'static str) -> Body {
        Full::new(Bytes::from_static(text.as_bytes())).map_err(Into::into).boxed_unsync()
    }

    #[tokio::test]
    async fn bytes_fly_until_they_arrive_or_another_try_begins() {
        let stats = Arc::new(Stats::default());
        let flying = || stats.counts().flying;
        let flight = Flight::new(&stats);
        let mut first = flight.count(body("12345"), 0);
        assert_eq!(flying(), 0);
        let _frame = first.frame().await;
        assert_eq!(flying(), 5);
        let mut second = flight.count(body("45"), 3);
        assert_eq!(flying(), 3, "where the registry says");
        let _frame = second.frame().await;
        assert_eq!((flying(), stats.walk.rate()), (5, 7), "what passed, not what was there");
        let mut late = flight.count(body("1"), 0);
        drop(flight);
        let _frame = late.frame().await;
        assert_eq!(flying(), 0, "nothing flies without a flight");
    }
}
