//! What the end-to-end tests stand on: polling, the daemon as a child process, an HTTP client,
//! Debian's docker-registry with a token server, a double of Harbor, TLS before the test registry,
//! hosts of the internet played on loopback, software of others, and the guests.
//!
//! Everything here panics with what it knows when it cannot do its part. Loopback only, free ports
//! only, a temporary directory for each test.

pub mod api;
pub mod charts;
pub mod cloud;
pub mod daemon;
pub mod debian;
pub mod guests;
pub mod harbor;
pub mod http;
pub mod oracles;
pub mod poll;
pub mod script;
pub mod signer;
pub mod tls;
pub mod token;
