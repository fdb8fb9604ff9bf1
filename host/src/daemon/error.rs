//! Why the daemon cannot start, or did not end well.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{TlsFilesError, config::Setting, error::Error};

/// Why the daemon cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The filter of log lines means nothing.
    #[error(
        "`{}`, from {}, is no filter of log lines: {why}; `info` and `portolan=debug` are",
        filter.value,
        filter.origin
    )]
    LogFilter {
        /// What was said.
        filter: Setting<String>,
        /// Why not.
        why: String,
    },
    /// Somebody else has taken the process's log.
    #[error("the log cannot be started: {0}")]
    Log(String),
    /// Signals cannot be received.
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
    /// The data directory cannot be made.
    #[error("cannot make the data directory {}: {source}; name another with --data-dir", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The directory of third-party adapters cannot be made.
    #[error("cannot make the plug-ins directory {}: {source}; name another with --plugins", path.display())]
    PluginDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// TLS cannot be served.
    #[error("{0}; TLS was asked for, so nothing is served without it")]
    Tls(#[from] TlsFilesError),
    /// The demonstration is not for a network.
    #[error(
        "{0} is not a loopback address: the demonstration speaks plain HTTP, which is for this computer alone"
    )]
    ShownBeyondLoopback(SocketAddr),
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}; name another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The Unix socket cannot be had.
    #[error("cannot listen on the socket {}: {why}, or name another with --socket", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The generated password cannot be kept.
    #[error("cannot keep the administrator's first password in {}: {source}", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The system has no randomness.
    #[error("no password can be generated: {0}; set PORTOLAN_ADMIN_PASSWORD")]
    Randomness(String),
    /// The program cannot name itself, and so cannot start its compiler.
    #[error("cannot find the running program's own file: {0}")]
    OwnProgram(io::Error),
    /// A credential source of the settings cannot be used.
    #[error(
        "{what}, in `{list}` under [credential_sources] in the settings file, cannot be used: {why}"
    )]
    CredentialSource {
        /// `files`, `helpers` or `aws`.
        list: &'static str,
        /// The file, program or role.
        what: String,
        /// Why not.
        why: String,
    },
    /// Nothing says where caches are.
    #[error("there is no cache directory: neither XDG_CACHE_HOME nor HOME is set")]
    NoCacheDir,
    /// The library's own sentence.
    #[error(transparent)]
    Host(#[from] Error),
    /// A second signal.
    #[error("stopped before running tasks came to a safe point; they go on at the next start")]
    Interrupted,
}
