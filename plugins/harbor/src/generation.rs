//! Which Harbor an endpoint is: 2.x, or 1.x with its version.
//!
//! Asked once and believed for a while; every call begins with it.

use crate::{api, wire};
use portolan_sdk::{
    Endpoint, Error, Result, cache,
    http::{Request, Response},
};

/// How long an answer is believed, in seconds.
const TTL: u32 = 600;

/// Which generation of the management API an endpoint speaks.
#[derive(Debug)]
pub(crate) enum Generation {
    V2,
    V1(V1),
}

/// A Harbor 1.x.
#[derive(Debug)]
pub(crate) struct V1 {
    /// Of the product, as it tells: `v1.2.0-11-ge5b0eb2`.
    pub(crate) version: Option<String>,
    /// The address of the Admiral that keeps its projects, empty where it does not tell; `None`
    /// where no Admiral does.
    pub(crate) admiral: Option<String>,
}

/// How it is cached: a tuple costs a component less than an enum.
type Kept = Option<(Option<String>, Option<String>)>;

impl V1 {
    /// The `2` of 1.2; where the version is not told, that of the last 1.x.
    pub(crate) fn minor(&self) -> u32 {
        let minor = |version: &str| {
            let digits = version.split(['.', '-', '+']).nth(1)?;
            digits.parse().ok()
        };
        self.version.as_deref().and_then(minor).unwrap_or(10)
    }

    /// `Harbor v1.2.0`.
    pub(crate) fn product(&self) -> String {
        format!("Harbor {}", self.version.as_deref().unwrap_or("1.x"))
    }
}

impl Generation {
    /// Of the endpoint.
    pub(crate) fn of(endpoint: &Endpoint) -> Result<Self> {
        const KEY: &str = "generation";
        if let Some(known) = cache::get::<Kept>(KEY) {
            return Ok(
                known.map_or(Self::V2, |(version, admiral)| Self::V1(V1 { version, admiral }))
            );
        }
        let found = find(endpoint)?;
        let kept: Kept = match &found {
            Self::V2 => None,
            Self::V1(V1 { version, admiral }) => Some((version.clone(), admiral.clone())),
        };
        cache::set(KEY, &kept, TTL);
        Ok(found)
    }

    /// Where the management API begins.
    pub(crate) fn base(&self) -> &'static str {
        match self {
            Self::V2 => "/api/v2.0",
            Self::V1(_) => "/api",
        }
    }
}

fn find(endpoint: &Endpoint) -> Result<Generation> {
    let response = api::request(endpoint, Request::get("/api/version")).send()?;
    match response.status() {
        200 => match response.json::<wire::About>().map(|about| about.version) {
            Ok(Some(version)) if !version.trim_start_matches('v').starts_with("1.") => {
                Ok(Generation::V2)
            }
            // Harbor 1.x answers with the portal's page in some versions.
            _ => first(endpoint, &response),
        },
        404 => first(endpoint, &response),
        // Some set-ups refuse a project's robot even here; what it may do shows later.
        401 | 403 if !response.is_html() => Ok(Generation::V2),
        400.. => Err(response.error()),
        _ => Err(no_harbor(endpoint, &response)),
    }
}

/// Harbor 1.x has no `/api/version`; `/api/systeminfo` needs no login there.
fn first(endpoint: &Endpoint, version: &Response) -> Result<Generation> {
    let response = Request::get("/api/systeminfo").send()?;
    match response.success().and_then(|answer| answer.json::<wire::About>()) {
        Ok(info) if info.is_harbor() => Ok(Generation::V1(V1 {
            admiral: info
                .with_admiral
                .filter(|with| *with)
                .map(|_| info.admiral_endpoint.unwrap_or_default()),
            version: info.harbor_version,
        })),
        Err(error @ (Error::RateLimited(_) | Error::Upstream(_))) => Err(error),
        Ok(_) | Err(_) => Err(no_harbor(endpoint, version)),
    }
}

fn no_harbor(endpoint: &Endpoint, response: &Response) -> Error {
    let shown = if response.is_html() { "a web page".to_owned() } else { "no version".to_owned() };
    Error::MalformedResponse(format!(
        "{} is not a Harbor: {} answered {shown} (status {}); check the address, \
         or choose the provider `docker-registry`",
        endpoint.url,
        response.what(),
        response.status()
    ))
}
