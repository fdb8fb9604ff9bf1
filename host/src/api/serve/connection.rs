//! One connection: HTTP/1.1 or 2 until its peer, a bound or a shutdown ends it.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, Version},
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{DRAIN_TIME, pace::Paced};
use crate::api::{Caller, CertificateName, Peer, Secure, limits::ServeLimits, shares::Shares};

/// Streams of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 128;
/// Bytes of one HTTP/2 answer that wait to be sent: hyper asks for no more of it until then.
const SEND_BUFFER: usize = 400 << 10;
/// How long an idle connection may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long requests may go on at the end of a connection's life; none may take longer.
const LAST_REQUESTS: Duration = Duration::from_secs(300);

/// What every connection of a listener is served with.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) limits: ServeLimits,
    pub(super) bodies: Shares,
    pub(super) stop: CancellationToken,
}

/// What is known of the other end.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) caller: Caller,
    pub(super) peer: Option<Peer>,
    pub(super) secure: bool,
    pub(super) certificate: Option<CertificateName>,
}

impl Known {
    pub(super) fn new(caller: Caller, peer: Option<Peer>) -> Self {
        Self { caller, peer, secure: false, certificate: None }
    }

    fn tell<B>(&self, request: &mut Request<B>) {
        let extensions = request.extensions_mut();
        extensions.insert(self.caller);
        if let Some(peer) = self.peer {
            extensions.insert(peer);
        }
        if self.secure {
            extensions.insert(Secure);
        }
        if let Some(name) = &self.certificate {
            extensions.insert(name.clone());
        }
    }
}

/// Serves until the connection ends.
pub(super) async fn serve<S>(io: S, known: Known, service: Service)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Service { router, limits, bodies, stop } = service;
    let activity = Arc::new(Activity::new());
    let requests = Arc::clone(&activity);
    let answer = service_fn(move |request: Request<Incoming>| {
        let under_way = UnderWay::new(&requests, request.version() == Version::HTTP_2);
        let mut request = request.map(|body| Body::new(Paced::new(body, limits)));
        known.tell(&mut request);
        request.extensions_mut().insert(bodies.clone());
        let answered = router.clone().oneshot(request);
        async move {
            let response = answered.await?;
            under_way.offers(0, &limits);
            Ok::<_, Infallible>(response.map(|body| Answer { body, under_way, limits, given: 0 }))
        }
    });
    let builder = builder(&limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), answer));
    let patience = tokio::select! {
        result = connection.as_mut() => return tell(result),
        () = stop.cancelled() => DRAIN_TIME,
        () = activity.ceases(&limits) => FAREWELL,
        () = sleep(limits.life) => LAST_REQUESTS,
    };
    connection.as_mut().graceful_shutdown();
    // Cut where it is not over by then.
    let _ = timeout(patience, async { tell(connection.await) }).await;
}

fn builder(limits: &ServeLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let head_bytes = usize::try_from(limits.head_bytes).unwrap_or(usize::MAX).max(8 << 10);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(head_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.head_bytes)
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(limits.head);
    builder
}

fn tell(result: Result<(), axum::BoxError>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}

/// What happens on a connection: hyper waits without end for the bytes that tell HTTP/1 from
/// HTTP/2, for further requests of an HTTP/2 client that answers pings, and for one that asks and
/// then takes nothing: it opens no window, so that nothing is written that could wait.
struct Activity {
    state: Mutex<State>,
}

struct State {
    heard: bool,
    under_way: usize,
    /// Since when nothing is under way.
    since: Instant,
    /// When the answers that HTTP/2 clients are to take must have gone on, by their numbers.
    due: HashMap<u64, Instant>,
    /// The next number.
    next: u64,
}

impl Activity {
    fn new() -> Self {
        let (since, due) = (Instant::now(), HashMap::new());
        let state = State { heard: false, under_way: 0, since, due, next: 0 };
        Self { state: Mutex::new(state) }
    }

    /// Ends when nothing was under way for too long, or nothing of an answer taken.
    async fn ceases(&self, limits: &ServeLimits) {
        loop {
            let left = self.left(limits);
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }

    fn left(&self, limits: &ServeLimits) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.heard, state.under_way) {
            (false, _) => limits.head.saturating_sub(state.since.elapsed()),
            (true, 0) => limits.idle.saturating_sub(state.since.elapsed()),
            (true, _) => {
                let first = state.due.values().min();
                let left = first.map(|due| due.saturating_duration_since(Instant::now()));
                left.map_or(limits.idle, |left| left.min(limits.idle))
            }
        }
    }
}

/// A request, from its head to the last byte of its answer.
struct UnderWay {
    activity: Arc<Activity>,
    /// Its number; `None` over HTTP/1, where a stream that is full is watched instead.
    number: Option<u64>,
}

impl UnderWay {
    fn new(activity: &Arc<Activity>, watched: bool) -> Self {
        let mut state = activity.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.heard, state.under_way) = (true, state.under_way + 1);
        state.next = state.next.wrapping_add(1);
        let number = watched.then_some(state.next);
        Self { activity: Arc::clone(activity), number }
    }

    /// The client is to take so many bytes, and what is offered after them.
    fn offers(&self, bytes: usize, limits: &ServeLimits) {
        let Some(number) = self.number else { return };
        let seconds = u64::try_from(bytes).unwrap_or(u64::MAX).checked_div(limits.rate.into());
        let patience = limits.stall.saturating_add(Duration::from_secs(seconds.unwrap_or(0)));
        let mut state = self.activity.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.due.insert(number, Instant::now() + patience);
    }

    /// The client has taken what there was: whatever comes next is for us to make.
    fn waits_for_us(&self) {
        let Some(number) = self.number else { return };
        let mut state = self.activity.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.due.remove(&number);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.waits_for_us();
        let mut state = self.activity.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.since, state.under_way) = (Instant::now(), state.under_way.saturating_sub(1));
    }
}

/// An answer's body, under way until it is sent or given up.
struct Answer {
    body: Body,
    under_way: UnderWay,
    limits: ServeLimits,
    /// Bytes given so far.
    given: usize,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Over HTTP/2 it is asked for only while the client's window is open.
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Pending => self.under_way.waits_for_us(),
            Poll::Ready(frame) => {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                let count = data.map_or(0, Bytes::len);
                self.given = self.given.saturating_add(count);
                // Of what was given before, no more waits than the buffer holds.
                let waiting = self.given.min(SEND_BUFFER).max(count);
                self.under_way.offers(waiting, &self.limits);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
