//! The registry as its clients meet it: over HTTP, through its public face.

mod client;
mod faults;
mod generated;
mod protocol;
mod skopeo;
mod tokens;
