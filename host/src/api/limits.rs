//! Bounds of listeners and connections, against clients that are slow, many or endless.

use std::time::Duration;

/// Bounds of a listener. The defaults are for a daemon that anybody may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at once; the next waits to be accepted.
    pub connections: usize,
    /// Connections at once of one address (one /64 of IPv6); the next is closed. Trusted proxies
    /// are not counted.
    pub connections_per_address: usize,
    /// Longest time until a connection has brought its first request, a TLS handshake has ended,
    /// or the head of a request has arrived.
    pub head: Duration,
    /// Longest head of a request in bytes; at least 8192. It may hold 100 headers (hyper's bound).
    pub head_bytes: u32,
    /// Longest time without any request under way.
    pub idle: Duration,
    /// Longest life of a connection; requests under way may then end.
    pub life: Duration,
    /// How long a body may be slower than `rate`, in each direction.
    pub stall: Duration,
    /// Bytes a second that bodies are sent and read at, at least.
    pub rate: u32,
    /// Bytes of all bodies that are being read, together; more are refused. Those of one address
    /// (one /64 of IPv6) may take a quarter: as much as the largest component.
    pub bodies: usize,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 256,
            head: Duration::from_secs(30),
            head_bytes: 64 << 10,
            idle: Duration::from_secs(60),
            life: Duration::from_secs(3600),
            stall: Duration::from_secs(20),
            rate: 1 << 10,
            bodies: 128 << 20,
        }
    }
}
