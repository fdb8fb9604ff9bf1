//! Work without a daemon: thin shells over the library.

pub mod check;
pub mod demo;
pub mod logins;
pub mod replicate;

use std::{path::PathBuf, time::Duration};

use portolan_core::provider::AdapterInfo;

use crate::{Code, Compiler, Error, Host, HostBuilder, LayoutPlace, Limits};

/// Calls of adapters at once for each end of a copy. A place for one more takes time at each start.
const CALLS: usize = 12;

/// A host in memory with the bundled adapters of these providers. With a `state`, it remembers in
/// that directory what destinations hold, and believes what it remembers of tags for so long.
/// `layouts` are image layouts by name.
///
/// # Errors
/// When an adapter cannot be used.
pub async fn host(
    providers: &[&str],
    cache: Option<PathBuf>,
    compiler: Compiler,
    state: Option<(PathBuf, Duration)>,
    layouts: Vec<(String, LayoutPlace)>,
) -> Result<Host, Error> {
    let most = Limits::default().concurrent_calls;
    let concurrent_calls = providers.len().saturating_mul(CALLS).min(most);
    let limits = Limits { concurrent_calls, ..Limits::default() };
    let mut builder = HostBuilder::in_memory().compiler(compiler).limits(limits).task_logs(false);
    if let Some(cache) = cache {
        builder = builder.cache(cache);
    }
    if let Some((directory, trust)) = state {
        builder = builder.state(directory, trust);
    }
    for (name, place) in layouts {
        builder = builder.layout(name, place);
    }
    let wanted = bundled_plugins::ALL.iter().filter(|b| providers.contains(&b.provider));
    for bundled in wanted {
        builder = builder.bundled(bundled);
    }
    builder.build().await
}

/// A host in memory with one component, granted what it asks for, and who it says it is.
///
/// # Errors
/// When the component cannot be used.
pub async fn host_of(
    component: Vec<u8>,
    cache: Option<PathBuf>,
    compiler: Compiler,
) -> Result<(Host, AdapterInfo), Error> {
    let mut builder = HostBuilder::in_memory().compiler(compiler);
    if let Some(cache) = cache {
        builder = builder.cache(cache);
    }
    let host = builder.adapter(component).build().await?;
    let info = host.providers().into_iter().next();
    let nothing = || Error::new(Code::Internal, "the component was loaded, and nothing came of it");
    Ok((host, info.ok_or_else(nothing)?))
}
