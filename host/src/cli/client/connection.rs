//! One connection to the daemon, whatever it goes over.

use std::fmt::Display;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_util::task::AbortOnDropHandle;

use super::{Address, Client};
use crate::cli::output::Failure;

/// What sends requests, and what moves their bytes until it is dropped.
type Open = (SendRequest<Full<Bytes>>, AbortOnDropHandle<()>);

impl Client {
    /// Connects.
    pub(super) async fn open(&self) -> Result<Open, Failure> {
        let unreachable = |error| self.address.unreachable(&error);
        match &self.address {
            Address::Socket(path) => {
                self.over(UnixStream::connect(path).await.map_err(unreachable)?).await
            }
            Address::Tcp(authority) => {
                self.over(TcpStream::connect(authority).await.map_err(unreachable)?).await
            }
            Address::Tls(authority, host) => {
                let stream = TcpStream::connect(authority).await.map_err(unreachable)?;
                let Some(tls) = &self.tls else { return Err(self.broken(&"no TLS is set up")) };
                let secure = tls.connect(host, stream).await.map_err(|error| {
                    let message =
                        format!("no trusted TLS connection to the daemon at {}: {error}", self.address);
                    Failure::new(message)
                        .hint("--server-ca FILE names the certificate, or the CA, to trust besides the system's")
                });
                self.over(secure?).await
            }
        }
    }

    async fn over<S>(&self, stream: S) -> Result<Open, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| self.broken(&error))?;
        // Whoever waits for an answer is told what broke.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok((sender, AbortOnDropHandle::new(driver)))
    }

    /// A connection that ended in the middle.
    pub(super) fn broken(&self, error: &dyn Display) -> Failure {
        Failure::new(format!("the connection to the daemon at {} broke: {error}", self.address))
    }
}
