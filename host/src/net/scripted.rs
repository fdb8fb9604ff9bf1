//! A server for tests that answers as a closure says and keeps what it was sent.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{Body, empty, full};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the body came to its end.
    pub(crate) complete: bool,
}

impl Seen {
    /// `GET /path?query`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// A header as text, empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

type Script = Arc<dyn Fn(&Seen) -> Response<Body> + Send + Sync>;

/// A server on loopback; dropped, it stops.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A status, headers and a body.
pub(crate) fn answer(
    status: u16,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Response<Body> {
    let body: Bytes = body.into();
    let mut response = Response::new(if body.is_empty() { empty() } else { full(body) });
    *response.status_mut() = status.try_into().unwrap();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

impl Scripted {
    /// A plain HTTP server.
    pub(crate) async fn http(
        script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        Self::start(None, Arc::new(script)).await
    }

    /// A TLS server that shows `chain`.
    pub(crate) async fn https(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::start(Some(config), Arc::new(script)).await
    }

    /// A TLS server with a configuration of its own.
    pub(crate) async fn with_config(
        config: ServerConfig,
        script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(config), Arc::new(script)).await
    }

    async fn start(config: Option<ServerConfig>, script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if config.is_some() { "https" } else { "http" };
        let acceptor = config.map(|mut config| {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            TlsAcceptor::from(Arc::new(config))
        });
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let kept = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (script, kept, acceptor) = (script.clone(), kept.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(tcp, script, kept).await,
                        Some(acceptor) => {
                            if let Ok(tls) = acceptor.accept(tcp).await {
                                serve(tls, script, kept).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, scheme, seen, task }
    }

    /// An address at this server, by `127.0.0.1`.
    pub(crate) fn url(&self, target: &str) -> Url {
        format!("{}://{}{target}", self.scheme, self.address).parse().unwrap()
    }

    /// Another origin that is this server too.
    pub(crate) fn url_by_name(&self, target: &str) -> Url {
        format!("{}://localhost:{}{target}", self.scheme, self.address.port()).parse().unwrap()
    }

    /// Everything that came so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The request lines that came so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

async fn serve<S>(stream: S, script: Script, kept: Arc<Mutex<Vec<Seen>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (script, kept) = (script.clone(), kept.clone());
        async move {
            let (parts, mut body) = request.into_parts();
            let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
            let (mut bytes, mut complete) = (Vec::new(), true);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => bytes.extend_from_slice(frame.data_ref().unwrap()),
                    Err(_) => {
                        complete = false;
                        break;
                    }
                }
            }
            let headers = parts.headers;
            let seen = Seen { method: parts.method, target, headers, body: bytes.into(), complete };
            let response = script(&seen);
            kept.lock().unwrap().push(seen);
            Ok::<_, Infallible>(response)
        }
    });
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
