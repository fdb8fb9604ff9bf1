//! A registry that is far away, and one that counts: what stands before a server on loopback for
//! measurements over TLS, with a long way, and with a limit of requests. It is no part of the
//! daemon, and its certificate is for 127.0.0.1 alone.
//!
//! `far LISTEN BACKEND MILLISECONDS PER_MINUTE CERTIFICATE`: each way there and back takes that
//! many milliseconds more, the TLS handshake included; more requests than that in a minute are
//! answered 429 with `Retry-After` (0: no limit); the certificate is written to that file.

use std::{
    env, fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use e2e::tls::Certificate;
use http_body_util::{BodyExt, Empty, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{HOST, HeaderValue, RETRY_AFTER},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::{
        AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadHalf,
        WriteHalf, duplex, split,
    },
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_rustls::TlsAcceptor;

/// Pieces under way in each direction, of at most `PIECE` bytes.
const PIECES: usize = 512;
const PIECE: usize = 64 << 10;

type Forward = Client<HttpConnector, Incoming>;

/// What was asked since a minute began.
struct Minute {
    most: u32,
    began: Instant,
    asked: u32,
}

impl Minute {
    /// Seconds to wait where one more would be too many.
    fn count(&mut self) -> Option<u64> {
        if self.began.elapsed() >= Duration::from_secs(60) {
            (self.began, self.asked) = (Instant::now(), 0);
        }
        self.asked += 1;
        let over = self.most > 0 && self.asked > self.most;
        over.then(|| 61_u64.saturating_sub(self.began.elapsed().as_secs()))
    }
}

#[tokio::main]
async fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let [listen, backend, delay, most, certificate] = words.as_slice() else {
        panic!("far LISTEN BACKEND MILLISECONDS PER_MINUTE CERTIFICATE")
    };
    let backend: SocketAddr = backend.parse().expect("an address");
    let delay = Duration::from_millis(delay.parse().expect("milliseconds")) / 2;
    let most = most.parse().expect("requests a minute");
    let minute = Arc::new(Mutex::new(Minute { most, began: Instant::now(), asked: 0 }));
    let made = Certificate::new();
    fs::write(certificate, &made.pem).expect("the certificate can be written");
    let acceptor = TlsAcceptor::from(made.server());
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let listener = TcpListener::bind(listen).await.expect("that address is free");
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, client, minute) = (acceptor.clone(), client.clone(), Arc::clone(&minute));
        stream.set_nodelay(true).expect("nodelay");
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(far(stream, delay)).await else { return };
            let service = service_fn(move |request| {
                answer(client.clone(), Arc::clone(&minute), backend, request)
            });
            // A connection that its client ends is no fault.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    client: Forward,
    minute: Arc<Mutex<Minute>>,
    backend: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, hyper_util::client::legacy::Error> {
    let wait = minute.lock().expect("no holder panics").count();
    if let Some(seconds) = wait {
        let none = Empty::new().map_err(|never| match never {}).boxed();
        let mut refused = Response::new(none);
        *refused.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        refused.headers_mut().insert(RETRY_AFTER, seconds.into());
        return Ok(refused);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = format!("http://{backend}{path}");
    *request.uri_mut() = uri.parse::<Uri>().expect("it was one");
    // `Host` stays what the client said, so that addresses in answers lead back here.
    assert!(request.headers().contains_key(HOST), "HTTP/1.1 asks for it");
    request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
    Ok(client.request(request).await?.map(BodyExt::boxed))
}

/// The near end of a connection whose bytes arrive later, both ways.
fn far(stream: TcpStream, delay: Duration) -> DuplexStream {
    let (near, end) = duplex(1 << 20);
    let (from_client, to_client) = split(stream);
    let (from_server, to_server) = split(end);
    carry(from_client, to_server, delay);
    carry(from_server, to_client, delay);
    near
}

fn carry<R, W>(mut from: ReadHalf<R>, mut to: WriteHalf<W>, delay: Duration)
where
    R: AsyncRead + Send + 'static,
    W: AsyncWrite + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel::<(Instant, Bytes)>(PIECES);
    tokio::spawn(async move {
        let mut room = BytesMut::new();
        loop {
            room.reserve(PIECE);
            match from.read_buf(&mut room).await {
                Ok(read) if read > 0 => {}
                _ => return,
            }
            let piece = room.split().freeze();
            if sender.send((Instant::now() + delay, piece)).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, piece)) = receiver.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        // The other side has gone: so does this one.
        let _ = to.shutdown().await;
    });
}
