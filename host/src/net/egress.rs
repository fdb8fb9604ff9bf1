//! Where requests may go: by name and use first, by resolved address second.
//!
//! It decides and remembers announced token realms; it resolves and sends nothing.

mod address;
mod name;
mod pattern;

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use portolan_core::provider::HostUse;
use url::{Origin, Url};

use super::{Inside, redact::redact};
pub(crate) use pattern::HostGrant;

/// Most token realms remembered for one endpoint.
const MAX_REALMS: usize = 16;

/// What a request is for, and what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The endpoint's secret itself is in it: needs the use `credentials`.
    Credentials,
    /// A token or a signature is in it: needs `signed` or `credentials`.
    Signed,
    /// Nothing secret is in it, to a host the adapter talks to: needs `data`, `signed` or
    /// `credentials`. (`storage` and `any-public-download` have their own, narrower purposes.)
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

impl Purpose {
    /// What is sent, for people.
    fn what(self) -> &'static str {
        match self {
            Self::Credentials | Self::Data { carries: HostUse::Credentials } => "credentials",
            Self::Signed | Self::Data { carries: HostUse::Signed } => "a token or signature",
            Self::Data { .. } => "registry requests",
            Self::Anonymous => "requests",
            Self::Storage => "a redirected download",
            Self::PublicDownload => "a download request",
        }
    }

    /// The uses that allow it, all of the outer list and one of each inner.
    fn needs(self) -> &'static [&'static [HostUse]] {
        use HostUse::{AnyPublicDownload, Credentials, Data, Signed, Storage};
        match self {
            Self::Credentials => &[&[Credentials]],
            Self::Signed => &[&[Signed, Credentials]],
            Self::Anonymous => &[&[Data, Signed, Credentials]],
            Self::Data { carries: Credentials } => &[&[Data], &[Credentials]],
            Self::Data { carries: Signed } => &[&[Data], &[Signed, Credentials]],
            Self::Data { .. } => &[&[Data]],
            Self::Storage => &[&[Storage, Data]],
            Self::PublicDownload => &[&[AnyPublicDownload, Storage, Data, Signed, Credentials]],
        }
    }
}

/// A request that must not be sent.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// No grant covers this host for this purpose.
    #[error(
        "{url} may not be sent {what}: neither the endpoint, nor a host granted the use \
         `{needed}`; if it belongs to this registry, add it to the endpoint's allowed hosts"
    )]
    Host { url: String, what: &'static str, needed: &'static str },
    /// The address is in a range that is never, or not here, allowed.
    #[error("{host} resolves to {address}, which is {why}")]
    Address { host: String, address: IpAddr, why: &'static str },
    /// The same of a host that a proxy asks for.
    #[error(
        "{host} may not be asked for through the proxy: as far as this machine can tell it is at \
         {address}, which is {why}; if it belongs to this registry, add it to the endpoint's \
         allowed hosts"
    )]
    Proxied { host: String, address: IpAddr, why: &'static str },
    /// A proxy would resolve the name, and it is none of the public internet's.
    #[error(
        "{host} may not be asked for through the proxy: it is {why}; if it belongs to this registry, \
         add it to the endpoint's allowed hosts"
    )]
    Name { host: String, why: &'static str },
    /// https would become http.
    #[error("{url} is plain http, but {from} is https: a downgrade is never followed")]
    Downgrade { url: String, from: String },
}

/// The rules for one endpoint.
pub(crate) struct Egress {
    endpoint: Url,
    grants: Vec<HostGrant>,
    realms: Mutex<Vec<Origin>>,
    /// Whether the endpoint is this machine's metadata service itself.
    metadata: bool,
    /// Where the endpoint is within this process: the way to it.
    inside: Option<Inside>,
}

impl Egress {
    /// Rules that allow the endpoint itself, and `grants`.
    pub(crate) fn new(endpoint: Url, grants: Vec<HostGrant>) -> Self {
        Self { endpoint, grants, realms: Mutex::default(), metadata: false, inside: None }
    }

    /// Rules that allow the machine's metadata service, and nothing else: for the host itself,
    /// where an administrator has it read keys there. No adapter is ever bound with these.
    pub(crate) fn metadata(service: Url) -> Self {
        Self { metadata: true, ..Self::new(service, Vec::new()) }
    }

    /// Rules that allow an endpoint within this process, and nothing else.
    pub(crate) fn within(endpoint: Url, inside: Inside) -> Self {
        Self { inside: Some(inside), ..Self::new(endpoint, Vec::new()) }
    }

    /// The way to hosts within this process, where the endpoint is one.
    pub(super) fn inside(&self) -> Option<&Inside> {
        self.inside.as_ref()
    }

    /// Checks name and purpose. The endpoint's own origin may be sent anything.
    pub(crate) fn check(&self, url: &Url, purpose: Purpose) -> Result<(), Refused> {
        let web = matches!(url.scheme(), "http" | "https");
        if web && (self.is_endpoint(url) || (self.is_realm(url) && may_go_to_realm(purpose))) {
            return Ok(());
        }
        let missing = if !web || (purpose == Purpose::PublicDownload && url.scheme() != "https") {
            purpose.needs().first()
        } else {
            purpose.needs().iter().find(|one_of| !self.grants_any(url, one_of))
        };
        let Some(needed) = missing.and_then(|one_of| one_of.first()) else { return Ok(()) };
        Err(Refused::Host { url: redact(url), what: purpose.what(), needed: use_name(*needed) })
    }

    /// Checks an address that `host` resolved to, or that the URL itself names. Link-local,
    /// metadata, multicast and unspecified ones are refused always; loopback and private ones
    /// unless an administrator named the host.
    pub(crate) fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        let why = match address::classify(address) {
            address::Range::Public => return Ok(()),
            address::Range::Private(_) if self.is_named(host) => return Ok(()),
            address::Range::Never(_) if self.metadata && self.is_named(host) => return Ok(()),
            address::Range::Private(why) | address::Range::Never(why) => why,
        };
        Err(Refused::Address { host: host.to_owned(), address, why })
    }

    /// Checks the name of a host that a proxy will resolve, where its address is not seen here.
    /// Addresses written out are checked as ever, and names of private networks (`localhost`,
    /// `vault`, `vault.internal`) refused unless an administrator named the host. `true` where an
    /// address should be looked up here, too, and checked if there is one: for hosts that no grant
    /// singles out, so that a guest, an index or a redirect chose them.
    pub(crate) fn check_proxied(&self, host: &str) -> Result<bool, Refused> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return self.check_address(host, address).map(|()| false);
        }
        if self.is_named(host) {
            return Ok(false);
        }
        match name::internal(host) {
            Some(why) => Err(Refused::Name { host: host.to_owned(), why }),
            None => Ok(!self.grants.iter().any(|grant| grant.names_host(host))),
        }
    }

    /// Checks an address that this machine knows of a host that a proxy will ask for.
    pub(crate) fn check_address_known_here(
        &self,
        host: &str,
        address: IpAddr,
    ) -> Result<(), Refused> {
        self.check_address(host, address).map_err(|refused| match refused {
            Refused::Address { host, address, why } => Refused::Proxied { host, address, why },
            other => other,
        })
    }

    /// Checks the address of the proxy, which an administrator named: it may be at a private address.
    pub(crate) fn check_proxy_address(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        match address::classify(address) {
            address::Range::Never(why) => {
                Err(Refused::Address { host: host.to_owned(), address, why })
            }
            address::Range::Public | address::Range::Private(_) => Ok(()),
        }
    }

    /// Remembers the token realm that the endpoint's own origin announced in a 401. It counts
    /// only where both are https and `verified` says that the certificate was checked.
    pub(crate) fn announce(&self, from: &Url, realm: &Url, verified: bool) {
        let https = from.scheme() == "https" && realm.scheme() == "https";
        if !verified || !https || !self.is_endpoint(from) || self.is_endpoint(realm) {
            return;
        }
        let mut realms = self.realms.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = realm.origin();
        if realms.len() < MAX_REALMS && !realms.contains(&origin) {
            realms.push(origin);
        }
    }

    /// Whether scheme, host and port are those of the endpoint.
    pub(crate) fn is_endpoint(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin()
    }

    /// Whether a URL is at the endpoint's address or below its path: what else the same host serves
    /// may be another tenant's.
    pub(crate) fn is_below_endpoint(&self, url: &Url) -> bool {
        let base = self.endpoint.path().trim_end_matches('/');
        let rest = url.path().strip_prefix(base);
        self.is_endpoint(url)
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            && !url.path().to_ascii_lowercase().contains("%2f")
    }

    fn is_realm(&self, url: &Url) -> bool {
        let realms = self.realms.lock().unwrap_or_else(PoisonError::into_inner);
        realms.contains(&url.origin())
    }

    fn grants_any(&self, url: &Url, uses: &[HostUse]) -> bool {
        let covers = |grant: &HostGrant| {
            grant.uses.iter().any(|granted| uses.contains(granted)) && grant.matches(url)
        };
        self.grants.iter().any(covers)
    }

    fn is_named(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        let own = self.endpoint.host_str().unwrap_or_default().trim_end_matches('.');
        own.eq_ignore_ascii_case(host)
            || self.grants.iter().any(|grant| grant.administrator && grant.names_host(host))
    }
}

/// A realm gets what a token request is made of, and nothing of the distribution API.
fn may_go_to_realm(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Credentials | Purpose::Signed | Purpose::Anonymous)
}

/// The text of a use as people write it in a grant.
fn use_name(granted: HostUse) -> &'static str {
    match granted {
        HostUse::Credentials => "credentials",
        HostUse::Signed => "signed",
        HostUse::Data => "data",
        HostUse::Storage => "storage",
        HostUse::AnyPublicDownload => "any-public-download",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portolan_core::provider::AllowedHost;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn grant(pattern: &str, uses: &[HostUse], administrator: bool) -> HostGrant {
        let host = AllowedHost { pattern: pattern.to_owned(), uses: uses.to_vec() };
        HostGrant::parse(&host, administrator).unwrap()
    }

    #[test]
    fn purposes_need_their_uses() {
        use HostUse::{AnyPublicDownload, Credentials, Data, Signed, Storage};
        let egress = Egress::new(
            url("https://hub.example.com/api"),
            vec![
                grant("https://auth.example.com", &[Credentials], false),
                grant("https://sign.example.com", &[Signed], false),
                grant("https://*.cdn.example.com", &[Storage], false),
                grant("https://registry.example.com", &[Data], false),
                grant("https://registry.example.com", &[Signed], false),
                grant("https://*", &[AnyPublicDownload], false),
            ],
        );
        let with = |carries| Purpose::Data { carries };
        let cases = [
            ("https://hub.example.com/x", Purpose::Credentials, true),
            ("https://hub.example.com:443/x", with(Credentials), true),
            ("http://hub.example.com/x", Purpose::Anonymous, false),
            ("https://hub.example.com:8443/x", Purpose::Credentials, false),
            ("https://auth.example.com/t", Purpose::Credentials, true),
            ("https://auth.example.com/t", Purpose::Signed, true),
            ("https://auth.example.com/t", with(Data), false),
            ("https://auth.example.com.evil.org/t", Purpose::Credentials, false),
            ("https://auth.example.com@evil.org/t", Purpose::Credentials, false),
            ("https://sign.example.com/", Purpose::Credentials, false),
            ("https://sign.example.com/", Purpose::Signed, true),
            ("https://sign.example.com/", Purpose::Anonymous, true),
            ("https://a.cdn.example.com/", Purpose::Storage, true),
            ("https://a.cdn.example.com/", Purpose::Anonymous, false),
            ("https://a.cdn.example.com/", with(Data), false),
            ("https://registry.example.com/", with(Data), true),
            ("https://registry.example.com/", with(Signed), true),
            ("https://registry.example.com/", with(Credentials), false),
            ("https://registry.example.com/", Purpose::Storage, true),
            ("https://charts.org/x.tgz", Purpose::PublicDownload, true),
            ("http://charts.org/x.tgz", Purpose::PublicDownload, false),
            ("https://charts.org/x.tgz", Purpose::Anonymous, false),
            ("https://charts.org/x.tgz", Purpose::Storage, false),
            ("ftp://hub.example.com/x", Purpose::Anonymous, false),
        ];
        for (text, purpose, allowed) in cases {
            let answer = egress.check(&url(text), purpose);
            assert_eq!(answer.is_ok(), allowed, "{text} {purpose:?} {answer:?}");
        }
    }

    #[test]
    fn refusals_show_no_query() {
        let egress = Egress::new(url("https://a.example"), Vec::new());
        let to = url("https://u:hidden@b.example/x?sig=hidden&k=hidden#hidden");
        let text = egress.check(&to, Purpose::Storage).unwrap_err().to_string();
        assert!(text.contains("b.example") && text.contains("`storage`"), "{text}");
        assert!(!text.contains("hidden"), "{text}");
    }

    #[test]
    fn realms_are_remembered_only_from_the_endpoint_over_verified_tls() {
        let own = url("https://r.example/v2/");
        let realm = url("https://auth.example/token");
        let cases = [
            (own.clone(), realm.clone(), true, true),
            (own.clone(), realm.clone(), false, false),
            (url("https://cdn.example/"), realm.clone(), true, false),
            (url("https://r.example:444/"), realm.clone(), true, false),
            (own.clone(), url("http://auth.example/token"), true, false),
        ];
        for (from, to, verified, expected) in cases {
            let egress = Egress::new(url("https://r.example"), Vec::new());
            egress.announce(&from, &to, verified);
            for purpose in [Purpose::Credentials, Purpose::Signed, Purpose::Anonymous] {
                let allowed = egress.check(&realm, purpose).is_ok();
                assert_eq!(allowed, expected, "{from} {to} {verified} {purpose:?}");
            }
            assert!(egress.check(&realm, Purpose::Data { carries: HostUse::Data }).is_err());
        }
    }

    #[test]
    fn the_metadata_service_is_reached_by_its_own_rules_alone() {
        let service = "http://169.254.169.254";
        let address = "169.254.169.254".parse().unwrap();
        let usual = Egress::new(url(service), Vec::new());
        assert!(usual.check_address("169.254.169.254", address).is_err());
        let own = Egress::metadata(url(service));
        assert!(own.check_address("169.254.169.254", address).is_ok());
        assert!(own.check_address("elsewhere.example", address).is_err());
        assert!(own.check(&url("http://169.254.169.253/"), Purpose::Anonymous).is_err());
    }

    #[test]
    fn realms_are_bounded() {
        let egress = Egress::new(url("https://r.example"), Vec::new());
        let realm = |n: usize| url(&format!("https://auth{n}.example/"));
        for n in 0..40 {
            egress.announce(&url("https://r.example/v2/"), &realm(n), true);
        }
        let known = |n: &usize| egress.check(&realm(*n), Purpose::Credentials).is_ok();
        assert_eq!((0..40).filter(known).count(), MAX_REALMS);
    }

    #[test]
    fn hosts_that_a_proxy_resolves_are_judged_by_name() {
        let egress = Egress::new(
            url("https://registry.lan:5000"),
            vec![
                grant("https://vault.internal", &[HostUse::Storage], true),
                grant("https://auth.example.com", &[HostUse::Credentials], false),
                grant("https://*.own.internal", &[HostUse::Data], false),
                grant("https://*", &[HostUse::AnyPublicDownload], false),
            ],
        );
        let (named, looked_up, refused) = (Some(false), Some(true), None);
        let cases = [
            ("registry.lan", named),
            ("vault.internal", named),
            ("auth.example.com", named),
            ("charts.example.com", looked_up),
            ("93.184.216.34", named),
            ("a.own.internal", refused),
            ("metadata.google.internal", refused),
            ("localhost", refused),
            ("vault", refused),
            ("127.0.0.1", refused),
            ("[::1]", refused),
            ("169.254.169.254", refused),
        ];
        for (host, expected) in cases {
            let answer = egress.check_proxied(host);
            assert_eq!(answer.as_ref().ok(), expected.as_ref(), "{host} {answer:?}");
        }
    }

    #[test]
    fn private_addresses_need_a_name_given_by_an_administrator() {
        let egress = Egress::new(
            url("https://registry.lan:5000"),
            vec![
                grant("https://store.lan", &[HostUse::Storage], true),
                grant("https://auth.example.com", &[HostUse::Credentials], false),
                grant("https://*", &[HostUse::AnyPublicDownload], true),
            ],
        );
        let cases = [
            ("registry.lan", "10.0.0.1", true),
            ("REGISTRY.lan.", "127.0.0.1", true),
            ("store.lan", "192.168.1.1", true),
            ("auth.example.com", "10.0.0.1", false),
            ("auth.example.com", "93.184.216.34", true),
            ("charts.example.com", "127.0.0.1", false),
            ("registry.lan", "169.254.169.254", false),
            ("registry.lan", "::ffff:169.254.169.254", false),
        ];
        for (host, address, allowed) in cases {
            let answer = egress.check_address(host, address.parse().unwrap());
            assert_eq!(answer.is_ok(), allowed, "{host} {address} {answer:?}");
        }
    }
}
