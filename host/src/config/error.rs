//! Why settings cannot be used: which one, where it was said, and what is wanted instead.

use std::{io, net::SocketAddr, path::PathBuf};

use super::Origin;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that a setting names cannot be read.
    #[error("cannot read {}, which {what}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What it is for.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The file is not TOML, or has a key or a value that means nothing.
    #[error("{}, line {line}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where in it, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A value cannot be.
    #[error("`{value}`, from {origin}, cannot be used: {why}")]
    Value {
        /// Where it was said.
        origin: Origin,
        /// What was said.
        value: String,
        /// What is wanted.
        why: String,
    },
    /// Nothing says where the data shall be.
    #[error(
        "there is no data directory: none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set; name one with --data-dir"
    )]
    NoDataDir,
    /// Passwords would cross a network in clear.
    #[error(
        "{0}, from {1}, is not a loopback address, and plain HTTP would carry passwords in clear; give TLS files with --tls-certificate and --tls-key, put a TLS proxy before a loopback address, or say --allow-plain-http"
    )]
    PlainHttp(SocketAddr, Origin),
    /// One of the files of TLS without the other.
    #[error("TLS was asked for by {0}, but half of it is missing: give {1} too")]
    Half(Origin, &'static str),
    /// Client certificates without anybody to sign them.
    #[error(
        "client certificates are asked for, but nothing says who signs them: give TLS files and --tls-client-ca too"
    )]
    NoClientCa,
    /// `[proxy_auth]` means nothing.
    #[error("[proxy_auth] in the settings file: {0}")]
    ProxyAuth(String),
    /// `[local]` cannot be an endpoint.
    #[error("[local] in the settings file: {0}")]
    Local(String),
}
