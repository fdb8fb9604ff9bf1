//! The conformance kit: an adapter before it is installed, held against what the interface asks.
//!
//! The component is loaded as the daemon loads it. Then each function is called while its hosts
//! are played on loopback: hosts that misbehave, hosts that answer from recorded exchanges, and,
//! where an address was given, the live one. It stores nothing.

use std::path::PathBuf;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec, EndpointUrl},
    oci::{Digest, Repository},
    provider::AdapterInfo,
    secret::Secret,
};
use serde_json::{Map, Value};

use super::host_of;
use crate::{Compiler, Error, Host};

mod hostile;
mod judge;
mod live;
mod played;
mod probes;
mod replay;
mod report;
mod shape;

use played::Played;
pub use report::{Finding, Report, Status};

/// What to check, and with what.
pub struct Options {
    /// The component's bytes.
    pub component: Vec<u8>,
    /// Where compiled adapters are kept.
    pub cache: Option<PathBuf>,
    /// Who compiles.
    pub compiler: Compiler,
    /// How the endpoint looks that is played.
    pub played: PlayedEndpoint,
    /// Recorded exchanges: name and text of each file.
    pub fixtures: Vec<(String, String)>,
    /// A live endpoint.
    pub live: Option<Live>,
}

/// The endpoint that is played; what is absent is made up.
#[derive(Default)]
pub struct PlayedEndpoint {
    /// Its address.
    pub url: Option<EndpointUrl>,
    /// The access ID.
    pub access_key: Option<String>,
    /// The access secret.
    pub access_secret: Option<Secret>,
    /// The adapter's settings.
    pub settings: Map<String, Value>,
    /// Repositories that the recorded exchanges are about, where their paths do not tell.
    pub repositories: Vec<String>,
}

/// A live endpoint.
pub struct Live {
    /// How it is reached; the provider is filled in.
    pub spec: EndpointSpec,
    /// What to log in with.
    pub credentials: Credentials,
    /// A repository that may be written to, and whose artifacts may be deleted.
    pub write: Option<Repository>,
}

/// What the parts of the kit share.
struct Kit {
    component: Vec<u8>,
    host: Host,
    info: AdapterInfo,
    played: Played,
    report: Report,
}

/// Checks a component. One that cannot be loaded is a finding, too.
///
/// # Errors
/// When the kit itself cannot work: no port on loopback, a fixture file that is none.
pub async fn check(options: Options) -> Result<Report, Error> {
    let fixtures = replay::read(&options.fixtures)?;
    let size = options.component.len();
    let mut report = Report::new(Digest::of(&options.component));
    let loaded = host_of(options.component.clone(), options.cache, options.compiler).await;
    let (host, info) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            report.fail("load", "", error.to_string());
            return Ok(report);
        }
    };
    report.provider.clone_from(&info.provider);
    shape::check(&host, &info, size, &mut report).await;
    let played = Played::new(&info, options.played, &report.digest)?;
    let mut kit = Kit { component: options.component, host, info, played, report };
    hostile::check(&mut kit).await?;
    for fixture in fixtures {
        replay::check(&mut kit, fixture).await?;
    }
    if let Some(live) = options.live {
        live::check(&mut kit, live).await;
    }
    Ok(kit.report)
}
