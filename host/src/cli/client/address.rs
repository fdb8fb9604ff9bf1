//! `--server`: a Unix socket, or plain HTTP to a host and port.

use std::{fmt, io, path::PathBuf};

use crate::cli::output::Failure;

/// Where the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A Unix socket.
    Socket(PathBuf),
    /// `host:port`.
    Tcp(String),
}

impl Address {
    /// Reads `http://HOST[:PORT]`, `unix:PATH`, `unix://PATH`, or a path.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let refuse = |why: &str| {
            Failure::usage(format!("`{text}` is not the address of a daemon: {why}"))
                .hint("http://127.0.0.1:8282 and unix:/var/lib/portolan/portolan.sock are")
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Socket(path.into()));
        }
        if text.starts_with('/') {
            return Ok(Self::Socket(text.into()));
        }
        let url = url::Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        match (url.scheme(), url.host_str(), url.path()) {
            ("http", Some(host), "/") if url.username().is_empty() && url.password().is_none() => {
                Ok(Self::Tcp(format!("{host}:{}", url.port_or_known_default().unwrap_or(80))))
            }
            ("http", Some(_), "/") => {
                let why = "an address with a name or a password in it can be seen by others";
                Err(Failure::usage(why).hint("use --user and --password-file"))
            }
            ("http", ..) => Err(refuse("a host and a port are wanted, and no path")),
            ("https", ..) => Err(refuse(
                "the terminal speaks no TLS; on the daemon's own computer, name its socket",
            )),
            _ => Err(refuse("the scheme is neither http nor unix")),
        }
    }

    /// What the `Host` header says.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Socket(_) => "localhost",
            Self::Tcp(authority) => authority,
        }
    }

    /// Nobody answers there.
    pub(super) fn unreachable(&self, error: &io::Error) -> Failure {
        let failure = Failure::new(format!("cannot reach the daemon at {self}: {error}"));
        match error.kind() {
            io::ErrorKind::PermissionDenied => failure.hint(
                "the socket is for the daemon's own user; log in over HTTP with --server and --password-file",
            ),
            _ => failure.hint("is `portolan serve` running? --server names another one"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Tcp(authority) => write!(f, "http://{authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_socket_or_a_port() {
        for (text, shown) in [
            ("unix:/run/p.sock", Some("/run/p.sock")),
            ("unix:///run/p.sock", Some("/run/p.sock")),
            ("/run/p.sock", Some("/run/p.sock")),
            ("http://localhost:8282", Some("http://localhost:8282")),
            ("http://[::1]:8282/", Some("http://[::1]:8282")),
            ("http://portolan", Some("http://portolan:80")),
            ("http://portolan/api", None),
            ("http://admin:secret@portolan", None),
            ("https://portolan", None),
            ("localhost:8282", None),
            ("", None),
        ] {
            let address = Address::parse(text).ok().map(|address| address.to_string());
            assert_eq!(address.as_deref(), shown, "{text}");
        }
    }
}
