//! Where what a source gives may be sent: whoever may write an endpoint does not therefore choose
//! who gets the secrets of this machine. Pure; nothing is read and nobody asked.

use portolan_core::{
    endpoint::{CredentialSource, EndpointSpec},
    provider::{AllowedHost, HostUse},
};
use url::Url;

use crate::net::HostGrant;

/// The endpoints that a source may be used for, by host: at least one pattern.
#[derive(Clone, Debug)]
pub struct SourceHosts(Vec<HostGrant>);

/// Why hosts cannot be what a source is for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHosts(String);

/// What may be used, and for which endpoints.
#[derive(Clone, Debug)]
pub struct Allowed<T> {
    /// The file, directory, program or role.
    pub what: T,
    /// For which endpoints.
    pub hosts: SourceHosts,
}

impl SourceHosts {
    /// Reads patterns as an endpoint's allowed hosts have them: `https://registry.example.com`,
    /// `https://*.example.com:5000`.
    ///
    /// # Errors
    /// When there is none, or one is no pattern or any host at all.
    pub fn parse<T: AsRef<str>>(patterns: &[T]) -> Result<Self, InvalidHosts> {
        let grant = |pattern: &T| {
            let uses = vec![HostUse::Credentials];
            let allowed = AllowedHost { pattern: pattern.as_ref().to_owned(), uses };
            HostGrant::parse(&allowed, true).map_err(|error| InvalidHosts(error.to_string()))
        };
        let grants = patterns.iter().map(grant).collect::<Result<Vec<_>, _>>()?;
        if grants.is_empty() {
            return Err(InvalidHosts("no host is named".to_owned()));
        }
        Ok(Self(grants))
    }

    /// Whether an endpoint is one of them, and so is every host that its writer lets the secret
    /// be sent to besides.
    pub(super) fn include(&self, spec: &EndpointSpec) -> bool {
        let besides =
            spec.allowed_hosts.iter().filter(|it| it.uses.contains(&HostUse::Credentials));
        let known = |url: &Url| self.0.iter().any(|grant| grant.matches(url));
        // A pattern reads as an address whose wildcards are labels: it is covered by wider ones.
        known(spec.url.url())
            && besides.into_iter().all(|it| it.pattern.parse().is_ok_and(|url| known(&url)))
    }
}

/// The one provider that signs with the keys of AWS and sends them nowhere: any other would send
/// them as they are.
const AWS_PROVIDER: &str = "aws-ecr";

/// The partitions of AWS: below each, the names of ECR are AWS's own. Next to them customers have
/// hosts of theirs (API Gateway, Lambda, machines).
const AWS_DOMAINS: [&str; 4] = ["amazonaws.com", "amazonaws.com.cn", "c2s.ic.gov", "sc2s.sgov.gov"];

/// Keys of AWS go to ECR alone, verified by the platform's roots: they are the machine's, not those
/// of one registry, and a host below AWS's domains may be any customer's.
///
/// # Errors
/// What to do instead.
pub(super) fn permit_aws(source: &CredentialSource, spec: &EndpointSpec) -> Result<(), String> {
    let aws = matches!(
        source,
        CredentialSource::AwsInstance {} | CredentialSource::AwsWebIdentity { .. }
    );
    if !aws {
        return Ok(());
    }
    if spec.provider != AWS_PROVIDER {
        return Err(format!(
            "keys of AWS are for endpoints of the provider `{AWS_PROVIDER}` alone"
        ));
    }
    if spec.insecure || spec.ca_certificate.is_some() {
        return Err("keys of AWS go where the platform's roots verify the host: take away the \
                    endpoint's own CA, or the switch that leaves certificates unverified"
            .to_owned());
    }
    let besides = spec.allowed_hosts.iter().filter(|it| it.uses.contains(&HostUse::Credentials));
    let fits = |it: &AllowedHost| it.pattern.parse().is_ok_and(|url| is_ecr(&url));
    if !is_ecr(spec.url.url()) || !besides.into_iter().all(fits) {
        return Err("give the endpoint the address of ECR in a region, e.g. \
                    https://api.ecr.eu-west-1.amazonaws.com, and no other host that may get \
                    credentials"
            .to_owned());
    }
    Ok(())
}

/// Whether an address is one that AWS alone answers at: the API of ECR in a region, by any of its
/// names, or the registry of an account. A pattern's wildcard is no account and no region.
fn is_ecr(url: &Url) -> bool {
    if url.scheme() != "https" || url.port().is_some() {
        return false;
    }
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let (account, region, whole) = match labels[..] {
        ["public", "ecr", "aws"]
        | ["api", "ecr-public", "us-east-1", "amazonaws", "com"]
        | ["ecr-public", "us-east-1", "api", "aws"] => return true,
        ["api", "ecr" | "ecr-fips", region, ref domain @ ..]
        | ["ecr-fips", region, ref domain @ ..]
            if AWS_DOMAINS.contains(&&*domain.join(".")) =>
        {
            (None, region, true)
        }
        ["ecr" | "ecr-fips", region, "api", "aws"] => (None, region, true),
        [account, "dkr", "ecr" | "ecr-fips", region, ref domain @ ..] => {
            (Some(account), region, AWS_DOMAINS.contains(&&*domain.join(".")))
        }
        [account, "dkr-ecr" | "dkr-ecr-fips", region, "on", "aws"] => (Some(account), region, true),
        _ => return false,
    };
    let is_account = |it: &str| it.len() == 12 && it.bytes().all(|b| b.is_ascii_digit());
    let is_region =
        |it: &str| it.contains('-') && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    whole && is_region(region) && account.is_none_or(is_account)
}

/// Whoever writes an endpoint chooses its proxy, too: one that could read what passes would have
/// the secret, whatever the host.
///
/// # Errors
/// What to do instead.
pub(super) fn permit_way(spec: &EndpointSpec) -> Result<(), String> {
    let verified =
        spec.url.url().scheme() == "https" && !spec.insecure && spec.ca_certificate.is_none();
    if spec.proxy.is_none() || verified {
        return Ok(());
    }
    Err("through a proxy of the endpoint's own it needs https, verified by the platform's roots \
         alone: take away the proxy, or the CA and the switch that leaves certificates unverified"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_to_be_named() {
        for (patterns, why) in [
            (&[][..], "no host is named"),
            (&["registry.example.com"], "write `https://` before the host"),
            (&["https://*"], "any host at all"),
            (&["https://registry.example.com/path"], "more than scheme, host and port"),
        ] {
            let error = SourceHosts::parse(patterns).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
