//! Listeners: accepts connections, serves HTTP/1.1 and 2 on them, and ends gracefully.
//!
//! It opens no port itself: the daemon or an embedder hands it a bound listener.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request, serve::Listener as Accept};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::ApiSettings;
use crate::host::Host;

/// Connections served at once; the next waits to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// Streams of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 128;
/// How long the head of a request may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long requests under way may take to end after a shutdown began.
const DRAIN_TIME: Duration = Duration::from_secs(65);

/// Who is at the other end of a connection, as far as the connection tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody on the network.
    Network,
    /// Somebody who reached a listener of the loopback interface.
    Loopback,
    /// A user of the Unix socket who is neither root nor the daemon's own user.
    Socket,
    /// Root or the daemon's own user on the Unix socket: an administrator without a password.
    Owner,
}

/// A bound listener.
pub enum Listener {
    /// TCP, plain HTTP.
    Tcp(TcpListener),
    /// A Unix socket: root and the daemon's own user are administrators there.
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

/// Serves `host` on a listener until `shutdown` is ready; then takes no more connections, ends
/// idle ones, and gives requests under way 65 seconds.
pub async fn serve(
    listener: impl Into<Listener>,
    host: Host,
    settings: ApiSettings,
    shutdown: impl Future<Output = ()>,
) {
    let router = super::router(host, settings);
    match listener.into() {
        Listener::Tcp(listener) => {
            let loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
            let caller = if loopback { Caller::Loopback } else { Caller::Network };
            accept(listener, router, |_| caller, shutdown).await;
        }
        Listener::Unix(listener) => {
            let own = own_user();
            accept(listener, router, |stream| socket_caller(stream, own), shutdown).await;
        }
    }
}

/// The user this process runs as, learnt from a socket to ourselves: no unsafe call, any Unix.
fn own_user() -> Option<u32> {
    let (one, _other) = UnixStream::pair().ok()?;
    Some(one.peer_cred().ok()?.uid())
}

fn socket_caller(stream: &UnixStream, own: Option<u32>) -> Caller {
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == 0 || Some(peer.uid()) == own => Caller::Owner,
        _ => Caller::Socket,
    }
}

async fn accept<L: Accept>(
    mut listener: L,
    router: Router,
    caller: impl Fn(&L::Io) -> Caller,
    shutdown: impl Future<Output = ()>,
) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let stop = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await.0)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_ended) = connections.join_next() => {}
            (Ok(permit), io) = next => {
                let caller = caller(&io);
                connections.spawn(connection(io, router.clone(), caller, stop.clone(), permit));
            }
        }
    }
    drop(listener);
    stop.cancel();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIME, drained).await.is_err() {
        tracing::warn!("requests were cut: they did not end within the drain time");
    }
}

async fn connection<I>(
    io: I,
    router: Router,
    caller: Caller,
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(caller);
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}
