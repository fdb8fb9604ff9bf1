//! One connection: HTTP/1.1 or 2 until its peer, a bound or a shutdown ends it.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
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
use crate::api::{Caller, CertificateName, Peer, Secure, bodies::Bodies, limits::ServeLimits};

/// Streams of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 128;
/// How long an idle connection may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long requests may go on at the end of a connection's life; none may take longer.
const LAST_REQUESTS: Duration = Duration::from_secs(300);

/// What every connection of a listener is served with.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) limits: ServeLimits,
    pub(super) bodies: Bodies,
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
        let under_way = UnderWay::new(&requests);
        let mut request = request.map(|body| Body::new(Paced::new(body, limits)));
        known.tell(&mut request);
        request.extensions_mut().insert(bodies.clone());
        let answered = router.clone().oneshot(request);
        async move {
            let response = answered.await?;
            Ok::<_, Infallible>(response.map(|body| Answer { body, _under_way: under_way }))
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
        .keep_alive_interval(limits.head);
    builder
}

fn tell(result: Result<(), axum::BoxError>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}

/// What happens on a connection: hyper waits without end for the bytes that tell HTTP/1 from
/// HTTP/2, and for further requests of an HTTP/2 client that answers pings.
struct Activity {
    state: Mutex<State>,
}

struct State {
    heard: bool,
    under_way: usize,
    /// Since when nothing is under way.
    since: Instant,
}

impl Activity {
    fn new() -> Self {
        let state = State { heard: false, under_way: 0, since: Instant::now() };
        Self { state: Mutex::new(state) }
    }

    /// Ends when nothing was under way for too long.
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
            (true, _) => limits.idle,
        }
    }
}

/// A request, from its head to the last byte of its answer.
struct UnderWay(Arc<Activity>);

impl UnderWay {
    fn new(activity: &Arc<Activity>) -> Self {
        let mut state = activity.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.heard, state.under_way) = (true, state.under_way + 1);
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.since, state.under_way) = (Instant::now(), state.under_way.saturating_sub(1));
    }
}

/// An answer's body, under way until it is sent or given up.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
