//! What a guest may ask of the host: `http`, `signer`, `host-cache`, `log`. `types` has no
//! functions. Each import starts at [`super::instance::State::bound`]: without an endpoint it traps.

mod cache;
mod http;
mod log;
mod signer;

pub(super) use log::shown;
