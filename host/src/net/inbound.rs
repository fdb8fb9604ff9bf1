//! TLS of a listener: certificate and key from files, read again when they change, and client
//! certificates where they are wanted. It accepts handshakes on streams it is given; it opens no
//! port and reads no HTTP.

mod files;
mod subject;
mod validity;

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use files::Stamp;
pub use files::{ClientCertificates, TlsFiles, TlsFilesError};

/// What a listener needs to accept TLS connections. Cheap to clone; clones share what was read.
#[derive(Clone)]
pub struct ServerTls {
    inner: Arc<Inner>,
}

struct Inner {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    /// How the files were just before they were read for the first time.
    loaded: Stamp,
}

/// A connection after its handshake.
pub(crate) struct Secured<S> {
    pub(crate) stream: TlsStream<S>,
    /// The common name in the client's certificate, which a CA of ours has signed.
    pub(crate) client: Option<String>,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, holds something else, or key and certificate do not fit.
    pub fn load(files: TlsFiles) -> Result<Self, TlsFilesError> {
        let loaded = files.stamp();
        let current = RwLock::new(files.read()?);
        Ok(Self { inner: Arc::new(Inner { files, current, loaded }) })
    }

    /// Reads the files again. What was read before stays in use where they are unusable; connections
    /// that are open stay as they are.
    ///
    /// # Errors
    /// As [`ServerTls::load`].
    pub async fn reload(&self) -> Result<(), TlsFilesError> {
        let files = self.inner.files.clone();
        let read = tokio::task::spawn_blocking(move || files.read()).await;
        let new = read.map_err(|error| TlsFilesError::Unusable(error.to_string()))??;
        *self.inner.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Looks at the files `every` so often, and reads them again once a change since
    /// [`ServerTls::load`] has settled. Ends when it is dropped. What becomes of each change is in
    /// the log.
    pub async fn watch(&self, every: Duration) {
        let mut used = self.inner.loaded.clone();
        let mut before = used.clone();
        loop {
            tokio::time::sleep(every).await;
            let files = self.inner.files.clone();
            let Ok(now) = tokio::task::spawn_blocking(move || files.stamp()).await else { return };
            // Certificate and key are written one after the other: the second look tells the end.
            let settled = std::mem::replace(&mut before, now.clone()) == now;
            if !settled || now == used {
                continue;
            }
            used = now;
            self.reload_and_tell().await;
        }
    }

    /// [`ServerTls::reload`], with what came of it in the log.
    pub async fn reload_and_tell(&self) {
        match self.reload().await {
            Ok(()) => tracing::info!("the TLS certificate was read again and is in use"),
            Err(error) => {
                tracing::error!("{error}; the certificate that was read before stays in use");
            }
        }
    }

    /// The server's part of a handshake; the caller bounds its time.
    pub(crate) async fn accept<S>(&self, io: S) -> io::Result<Secured<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let current = self.inner.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let stream = TlsAcceptor::from(current).accept(io).await?;
        let chain = stream.get_ref().1.peer_certificates();
        let client = chain.and_then(|chain| subject::common_name(chain.first()?));
        Ok(Secured { stream, client })
    }
}

#[cfg(test)]
mod tests;
