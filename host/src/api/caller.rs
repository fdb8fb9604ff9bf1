//! What a connection tells of the other end. Values that travel as extensions of each request; an
//! embedder that serves the router by itself sets them.

use std::{net::IpAddr, sync::Arc};

/// Who is at the other end of a connection, as far as the connection tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody on the network.
    Network,
    /// Somebody who reached a listener of the loopback interface.
    Loopback,
    /// A user of the Unix socket who is neither root nor the daemon's own user.
    Socket,
    /// Root or the daemon's own user on the Unix socket: an administrator without a password.
    Owner,
}

/// The network address of the other end, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The request travels over TLS: to us, or to the proxy that people reach us by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secure;

/// The common name in a client certificate that a configured CA signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateName(pub Arc<str>);
