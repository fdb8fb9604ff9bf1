//! Hosts of the internet, played on loopback: what the conformance kit drives an adapter with.
//!
//! An endpoint's proxy is a CONNECT proxy here that ends TLS for every host name, with a key made
//! for this one stage and a certificate that is the endpoint's CA. So the real client, its egress
//! rules included, is used with the very addresses an adapter has in the field, and no byte leaves
//! the machine.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::{Body, BodyError, empty, full};

mod certificate;

/// Most calls kept.
const MAX_HEARD: usize = 10_000;
/// Longest request body read.
const MAX_BODY: usize = 1 << 20;
/// Longest head of a `CONNECT`.
const MAX_CONNECT: u64 = 16 << 10;
/// Piece of an endless body.
const PIECE: &[u8] = &[b' '; 64 << 10];

/// A request as a played host hears it.
#[derive(Clone, Debug)]
pub struct StageCall {
    /// The host's name, without its port.
    pub host: String,
    /// The method.
    pub method: Method,
    /// The path, as it was written.
    pub path: String,
    /// The query, as it was written; empty where there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What a played host answers.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status; one that is none becomes 500.
    pub status: u16,
    /// Headers; one that cannot be written is left out.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Bytes,
    /// Whether the connection breaks after these bytes, in the middle of the body.
    pub breaks: bool,
    /// Blanks that follow, in bytes.
    pub padding: u64,
}

impl Reply {
    /// A whole answer.
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(owned).collect();
        Self { status, headers, body: body.into(), breaks: false, padding: 0 }
    }
}

type Script = Arc<dyn Fn(&StageCall) -> Reply + Send + Sync>;

/// Every host name, played by one function. Dropped, it stops.
pub struct Stage {
    proxy: SocketAddr,
    ca: String,
    heard: Arc<Mutex<Vec<StageCall>>>,
    task: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stage {
    /// Opens a free port on loopback.
    ///
    /// # Errors
    /// When there is no port, or no key can be made.
    pub async fn start(
        script: impl Fn(&StageCall) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let made = certificate::make().map_err(io::Error::other)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let proxy = listener.local_addr()?;
        let heard = Arc::default();
        let player = Player { script: Arc::new(script), heard: Arc::clone(&heard) };
        let task = tokio::spawn(accept(listener, TlsAcceptor::from(made.config), player));
        Ok(Self { proxy, ca: made.pem, heard, task })
    }

    /// What the endpoint's `proxy` is.
    #[must_use]
    pub fn proxy(&self) -> String {
        format!("http://{}", self.proxy)
    }

    /// What the endpoint's CA certificate is.
    #[must_use]
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Every call so far, ten thousand at most.
    #[must_use]
    pub fn heard(&self) -> Vec<StageCall> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Hears and answers.
#[derive(Clone)]
struct Player {
    script: Script,
    heard: Arc<Mutex<Vec<StageCall>>>,
}

/// The connections end with this task.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, player: Player) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(tunnel(stream, acceptor.clone(), player.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// A connection that breaks is the client's to tell.
async fn tunnel(stream: TcpStream, acceptor: TlsAcceptor, player: Player) -> io::Result<()> {
    let mut head = BufReader::new(stream).take(MAX_CONNECT);
    let mut line = String::new();
    head.read_line(&mut line).await?;
    let target = line.split(' ').nth(1).unwrap_or_default();
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host).to_owned();
    while !line.trim().is_empty() {
        line.clear();
        head.read_line(&mut line).await?;
    }
    // The client speaks only after the answer: nothing of it is in the buffer.
    let mut stream = head.into_inner().into_inner();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let stream = acceptor.accept(stream).await?;
    let service = service_fn(move |request| {
        let (player, host) = (player.clone(), host.clone());
        async move { Ok::<_, Infallible>(player.play(host, request).await) }
    });
    let http = hyper::server::conn::http1::Builder::new();
    http.serve_connection(TokioIo::new(stream), service).await.map_err(io::Error::other)
}

impl Player {
    async fn play(&self, host: String, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        let call = StageCall {
            host,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body: body.map(|body| body.to_bytes()).unwrap_or_default(),
        };
        let reply = (self.script)(&call);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < MAX_HEARD {
            heard.push(call);
        }
        response(reply)
    }
}

fn response(reply: Reply) -> Response<Body> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(body(&reply));
    *response.status_mut() = status;
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn body(reply: &Reply) -> Body {
    if !reply.breaks && reply.padding == 0 {
        return if reply.body.is_empty() { empty() } else { full(reply.body.clone()) };
    }
    let piece = |bytes: Bytes| Ok::<_, BodyError>(Frame::data(bytes));
    let pieces = usize::try_from(reply.padding).unwrap_or(usize::MAX) / PIECE.len();
    let padding = std::iter::repeat_n(Bytes::from_static(PIECE), pieces);
    let end = reply.breaks.then(|| Err(BodyError::from("the played connection breaks here")));
    let frames = std::iter::once(reply.body.clone()).chain(padding).map(piece).chain(end);
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

#[cfg(test)]
mod tests;
