//! A classic Helm repository on loopback: files by path, behind a password where one is set, and
//! archives to put there.

use std::{
    collections::HashMap,
    convert::Infallible,
    io::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

/// What a path answers.
#[derive(Clone)]
enum File {
    Bytes(Bytes),
    Moved(String),
}

#[derive(Default)]
struct State {
    files: Mutex<HashMap<String, File>>,
    requests: Mutex<Vec<String>>,
    authorization: Option<String>,
}

/// A running repository. Gone when dropped.
pub struct ChartRepository {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl ChartRepository {
    /// Starts an empty one; `login` is a user name and a password.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(login: Option<(&str, &str)>) -> Self {
        let encode = |(user, password)| BASE64_STANDARD.encode(format!("{user}:{password}"));
        let authorization = login.map(|login| format!("Basic {}", encode(login)));
        let state = Arc::new(State { authorization, ..State::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a file at a path.
    pub fn put(&self, path: &str, bytes: impl Into<Bytes>) {
        self.insert(path, File::Bytes(bytes.into()));
    }

    /// Lets a path lead elsewhere.
    pub fn redirect(&self, path: &str, to: &str) {
        self.insert(path, File::Moved(to.to_owned()));
    }

    fn insert(&self, path: &str, file: File) {
        let mut files = self.state.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(path.to_owned(), file);
    }

    /// `METHOD path` of every request that was let in so far.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ChartRepository {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections end with this task.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = state.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        connections.spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the client's to tell.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl State {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let given = request.headers().get(header::AUTHORIZATION);
        let wanted = self.authorization.as_deref();
        if wanted.is_some() && given.and_then(|value| value.to_str().ok()) != wanted {
            return respond(StatusCode::UNAUTHORIZED, None, Bytes::new());
        }
        let path = request.uri().path();
        let line = format!("{} {path}", request.method());
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match files.get(path) {
            Some(File::Bytes(bytes)) => respond(StatusCode::OK, None, bytes.clone()),
            Some(File::Moved(to)) => respond(StatusCode::FOUND, Some(to), Bytes::new()),
            None => respond(StatusCode::NOT_FOUND, None, Bytes::from_static(b"not here")),
        }
    }
}

fn respond(status: StatusCode, to: Option<&str>, body: Bytes) -> Response<Full<Bytes>> {
    let mut answer = Response::builder().status(status);
    if let Some(to) = to {
        answer = answer.header(header::LOCATION, to);
    }
    answer.body(Full::new(body)).expect("an answer")
}

/// An archive of files with their texts; names are written as they are, harmless or not.
///
/// # Panics
/// When a name is too long for a header.
pub fn archive(files: &[(&str, &[u8])]) -> Bytes {
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_714_979_289);
        header.set_cksum();
        builder.append(&header, *bytes).expect("memory can be written to");
    }
    let mut gzip = builder.into_inner().expect("memory can be written to");
    gzip.flush().expect("memory can be written to");
    gzip.finish().expect("memory can be written to").into()
}
