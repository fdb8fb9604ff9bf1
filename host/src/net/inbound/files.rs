//! The files of a listener's TLS: reading them, and noticing that they changed.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

/// Largest file that is read, in bytes: a chain is a few kilobytes.
const MAX_FILE: u64 = 1 << 20;

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate in PEM, then those that lead to its CA.
    pub certificate: PathBuf,
    /// Its private key in PEM, without a passphrase.
    pub key: PathBuf,
    /// Whether clients show one too.
    pub clients: ClientCertificates,
}

/// Whether clients show a certificate, and the PEM file of the CAs that sign them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    None,
    /// They may; one that no CA of the file signed is refused.
    Optional(PathBuf),
    /// Without one there is no connection.
    Required(PathBuf),
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFilesError {
    /// One cannot be read.
    #[error("cannot read {}, which is to hold {what}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What it is to hold.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// One holds something else.
    #[error("{} does not hold {what} in PEM", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it is to hold.
        what: &'static str,
    },
    /// Both are fine, but not together.
    #[error(
        "the certificate in {} and the key in {} cannot be used together: {why}",
        certificate.display(),
        key.display()
    )]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        why: String,
    },
    /// Something else.
    #[error("TLS cannot be set up: {0}")]
    Unusable(String),
}

/// What tells one state of the files from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<Option<(SystemTime, u64, u64)>>);

impl TlsFiles {
    /// Reads everything anew.
    pub(super) fn read(&self) -> Result<Arc<ServerConfig>, TlsFilesError> {
        let chain = certificates(&self.certificate, "the server's certificate")?;
        let what = "the server's private key without a passphrase";
        let key = read(&self.key, what)?;
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| TlsFilesError::Content { path: self.key.clone(), what })?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match self.verifier()? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config =
            builder.with_single_cert(chain, key).map_err(|error| TlsFilesError::Pair {
                certificate: self.certificate.clone(),
                key: self.key.clone(),
                why: error.to_string(),
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn verifier(&self) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsFilesError> {
        let Some(path) = self.clients.file() else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path, "CA certificates of clients")? {
            roots.add(certificate).map_err(unusable)?;
        }
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match self.clients {
            ClientCertificates::Required(_) => builder,
            _ => builder.allow_unauthenticated(),
        };
        builder.build().map(Some).map_err(unusable)
    }

    /// How the files are now; links are followed, as certificate tools swap them.
    pub(super) fn stamp(&self) -> Stamp {
        let paths = [Some(&*self.certificate), Some(&*self.key), self.clients.file()];
        let mut found = Vec::with_capacity(paths.len());
        for path in paths.into_iter().flatten() {
            let metadata = fs::metadata(path).ok();
            found.push(metadata.and_then(|it| Some((it.modified().ok()?, it.len(), it.ino()))));
        }
        Stamp(found)
    }
}

impl ClientCertificates {
    fn file(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::Optional(path) | Self::Required(path) => Some(path),
        }
    }
}

/// The certificates of a PEM file; at least one.
pub(super) fn certificates(
    path: &Path,
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsFilesError> {
    let pem = read(path, what)?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = parsed.ok().filter(|all| !all.is_empty());
    found.ok_or_else(|| TlsFilesError::Content { path: path.to_owned(), what })
}

fn read(path: &Path, what: &'static str) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsFilesError> {
    let failed = |source| TlsFilesError::Read { path: path.to_owned(), what, source };
    if fs::metadata(path).map_err(failed)?.len() > MAX_FILE {
        return Err(failed(io::Error::other("it is larger than 1 MiB")));
    }
    Ok(fs::read(path).map_err(failed)?.into())
}

fn unusable(error: impl std::fmt::Display) -> TlsFilesError {
    TlsFilesError::Unusable(error.to_string())
}
