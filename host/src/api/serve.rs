//! Listeners: accepts connections, serves HTTP/1.1 and 2 on them, and ends gracefully.
//!
//! It opens no port itself: the daemon or an embedder hands it a bound listener.

use std::{
    future::Future,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, http::Request, serve::Listener as Accept};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
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

/// The network address of the other end, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

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
            let peer = |stream: &TcpStream| {
                let address = stream.peer_addr().ok();
                (caller, address.map(|it| Peer(it.ip().to_canonical())))
            };
            accept(listener, router, peer, shutdown).await;
        }
        Listener::Unix(listener) => {
            let own = own_user();
            let peer = |stream: &UnixStream| (socket_caller(stream, own), None);
            accept(listener, router, peer, shutdown).await;
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
    caller: impl Fn(&L::Io) -> (Caller, Option<Peer>),
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
    (caller, peer): (Caller, Option<Peer>),
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&asked);
    let service = service_fn(move |request: Request<Incoming>| {
        heard.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(caller);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(HEAD_TIME);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = silence(&asked, HEAD_TIME) => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Ends after `patience` where nothing was asked until then: the builder waits without end for
/// the bytes that tell HTTP/1 from HTTP/2.
async fn silence(asked: &AtomicBool, patience: Duration) {
    tokio::time::sleep(patience).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
    };

    use super::*;
    use crate::api::tests::host;

    /// Serves a listener until the sender is dropped.
    async fn start(
        listener: impl Into<Listener>,
    ) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let listener = listener.into();
        let serving = serve(listener, host().await, ApiSettings::default(), shutdown);
        (stop, tokio::spawn(serving))
    }

    async fn tcp() -> (TcpListener, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    async fn ask(
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        path: &str,
        host: &str,
    ) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn tcp_callers_are_anonymous_and_name_us() {
        let (listener, address) = tcp().await;
        let (_stop, _serving) = start(listener).await;
        let cases = [
            ("/api/v2.0/ping", "127.0.0.1", "HTTP/1.1 200 OK"),
            ("/api/v2.0/users/current", "localhost:8282", "HTTP/1.1 401"),
            ("/api/v2.0/ping", "evil.example.com", "HTTP/1.1 421"),
        ];
        for (path, host, status) in cases {
            let stream = TcpStream::connect(address).await.unwrap();
            let answer = ask(stream, path, host).await;
            assert!(answer.starts_with(status), "{path} {host}: {answer}");
        }
    }

    #[tokio::test]
    async fn the_socket_of_our_own_user_needs_no_password() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("portolan.sock");
        let (_stop, _serving) = start(UnixListener::bind(&path).unwrap()).await;
        let stream = UnixStream::connect(&path).await.unwrap();
        let answer = ask(stream, "/api/v2.0/users/current", "evil.example.com").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("\"username\":\"admin\""), "{answer}");
    }

    #[test]
    fn peers_of_a_socket() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _inside = runtime.enter();
        let (one, _other) = UnixStream::pair().unwrap();
        let own = own_user().unwrap();
        assert_eq!(socket_caller(&one, Some(own)), Caller::Owner);
        let stranger = if own == 0 { Caller::Owner } else { Caller::Socket };
        assert_eq!(socket_caller(&one, Some(own + 1)), stranger);
    }

    #[tokio::test]
    async fn http_2_is_spoken() {
        let (listener, address) = tcp().await;
        let (_stop, _serving) = start(listener).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        stream.write_all(settings).await.unwrap();
        let mut frame = [0u8; 9];
        stream.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame[3], 4, "the first frame of a server is SETTINGS: {frame:?}");
    }

    #[tokio::test]
    async fn a_shutdown_ends_idle_connections_and_refuses_new_ones() {
        let (listener, address) = tcp().await;
        let (stop, serving) = start(listener).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 12];
        idle.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 200");
        drop(stop);
        tokio::time::timeout(Duration::from_secs(10), serving).await.unwrap().unwrap();
        idle.read_to_end(&mut answer).await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn only_a_silent_connection_is_ended() {
        silence(&AtomicBool::new(false), Duration::ZERO).await;
        let asked = AtomicBool::new(true);
        let ended =
            tokio::time::timeout(Duration::from_millis(20), silence(&asked, Duration::ZERO));
        assert!(ended.await.is_err());
    }
}
