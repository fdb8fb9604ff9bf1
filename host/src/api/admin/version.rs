//! Which release this is, how it was built, how long it runs, and how large its store is.

use serde::Serialize;

use crate::api::{
    auth::Access,
    respond::{Answer, json},
};

#[derive(Serialize)]
struct Version {
    version: &'static str,
    build: Build,
    uptime_seconds: u64,
    /// Bytes of the database file; absent where it is in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    store_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Build {
    profile: &'static str,
    os: &'static str,
    arch: &'static str,
}

/// `GET /version`.
pub(crate) async fn show(access: Access) -> Answer {
    let host = access.viewer().await?;
    Ok(json(&Version {
        version: env!("CARGO_PKG_VERSION"),
        build: Build {
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
        },
        uptime_seconds: host.uptime().as_secs(),
        store_bytes: host.store_size().await?,
    }))
}
