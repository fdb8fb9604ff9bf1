//! Work without a daemon: thin shells over the library.

pub mod demo;
pub mod logins;
pub mod replicate;

use std::path::PathBuf;

use crate::{Compiler, Error, Host, HostBuilder};

/// A host in memory with the bundled adapters of these providers.
///
/// # Errors
/// When an adapter cannot be used.
pub async fn host(
    providers: &[&str],
    cache: Option<PathBuf>,
    compiler: Compiler,
) -> Result<Host, Error> {
    let mut builder = HostBuilder::in_memory().compiler(compiler);
    if let Some(cache) = cache {
        builder = builder.cache(cache);
    }
    let wanted = bundled_plugins::ALL.iter().filter(|b| providers.contains(&b.provider));
    for bundled in wanted {
        builder = builder.adapter(bundled.bytes);
    }
    builder.build().await
}
