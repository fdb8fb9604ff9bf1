//! The registry as its clients meet it: over HTTP, through its public face.

mod client;
mod faults;
mod protocol;
mod skopeo;
mod tokens;
