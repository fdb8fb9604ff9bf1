//! `--server`: a Unix socket, or HTTP to a host and port, plain or over TLS.

use std::{fmt, io, path::PathBuf};

use crate::cli::output::Failure;

/// Where the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A Unix socket.
    Socket(PathBuf),
    /// `host:port`.
    Tcp(String),
    /// The same over TLS, and the host alone.
    Tls(String, String),
}

impl Address {
    /// Reads `http://HOST[:PORT]`, `https://HOST[:PORT]`, `unix:PATH`, `unix://PATH`, or a path.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let refuse = |why: &str| {
            Failure::usage(format!("`{text}` is not the address of a daemon: {why}"))
                .hint("unix:/var/lib/portolan/portolan.sock, http://127.0.0.1:8282 and https://portolan.example.com are")
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Socket(path.into()));
        }
        if text.starts_with('/') {
            return Ok(Self::Socket(text.into()));
        }
        let url = url::Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(refuse("the scheme is none of http, https and unix")),
        };
        let (Some(host), "/") = (url.host_str(), url.path()) else {
            return Err(refuse("a host and a port are wanted, and no path"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            let why = "an address with a name or a password in it can be seen by others";
            return Err(Failure::usage(why).hint("use --user and --password-file"));
        }
        let authority = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
        Ok(if secure { Self::Tls(authority, host.to_owned()) } else { Self::Tcp(authority) })
    }

    /// What the `Host` header says.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Socket(_) => "localhost",
            Self::Tcp(authority) | Self::Tls(authority, _) => authority,
        }
    }

    /// Nobody answers there.
    pub(super) fn unreachable(&self, error: &io::Error) -> Failure {
        // Without the number of the error, which says nothing more.
        let why = error.to_string();
        let why = why.split(" (os error").next().unwrap_or_default();
        let failure = Failure::new(format!("cannot reach the daemon at {self}: {why}"));
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
            Self::Tls(authority, _) => write!(f, "https://{authority}"),
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
            ("https://portolan", Some("https://portolan:443")),
            ("https://[::1]:8443", Some("https://[::1]:8443")),
            ("https://portolan/api", None),
            ("https://admin:secret@portolan", None),
            ("ftp://portolan", None),
            ("localhost:8282", None),
            ("", None),
        ] {
            let address = Address::parse(text).ok().map(|address| address.to_string());
            assert_eq!(address.as_deref(), shown, "{text}");
        }
    }
}
