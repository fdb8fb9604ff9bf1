//! A CONNECT proxy: which hosts go through it, and the tunnel itself. Plain http is tunnelled
//! like https, so that the proxy never sees a request.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use hyper_util::{
    client::{legacy::connect::proxy::Tunnel, proxy::matcher::Matcher},
    rt::TokioIo,
};
use tokio::net::TcpStream;
use tower_service::Service;

use super::{NetError, ProxySettings, failure};

/// What a proxy may be late with.
pub(super) const TUNNEL: &str = "the request for a tunnel";

/// A proxy, ready to be used.
pub(super) struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
    /// Decides by name, `.suffix`, address, range and `*`, as curl does.
    matcher: Matcher,
}

impl Proxy {
    /// Checks the settings; only `http://host:port` proxies are known.
    pub(super) fn new(settings: &ProxySettings) -> Result<Self, NetError> {
        let address = &settings.url;
        let host = address.host_str().filter(|_| address.scheme() == "http");
        let Some(host) = host else {
            let why = "the proxy's address must be `http://host:port`";
            return Err(NetError::Settings(why.to_owned()));
        };
        let port = address.port_or_known_default().unwrap_or(80);
        let text = format!("http://{host}:{port}");
        let unusable = |_| NetError::Settings("the proxy's address is not usable".to_owned());
        let uri = text.parse::<Uri>().map_err(unusable)?;
        let matcher = Matcher::builder().all(text).no(settings.no_proxy.join(",")).build();
        let authorization = match &settings.credentials {
            Some(credentials) => {
                let text = format!("Basic {}", STANDARD.encode(credentials.expose()));
                let mut value = HeaderValue::try_from(text).map_err(|_| {
                    NetError::Settings("the proxy's credentials are not usable".to_owned())
                })?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self { uri, authorization, matcher })
    }

    /// Whether requests to `to` go through it.
    pub(super) fn serves(&self, to: &Uri) -> bool {
        self.matcher.intercept(to).is_some()
    }

    /// The proxy's own host.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// The proxy's port.
    pub(super) fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(80)
    }

    /// Says that it was the proxy that could not be reached.
    pub(super) fn unreachable(&self, error: &NetError) -> NetError {
        let why = error.to_string();
        NetError::Connect { host: format!("the proxy {}", self.host()), why }
    }

    /// Asks over `stream` for a tunnel to `host` and `port`.
    pub(super) async fn tunnel(
        &self,
        stream: TcpStream,
        host: &str,
        port: u16,
    ) -> Result<TcpStream, NetError> {
        let refused = |why: String| NetError::Connect {
            host: host.to_owned(),
            why: format!("the proxy {}: {why}", self.host()),
        };
        let to = format!("http://{host}:{port}").parse::<Uri>();
        let to = to.map_err(|error| refused(error.to_string()))?;
        let mut tunnel = Tunnel::new(self.uri.clone(), Opened(Some(stream)));
        if let Some(authorization) = &self.authorization {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let stream = tunnel.call(to).await.map_err(|error| refused(failure::tunnel(&error)))?;
        Ok(stream.into_inner())
    }
}

/// Hands out the one connection to the proxy that is open already.
struct Opened(Option<TcpStream>);

impl Service<Uri> for Opened {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = Ready<Result<TokioIo<TcpStream>, std::io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let taken = self.0.take().map(TokioIo::new);
        ready(taken.ok_or_else(|| std::io::ErrorKind::NotConnected.into()))
    }
}
