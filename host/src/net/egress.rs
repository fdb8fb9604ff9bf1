//! Where requests may go: by name and use first, by resolved address second.

use std::net::IpAddr;

use portolan_core::provider::HostUse;
use url::Url;

/// What a request is for, and what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The endpoint's secret itself is in it: needs the use `credentials`.
    Credentials,
    /// A token or a signature is in it: needs `signed` or `credentials`.
    Signed,
    /// Nothing secret is in it, to a host the adapter talks to: needs any granted use.
    Anonymous,
    /// The distribution API: needs `data`, and what the grant carries besides.
    Data {
        /// `Credentials`, `Signed`, or `Data` for nothing.
        carries: HostUse,
    },
    /// A redirected blob, no authentication: needs `storage` or `data`.
    Storage,
    /// An anonymous download over https: needs `any-public-download` or a better use.
    PublicDownload,
}

/// One granted host pattern, parsed.
#[derive(Clone, Debug)]
pub(crate) struct HostGrant {
    pub(crate) scheme: String,
    /// Host name; `*.x` means one or more labels before `x`, `*` any host.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) uses: Vec<HostUse>,
}

/// A request that must not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// No grant covers this host for this purpose.
    #[error(
        "{url} may not be sent {what}: neither the endpoint, nor a host granted the use `{needed}`; if it belongs to this registry, add it to the endpoint's allowed hosts"
    )]
    Host { url: String, what: &'static str, needed: &'static str },
    /// The address is in a range that is never, or not here, allowed.
    #[error("{host} resolves to {address}, which is {why}")]
    Address { host: String, address: IpAddr, why: &'static str },
    /// https would become http.
    #[error("{url} is plain http, but {from} is https: a downgrade is never followed")]
    Downgrade { url: String, from: String },
}

/// The rules for one endpoint.
pub(crate) struct Egress {
    endpoint: Url,
    grants: Vec<HostGrant>,
}

impl Egress {
    /// Rules that allow the endpoint itself, and `grants`.
    pub(crate) fn new(endpoint: Url, grants: Vec<HostGrant>) -> Self {
        Self { endpoint, grants }
    }

    /// Checks name and purpose.
    pub(crate) fn check(&self, url: &Url, purpose: Purpose) -> Result<(), Refused> {
        let _ = (url, purpose, &self.endpoint, &self.grants);
        Ok(())
    }
}
