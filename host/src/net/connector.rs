//! Opens connections: name to addresses, the egress rules on each, TCP, proxy, TLS.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    NetError, Timeouts,
    egress::{Egress, Refused},
    failure,
    proxy::{Proxy, TUNNEL},
    stream::Stream,
    tls::Later,
};

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// How long this computer is asked for an address that only a proxy need know.
const LOOKUP: Duration = Duration::from_secs(3);

/// The connector of one endpoint's client. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    inner: Arc<Inner>,
}

struct Inner {
    egress: Arc<Egress>,
    tls: Later,
    proxy: Option<Proxy>,
    timeouts: Timeouts,
}

impl Connector {
    /// A connector that obeys `egress` and connects nothing yet.
    pub(super) fn new(
        egress: Arc<Egress>,
        tls: Later,
        proxy: Option<Proxy>,
        timeouts: Timeouts,
    ) -> Self {
        Self { inner: Arc::new(Inner { egress, tls, proxy, timeouts }) }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = NetError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, NetError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let inner = self.inner.clone();
        Box::pin(async move { inner.connect(&to).await })
    }
}

impl Inner {
    async fn connect(&self, to: &Uri) -> Result<Stream, NetError> {
        let host = to.host().unwrap_or_default();
        let https = to.scheme_str() == Some("https");
        let port = to.port_u16().unwrap_or(if https { 443 } else { 80 });
        if let Some(inside) = self.egress.inside() {
            return Ok(Stream::Inside(TokioIo::new(inside.open(host).await?)));
        }
        let tcp = match self.proxy.as_ref().filter(|proxy| proxy.serves(to)) {
            Some(proxy) => self.through(proxy, host, port).await?,
            None => self.direct(host, port).await?,
        };
        if https { self.handshake(tcp, host).await } else { Ok(Stream::Plain(TokioIo::new(tcp))) }
    }

    async fn direct(&self, host: &str, port: u16) -> Result<TcpStream, NetError> {
        let allowed = |address| self.egress.check_address(host, address);
        tcp(host, port, self.timeouts.connect, allowed).await
    }

    /// Through the proxy, once the host may be asked for there.
    async fn through(&self, proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, NetError> {
        self.permit_proxied(host, port).await?;
        let limit = self.timeouts.connect;
        let stream = tcp(proxy.host(), proxy.port(), limit, |address| {
            self.egress.check_proxy_address(proxy.host(), address)
        });
        let stream = stream.await.map_err(|error| proxy.unreachable(&error))?;
        timeout(limit, proxy.tunnel(stream, host, port)).await.map_err(|_| NetError::Timeout {
            host: proxy.host().to_owned(),
            what: TUNNEL,
            seconds: limit.as_secs(),
        })?
    }

    /// The proxy resolves, and what it finds is not seen here. So the name is judged, and where a
    /// guest, an index or a redirect chose the host, every address that this computer knows of it.
    /// A name it does not know is left to the proxy, which many networks have for that very reason.
    async fn permit_proxied(&self, host: &str, port: u16) -> Result<(), NetError> {
        if !self.egress.check_proxied(host)? {
            return Ok(());
        }
        let name = rooted(host);
        let Ok(Ok(addresses)) = timeout(LOOKUP, resolve(&name, port)).await else { return Ok(()) };
        for address in addresses {
            self.egress.check_address_known_here(host, address.ip())?;
        }
        Ok(())
    }

    async fn handshake(&self, tcp: TcpStream, host: &str) -> Result<Stream, NetError> {
        let name = bare(host).trim_end_matches('.').to_owned();
        let name = ServerName::try_from(name).map_err(|_| NetError::Tls {
            host: host.to_owned(),
            why: "the host is neither a DNS name nor an address".to_owned(),
        })?;
        let tls = self.tls.get()?;
        let connector = TlsConnector::from(tls.config.clone());
        let limit = self.timeouts.tls;
        match timeout(limit, connector.connect(name, tcp)).await {
            Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(TokioIo::new(stream)))),
            Ok(Err(error)) => {
                let why = failure::handshake(&error, tls.own_ca);
                Err(NetError::Tls { host: host.to_owned(), why })
            }
            Err(_) => Err(NetError::Timeout {
                host: host.to_owned(),
                what: "the TLS handshake",
                seconds: limit.as_secs(),
            }),
        }
    }
}

/// Resolves and connects; the addresses share `limit`, so that a dead first one leaves time.
async fn tcp(
    host: &str,
    port: u16,
    limit: Duration,
    allowed: impl Fn(IpAddr) -> Result<(), Refused>,
) -> Result<TcpStream, NetError> {
    let end = Instant::now() + limit;
    let late = || NetError::Timeout {
        host: host.to_owned(),
        what: "a connection attempt",
        seconds: limit.as_secs(),
    };
    let addresses = timeout_at(end, resolve(host, port)).await.map_err(|_| late())??;
    let (addresses, refused) = permitted(addresses, allowed);
    let mut last = refused.map(NetError::from);
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(1);
        let share = end.saturating_duration_since(Instant::now()) / left.max(1);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are small and waited for; a socket that refuses the option still works.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = Some(failure::connect(host, *address, &error)),
            Err(_) => last = Some(late()),
        }
    }
    Err(last.unwrap_or_else(|| no_address(host, "the name has no address")))
}

/// The addresses that may be connected to, and the first reason against one that may not.
fn permitted(
    addresses: Vec<SocketAddr>,
    allowed: impl Fn(IpAddr) -> Result<(), Refused>,
) -> (Vec<SocketAddr>, Option<Refused>) {
    let mut refused = None;
    let mut good = Vec::with_capacity(addresses.len());
    for address in addresses {
        match allowed(address.ip()) {
            Ok(()) => good.push(address),
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    (good, refused)
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, NetError> {
    match tokio::net::lookup_host((bare(host), port)).await {
        Ok(found) => {
            let mut addresses: Vec<_> = found.take(MAX_ADDRESSES).collect();
            addresses.dedup();
            Ok(addresses)
        }
        Err(error) => Err(no_address(host, &failure::lookup(&error))),
    }
}

/// A name from the root: a search domain of this machine's would make another host of it, which
/// the proxy does not ask for. What ends in a number (`127.1`) is an address and no name.
fn rooted(host: &str) -> String {
    let host = host.trim_end_matches('.');
    let last = host.rsplit('.').next().unwrap_or_default();
    let end = if last.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "." };
    [host, end].concat()
}

fn no_address(host: &str, why: &str) -> NetError {
    NetError::Dns { host: host.to_owned(), why: why.to_owned() }
}

/// An IPv6 address without the brackets it has in a URL.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_search_domain_makes_another_host_of_a_name() {
        for (host, asked) in [
            ("cdn.example.com", "cdn.example.com."),
            ("cdn.example.com.", "cdn.example.com."),
            ("127.1", "127.1"),
            ("0x7f000001", "0x7f000001"),
        ] {
            assert_eq!(rooted(host), asked);
        }
    }
}
