//! Listeners: accepts connections within bounds, over TLS or not, and ends gracefully.
//!
//! It opens no port itself: the daemon or an embedder hands it a bound listener.

mod connection;
mod gate;
mod pace;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::serve::Listener as Accept;
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{Api, Caller, CertificateName, Peer, shares::Shares};
use crate::ServerTls;

use connection::{Known, Service};
use gate::{Gate, Place};
use pace::Patient;
pub(crate) use pace::TooSlow;

/// How long requests under way may take to end after a shutdown began.
const DRAIN_TIME: Duration = Duration::from_secs(65);

/// The part of the memory for bodies that those of one address may take together: one of so many.
const BODIES_OF_ONE: usize = 4;

/// A bound listener.
pub enum Listener {
    /// TCP, plain HTTP.
    Tcp(TcpListener),
    /// TCP, HTTP over TLS.
    Tls(TcpListener, ServerTls),
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

/// Serves a face on a listener until `shutdown` is ready; then takes no more connections, ends
/// idle ones, and gives requests under way 65 seconds. The bounds of connections and bodies are this
/// listener's alone, so that nobody on the network keeps the owner of the Unix socket out.
pub async fn serve(listener: impl Into<Listener>, api: Api, shutdown: impl Future<Output = ()>) {
    let limits = api.0.settings.limits;
    let gate = Gate::new(limits.connections_per_address, api.0.settings.trusted_proxies.clone());
    let router = api.router();
    let bodies = Shares::new(limits.bodies, limits.bodies / BODIES_OF_ONE);
    let service = Service { router, limits, bodies, stop: CancellationToken::new() };
    match listener.into() {
        Listener::Tcp(listener) => tcp(listener, None, (gate, service), shutdown).await,
        Listener::Tls(listener, tls) => tcp(listener, Some(tls), (gate, service), shutdown).await,
        Listener::Unix(listener) => {
            let own = own_user();
            let serve = |stream: UnixStream| {
                let known = Known::new(socket_caller(&stream, own), None);
                Some(connection::serve(stream, known, service.clone()))
            };
            accept(listener, &service, serve, shutdown).await;
        }
    }
}

async fn tcp(
    listener: TcpListener,
    tls: Option<ServerTls>,
    (gate, service): (Gate, Service),
    shutdown: impl Future<Output = ()>,
) {
    let loopback = listener.local_addr().is_ok_and(|it| it.ip().to_canonical().is_loopback());
    let caller = if loopback { Caller::Loopback } else { Caller::Network };
    let serve = |stream: TcpStream| {
        let peer = stream.peer_addr().ok().map(|it| Peer(it.ip().to_canonical()));
        let place = gate.place(peer?.0)?;
        // Answers are written whole; a socket that refuses the option still works.
        let _ = stream.set_nodelay(true);
        Some(secured(stream, tls.clone(), Known::new(caller, peer), (service.clone(), place)))
    };
    accept(listener, &service, serve, shutdown).await;
}

/// Serves one TCP connection, after a handshake where there is TLS.
async fn secured(
    stream: TcpStream,
    tls: Option<ServerTls>,
    mut known: Known,
    (service, _place): (Service, Place),
) {
    let stream = Patient::new(stream, service.limits);
    let Some(tls) = tls else { return connection::serve(stream, known, service).await };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(service.limits.head, tls.accept(stream)) => shaken,
        () = service.stop.cancelled() => return,
    };
    match shaken {
        Ok(Ok(secured)) => {
            known.secure = true;
            known.certificate = secured.client.map(|name| CertificateName(name.into()));
            connection::serve(secured.stream, known, service).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, peer = ?known.peer, "a TLS handshake failed"),
        Err(_) => tracing::debug!(peer = ?known.peer, "a TLS handshake took too long"),
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

/// Accepts within the bound; `serve` gives `None` for a connection that is to be closed.
async fn accept<L, F>(
    mut listener: L,
    service: &Service,
    serve: impl Fn(L::Io) -> Option<F>,
    shutdown: impl Future<Output = ()>,
) where
    L: Accept,
    F: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(service.limits.connections));
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
                if let Some(serving) = serve(io) {
                    connections.spawn(with_permit(serving, permit));
                }
            }
        }
    }
    drop(listener);
    service.stop.cancel();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIME, drained).await.is_err() {
        tracing::warn!("requests were cut: they did not end within the drain time");
    }
}

async fn with_permit(serving: impl Future<Output = ()>, _permit: OwnedSemaphorePermit) {
    serving.await;
}

#[cfg(test)]
mod tests;
