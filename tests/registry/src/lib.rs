//! An OCI Distribution 1.1 registry in memory, on a loopback port, with faults to switch on.
//!
//! For tests that want a real server and its misbehaviour, and for `portolan demo`. It writes no
//! file, opens no other port, speaks plain HTTP (put a TLS terminator before it and say so with
//! [`Registry::set_public_url`]) and is no security boundary: it shares no code with the client
//! it is used to test.
//!
//! ```
//! # async fn run() -> std::io::Result<()> {
//! use portolan_testregistry::{Kind, Registry, layer};
//!
//! let registry = Registry::builder().name("alpha").start().await?;
//! registry.put_image("library/app", "v1", &[layer(1, 4096)]);
//! registry.faults().status_once(Kind::ManifestGet, 503);
//! // … let a client at `registry.url()`, then:
//! assert_eq!(registry.verify_all().map(|seen| seen.tags), Ok(1));
//! assert_eq!(registry.count(Kind::BlobGet), 0);
//! # Ok(())
//! # }
//! ```

mod access;
mod answer;
mod blobs;
mod body;
mod builder;
mod call;
mod content;
mod digest;
mod faults;
mod fill;
mod generated;
mod listing;
mod manifests;
mod names;
mod registry;
mod requests;
mod server;
mod token;
mod uploads;
mod verify;

#[cfg(test)]
mod tests;

pub use builder::Builder;
pub use digest::Digest;
pub use faults::{Faults, Stall, When};
pub use fill::{Child, layer};
pub use registry::Registry;
pub use requests::{Kind, Request};
pub use verify::Verified;
