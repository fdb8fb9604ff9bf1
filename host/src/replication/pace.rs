//! The limits on how fast a task's blobs pass: its own speed (contract 3.7), and the budgets that its
//! work is under.
//!
//! It never copies a byte and never holds one back that was paid for.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use portolan_core::task::Task;
use tokio::time::{Instant, Sleep};

use super::Shared;
use crate::{
    distribution::BlobStream,
    net::{Body, BodyError, Bucket, Budgets},
};

/// Bytes a second for one kilobit a second; Harbor's kilobit has 1024 bits.
const BYTES: u64 = 128;

/// The limits of one task on one side, shared by its blobs.
#[derive(Clone, Default)]
pub(super) struct Pace {
    buckets: Vec<Arc<Bucket>>,
}

impl Pace {
    /// A limit in kilobits a second; 0 or less is none.
    pub(super) fn new(kilobits: i32) -> Self {
        let rate = u64::try_from(kilobits).unwrap_or(0).saturating_mul(BYTES);
        Self { buckets: Bucket::bytes(rate).into_iter().collect() }
    }

    /// What is pulled under some budgets pays besides what is paid where it is sent under others: a
    /// pull that several destinations share pays it once.
    pub(super) fn besides(pulled: &Budgets, sent: &Budgets) -> Self {
        Self { buckets: pulled.bytes_besides(sent) }
    }

    /// This limit and budgets: what passes is paid for in each.
    pub(super) fn and(mut self, budgets: &Budgets) -> Self {
        self.buckets.extend(budgets.bytes().iter().cloned());
        self
    }

    /// What comes from a source, at this pace.
    pub(super) fn pulled(&self, bytes: BlobStream) -> BlobStream {
        BlobStream { body: self.limit(bytes.body) }
    }

    /// The body at this pace.
    pub(super) fn limit(&self, body: Body) -> Body {
        self.buckets.iter().fold(body, |body, bucket| {
            let (bucket, turn) = (bucket.clone(), Box::pin(tokio::time::sleep(Duration::ZERO)));
            Paced { body, bucket, ahead: Bytes::new(), turn, bought: 0 }.boxed_unsync()
        })
    }
}

struct Paced {
    body: Body,
    bucket: Arc<Bucket>,
    /// Read, and not passed on yet.
    ahead: Bytes,
    turn: Pin<Box<Sleep>>,
    /// Bytes of `ahead` that pass when it is their turn.
    bought: usize,
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let paced = self.get_mut();
        while paced.ahead.is_empty() {
            match ready!(Pin::new(&mut paced.body).poll_frame(cx)) {
                Some(Ok(frame)) => paced.ahead = frame.into_data().unwrap_or_default(),
                end => return Poll::Ready(end),
            }
        }
        if paced.bought == 0 {
            let piece = usize::try_from(paced.bucket.piece()).unwrap_or(usize::MAX);
            paced.bought = piece.min(paced.ahead.len());
            let turn = paced.bucket.pay(paced.bought as u64, Instant::now());
            paced.turn.as_mut().reset(turn);
        }
        ready!(paced.turn.as_mut().poll(cx));
        let piece = paced.ahead.split_to(std::mem::take(&mut paced.bought));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.ahead.len() as u64;
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(ahead));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(ahead));
        }
        hint
    }
}

impl Shared {
    /// What the rule of a task may use.
    pub(super) async fn budgets_of(&self, task: &Task) -> Budgets {
        let budget = task.spec.options.budget;
        if budget.is_unlimited() {
            return Budgets::default();
        }
        match self.store.execution(task.execution).await {
            Ok(execution) => self.budgets.of(execution.policy, budget),
            Err(_) => Budgets::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net;

    /// Lets bodies of these sizes through, side by side, on a clock of its own; how long it takes,
    /// and the longest that one of them waits for its next piece.
    fn pass(pace: &Pace, begun: Instant, sizes: &[u64]) -> (Duration, Duration) {
        let Some(bucket) = pace.buckets.first() else { return Default::default() };
        let mut bodies: Vec<_> = sizes.iter().map(|size| (*size, begun)).collect();
        let mut longest = Duration::ZERO;
        while let Some((left, at)) =
            bodies.iter_mut().filter(|(left, _)| *left > 0).min_by_key(|(_, at)| *at)
        {
            let piece = bucket.piece().min(*left);
            let turn = bucket.pay(piece, *at);
            longest = longest.max(turn - *at);
            (*left, *at) = (*left - piece, turn);
        }
        let end = bodies.iter().map(|(_, at)| *at).max().unwrap_or(begun);
        (end - begun, longest)
    }

    #[test]
    fn contract_3_7_kilobits_a_second_for_a_whole_task() {
        // 80 kb/s are 10,240 bytes/s; the first 1,024,000 bytes are free.
        let burst = 1_024_000;
        for (kilobits, sizes, seconds) in [
            (80, vec![burst], 0),
            (80, vec![burst + 102_400], 10),
            (80, vec![burst, 51_200, 51_200], 10),
            (80, vec![0, 0], 0),
            (1, vec![burst + 12_800], 100),
            (0, vec![50_000_000], 0),
            (-5, vec![50_000_000], 0),
            (i32::MAX, vec![50_000_000], 0),
        ] {
            let pace = Pace::new(kilobits);
            let (took, longest) = pass(&pace, Instant::now(), &sizes);
            assert_eq!(
                took.as_secs_f64().round(),
                f64::from(seconds),
                "{kilobits} kb/s, {sizes:?}"
            );
            assert!(longest < Duration::from_secs(1), "{kilobits}: nothing for {longest:?}");
        }
    }

    #[test]
    fn a_rest_earns_no_more_than_one_burst() {
        let (pace, begun) = (Pace::new(80), Instant::now());
        pass(&pace, begun, &[1_024_000]);
        let later = begun + Duration::from_secs(10_000);
        let (took, _) = pass(&pace, later, &[1_024_000 + 102_400]);
        assert_eq!(took.as_secs_f64().round(), 10.0, "{took:?}");
    }

    #[tokio::test]
    async fn no_byte_is_lost_and_the_size_is_known() {
        let text: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        let mut body = Pace::new(8).limit(net::full(text.clone()));
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            read.extend_from_slice(&frame.unwrap().into_data().unwrap());
            assert_eq!(body.size_hint().exact(), Some((text.len() - read.len()) as u64));
            assert_eq!(body.is_end_stream(), read.len() == text.len());
        }
        assert!(read == text);
    }
}
