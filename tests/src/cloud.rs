//! Hosts of the internet, played on loopback.
//!
//! An endpoint's `proxy` is a CONNECT proxy here that leads every host name to its double, over TLS
//! with one certificate for all of them, which is the endpoint's CA. So a bundled adapter is driven
//! with the very addresses it has in the field, and a host that nobody plays is refused.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use crate::{api, tls::Certificate};

/// A whole request, as a double sees it; the address is the path with its query.
pub type Seen = Request<Bytes>;
/// A whole answer of a double.
pub type Answer = Response<Full<Bytes>>;

type Handler = Arc<dyn Fn(&Seen) -> Option<Answer> + Send + Sync>;

/// Who plays a host.
#[derive(Clone)]
enum Double {
    /// A function; what it leaves goes to the server behind it, else it is 404.
    Handler(Handler, Option<SocketAddr>),
    Server(SocketAddr),
}

struct State {
    doubles: Mutex<HashMap<String, Double>>,
    requests: Mutex<Vec<String>>,
    acceptor: TlsAcceptor,
}

/// A piece of the internet. Gone when dropped.
pub struct Cloud {
    certificate: Certificate,
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Cloud {
    /// Starts the proxy. `names` are the hosts that will be played; `*.` is one label.
    ///
    /// # Panics
    /// When there is no free port, or a name cannot stand in a certificate.
    pub async fn start(names: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let certificate = Certificate::for_names(names);
        let state = Arc::new(State {
            doubles: Mutex::default(),
            requests: Mutex::default(),
            acceptor: TlsAcceptor::from(certificate.server()),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { certificate, address, state, task }
    }

    /// Lets a function answer for a host.
    pub fn play(&self, host: &str, answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        self.put(host, Double::Handler(Arc::new(move |seen| Some(answer(seen))), None));
    }

    /// Lets a function answer for a host, and a plain HTTP server on loopback where it gives
    /// `None`: a management API before a registry at the same address.
    pub fn front(
        &self,
        host: &str,
        to: SocketAddr,
        answer: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
    ) {
        self.put(host, Double::Handler(Arc::new(answer), Some(to)));
    }

    /// Lets a plain HTTP server on loopback answer for a host; it sees every byte after TLS.
    pub fn lead(&self, host: &str, to: SocketAddr) {
        self.put(host, Double::Server(to));
    }

    fn put(&self, host: &str, double: Double) {
        let mut doubles = self.state.doubles.lock().unwrap_or_else(PoisonError::into_inner);
        doubles.insert(host.to_owned(), double);
    }

    /// What `POST /registries` is sent for an endpoint in this cloud.
    pub fn registry(
        &self,
        provider: &str,
        name: &str,
        url: &str,
        login: Option<(&str, &str)>,
    ) -> Value {
        let mut body = api::registry(provider, name, url, login);
        body["proxy"] = json!(format!("http://{}", self.address));
        body["ca_certificate"] = json!(self.certificate.pem);
        body
    }

    /// `HOST METHOD path?query` of every request to a function so far, and `HOST CONNECT` of every
    /// connection, also to hosts that nobody plays.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn note(&self, line: String) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn double(&self, host: &str) -> Option<Double> {
        self.doubles.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }
}

/// An answer with a JSON body.
pub fn answer(status: u16, body: &Value) -> Answer {
    with(status, &[("content-type", "application/json")], body.to_string())
}

/// An answer with these headers and this body.
///
/// # Panics
/// When a header or the status is none.
pub fn with(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(Full::new(body.into())).expect("headers")
}

/// The decoded query of a request.
pub fn query(seen: &Seen) -> HashMap<String, String> {
    let query = seen.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A header of a request; empty where it is not there.
pub fn header<'a>(seen: &'a Seen, name: &str) -> &'a str {
    seen.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The connections end with this task.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(tunnel(stream, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn tunnel(stream: TcpStream, state: Arc<State>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let target = line.split(' ').nth(1).unwrap_or_default();
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host).to_owned();
    while line.trim() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    state.note(format!("{host} CONNECT"));
    let Some(double) = state.double(&host) else {
        return stream.write_all(b"HTTP/1.1 502 Nobody plays this host\r\n\r\n").await;
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    // The client speaks only now, so nothing of it is in the buffer.
    let mut outside = state.acceptor.accept(stream.into_inner()).await?;
    match double {
        Double::Server(to) => {
            let mut inside = TcpStream::connect(to).await?;
            copy_bidirectional(&mut outside, &mut inside).await?;
        }
        Double::Handler(handler, behind) => {
            let service = service_fn(move |request: Request<Incoming>| {
                let (handler, state, host) = (handler.clone(), state.clone(), host.clone());
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                    state.note(format!("{host} {} {}", parts.method, parts.uri));
                    let seen = Request::from_parts(parts, body);
                    Ok::<_, Infallible>(match (handler(&seen), behind) {
                        (Some(answer), _) => answer,
                        (None, Some(to)) => pass_on(seen, to).await,
                        (None, None) => with(404, &[], ""),
                    })
                }
            });
            let http = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the client's to tell.
            let _ = http.serve_connection(TokioIo::new(outside), service).await;
        }
    }
    Ok(())
}

/// The answer of the server behind a function, asked under the name that the client used.
async fn pass_on(mut seen: Seen, to: SocketAddr) -> Answer {
    let path = seen.uri().path_and_query().map_or("/", |path| path.as_str());
    *seen.uri_mut() = format!("http://{to}{path}").parse().expect("an address");
    let pool = Client::builder(TokioExecutor::new()).build_http();
    match pool.request(seen.map(Full::new)).await {
        Ok(answer) => {
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            Response::from_parts(parts, Full::new(body))
        }
        Err(error) => with(502, &[], error.to_string()),
    }
}
