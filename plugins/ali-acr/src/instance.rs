//! Which registry of Alibaba Cloud an endpoint is: its region, and the instance where it is one of
//! the enterprise edition. The registry's own challenge tells.

use portolan_sdk::{Endpoint, Error, Result, cache, signing, token::Flow};
use serde::{Deserialize, Serialize};

use crate::presets::PLACEHOLDER;

/// First part of every service name of this provider.
const SERVICE: &str = "registry.aliyuncs.com";

const KEY: &str = "instance";

/// How long it is believed, in seconds.
const TTL: u32 = 600;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) region: String,
    /// `cri-…` in the enterprise edition; the personal one has none.
    pub(crate) id: Option<String>,
}

impl Instance {
    /// From the cache, else asked for.
    pub(crate) fn of(endpoint: &Endpoint) -> Result<Self> {
        match cache::get(KEY) {
            Some(instance) => Ok(instance),
            None => Self::detect(endpoint),
        }
    }

    /// Asks the registry.
    pub(crate) fn detect(endpoint: &Endpoint) -> Result<Self> {
        let (host, _, _) = signing::split(&endpoint.url);
        if host.to_ascii_lowercase().starts_with(PLACEHOLDER) {
            return Err(Error::InvalidInput(format!(
                "{} is an example: put the name of your instance in place of `instanceName`",
                endpoint.url
            )));
        }
        let base = base(endpoint);
        let probe = Flow::new(endpoint).at(&base).probe()?;
        let Some(challenge) = probe.challenge() else {
            return Err(if probe.is_registry() {
                foreign(&base, "")
            } else {
                probe.refusal(&base)
            });
        };
        let service = challenge.param("service").unwrap_or_default();
        let instance = Self::parse(service).ok_or_else(|| foreign(&base, service))?;
        cache::set(KEY, &instance, TTL);
        Ok(instance)
    }

    /// `registry.aliyuncs.com:REGION:…[:cri-…]`. Both parts become parts of addresses that signed
    /// requests go to, so they are looked at closely.
    fn parse(service: &str) -> Option<Self> {
        let is_word = |word: &&str| {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            !word.is_empty() && word.bytes().all(fits)
        };
        let mut parts = service.split(':');
        parts.next().filter(|first| first.eq_ignore_ascii_case(SERVICE))?;
        let region = parts.next().filter(is_word)?;
        let id = parts.next_back().filter(|last| last.starts_with("cri-")).filter(is_word);
        Some(Self { region: region.to_owned(), id: id.map(str::to_owned) })
    }

    pub(crate) fn edition(&self) -> &'static str {
        if self.id.is_some() { "enterprise" } else { "personal" }
    }
}

/// Where the distribution API is: the endpoint, or for one that is a region's management API, that
/// region's registry.
pub(crate) fn base(endpoint: &Endpoint) -> String {
    let (host, _, _) = signing::split(&endpoint.url);
    for (management, registry) in [("cr.", "registry."), ("cr-vpc.", "registry-vpc.")] {
        let region = host.strip_prefix(management).and_then(|it| it.strip_suffix(".aliyuncs.com"));
        if let Some(region) = region.filter(|region| !region.contains('.')) {
            return format!("https://{registry}{region}.aliyuncs.com");
        }
    }
    endpoint.url.clone()
}

/// Whether the endpoint is at one of the addresses inside Alibaba's own networks.
pub(crate) fn is_inside(endpoint: &Endpoint) -> bool {
    let (host, _, _) = signing::split(&endpoint.url);
    let first = host.split('.').next().unwrap_or_default();
    first.ends_with("-vpc") || first.ends_with("-internal")
}

fn foreign(base: &str, service: &str) -> Error {
    let named = if service.is_empty() { String::new() } else { format!(" (`{service}`)") };
    Error::MalformedResponse(format!(
        "{base} is a registry, but does not name itself as one of Alibaba Cloud{named}; check the \
         address, or choose the provider `docker-registry`"
    ))
}
