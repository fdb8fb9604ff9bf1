//! Host patterns of a grant: `https://auth.docker.io`, `https://*.amazonaws.com`,
//! `https://ecr.{R}.api.aws`, `https://*`. Parsed once; matching compares whole labels.

use portolan_core::provider::{AllowedHost, HostUse};
use url::Url;

/// One granted host pattern, parsed.
#[derive(Clone, Debug)]
pub(crate) struct HostGrant {
    /// `https`, or `http` where an administrator says so.
    pub(crate) scheme: String,
    /// Host name; `*.x` means one or more labels before `x`, an inner `*` one label, `{R}` letters,
    /// digits and hyphens within one label, `*` alone any host.
    pub(crate) host: String,
    /// Port; `None` is the default of the scheme.
    pub(crate) port: Option<u16>,
    /// What may be sent there.
    pub(crate) uses: Vec<HostUse>,
    /// Whether a person named it, not an adapter: only then may it be at a private address.
    pub(crate) administrator: bool,
}

/// Why a pattern cannot be granted.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the host pattern `{pattern}` cannot be granted: {why}")]
pub(crate) struct InvalidGrant {
    pattern: String,
    why: &'static str,
}

impl HostGrant {
    /// Reads a pattern that an adapter declares or an `administrator` adds.
    ///
    /// Adapters may only name https hosts, and after a wildcard two labels that are spelled out.
    pub(crate) fn parse(allowed: &AllowedHost, administrator: bool) -> Result<Self, InvalidGrant> {
        let pattern = allowed.pattern.as_str();
        let invalid = |why| InvalidGrant { pattern: pattern.chars().take(200).collect(), why };
        let (scheme, rest) = pattern
            .split_once("://")
            .ok_or_else(|| invalid("it begins with no scheme; write `https://` before the host"))?;
        check_scheme(scheme, administrator).map_err(invalid)?;
        let (host, port) = split_port(rest.trim_end_matches('/')).map_err(invalid)?;
        let host = host.to_ascii_lowercase();
        check_host(&host, administrator).map_err(invalid)?;
        if allowed.uses.is_empty() {
            return Err(invalid("it has no use; name at least one"));
        }
        if host == "*" && allowed.uses != [HostUse::AnyPublicDownload] {
            return Err(invalid("any host at all can only be granted `any-public-download`"));
        }
        let uses = allowed.uses.clone();
        Ok(Self { scheme: scheme.to_owned(), host, port, uses, administrator })
    }

    /// Whether scheme, host and port of `url` are covered.
    pub(crate) fn matches(&self, url: &Url) -> bool {
        let default = if self.scheme == "https" { 443 } else { 80 };
        url.scheme() == self.scheme
            && url.port_or_known_default() == Some(self.port.unwrap_or(default))
            && url.host_str().is_some_and(|host| matches_host(&self.host, host))
    }

    /// Whether the pattern singles out `host`, in any scheme and port.
    pub(super) fn names_host(&self, host: &str) -> bool {
        self.host != "*" && matches_host(&self.host, host)
    }
}

fn check_scheme(scheme: &str, administrator: bool) -> Result<(), &'static str> {
    match scheme {
        "https" => Ok(()),
        "http" if administrator => Ok(()),
        "http" => Err("adapters may only ask for https hosts"),
        _ => Err("the scheme is neither https nor http"),
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    if text.contains(['/', '?', '#', '@']) {
        return Err("it names more than scheme, host and port");
    }
    let bracketed = text.starts_with('[');
    match text.rsplit_once(':') {
        Some((host, port)) if !bracketed || host.ends_with(']') => {
            let port = port.parse().ok().filter(|port| *port != 0);
            Ok((host, Some(port.ok_or("the port is not a number from 1 to 65535")?)))
        }
        _ => Ok((text, None)),
    }
}

fn check_host(host: &str, administrator: bool) -> Result<(), &'static str> {
    if host == "*" || is_v6_literal(host) {
        return Ok(());
    }
    if host.len() > 253 || !host.split('.').all(is_label) {
        return Err("the host is no name of letters, digits, hyphens, `*` and `{R}`");
    }
    if host.contains(['*', '{']) {
        let fixed = host.rsplit('.').take_while(|label| !label.contains(['*', '{'])).count();
        let least = if administrator { 1 } else { 2 };
        if fixed < least {
            return Err("the wildcard covers too much; spell out the last labels of the name");
        }
    }
    Ok(())
}

fn is_v6_literal(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_label(label: &str) -> bool {
    if label == "*" {
        return true;
    }
    let mut rest = label;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { return false };
        if !before.bytes().all(is_host_byte)
            || name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return false;
        }
        rest = after;
    }
    !label.is_empty() && label.len() <= 63 && rest.bytes().all(is_host_byte)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
}

fn matches_host(pattern: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if pattern == "*" {
        return true;
    }
    if pattern.starts_with('[') || host.starts_with('[') {
        return pattern == host;
    }
    let (pattern, any_depth) = match pattern.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut labels = host.rsplit('.');
    for wanted in pattern.rsplit('.') {
        if !labels.next().is_some_and(|label| matches_label(wanted, label)) {
            return false;
        }
    }
    // What is left stands before the suffix: at least one label for `*.`, none otherwise.
    labels.next().is_some_and(|label| !label.is_empty()) == any_depth
}

fn matches_label(pattern: &str, label: &str) -> bool {
    if pattern == "*" {
        return !label.is_empty();
    }
    let Some((before, rest)) = pattern.split_once('{') else { return pattern == label };
    let (Some((_, after)), Some(tail)) = (rest.split_once('}'), label.strip_prefix(before)) else {
        return false;
    };
    // `{R}` takes one byte or more; labels have at most 63, so trying every length is bounded.
    (1..=tail.len()).any(|taken| match tail.split_at_checked(taken) {
        Some((name, end)) => {
            name.bytes().all(|b| is_host_byte(b) && b != b'_') && matches_label(after, end)
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pattern: &str, uses: &[HostUse], administrator: bool) -> Option<HostGrant> {
        let allowed = AllowedHost { pattern: pattern.to_owned(), uses: uses.to_vec() };
        HostGrant::parse(&allowed, administrator).ok()
    }

    #[test]
    fn patterns_that_can_be_granted() {
        // pattern, by an adapter, by an administrator
        let cases = [
            ("https://auth.docker.io", true, true),
            ("https://auth.docker.io/", true, true),
            ("https://registry.example.com:5000", true, true),
            ("https://*.amazonaws.com", true, true),
            ("https://api.ecr.{R}.amazonaws.com", true, true),
            ("https://prod-{R}-starport.s3.{R}.amazonaws.com", true, true),
            ("https://docker.*.r2.cloudflarestorage.com", true, true),
            ("https://localhost", true, true),
            ("https://[::1]:5000", true, true),
            ("http://registry.lan:5000", false, true),
            ("https://*.lan", false, true),
            ("https://*.com", false, true),
            ("https://x.{R}", false, false),
            ("https://*.*", false, false),
            ("https://*", false, false),
            ("auth.docker.io", false, false),
            ("ftp://auth.docker.io", false, false),
            ("https://auth.docker.io/token", false, false),
            ("https://user@auth.docker.io", false, false),
            ("https://a.example:0", false, false),
            ("https://a.example:port", false, false),
            ("https://", false, false),
            ("https://a..example", false, false),
            ("https://a*.example.com", false, false),
            ("https://{R.example.com", false, false),
            ("https://{}.example.com", false, false),
        ];
        for (pattern, adapter, administrator) in cases {
            let uses = [HostUse::Data];
            assert_eq!(parse(pattern, &uses, false).is_some(), adapter, "{pattern}");
            assert_eq!(parse(pattern, &uses, true).is_some(), administrator, "{pattern}");
        }
        assert!(parse("https://*", &[HostUse::AnyPublicDownload], false).is_some());
        assert!(parse("https://*", &[HostUse::AnyPublicDownload, HostUse::Data], true).is_none());
        assert!(parse("https://a.example.com", &[], true).is_none());
    }

    #[test]
    fn whole_labels_are_matched() {
        let cases = [
            ("https://a.example.com", "https://A.example.com/x", true),
            ("https://a.example.com", "https://a.example.com./x", true),
            ("https://a.example.com", "https://a.example.com:443/", true),
            ("https://a.example.com", "https://a.example.com:444/", false),
            ("https://a.example.com", "http://a.example.com/", false),
            ("https://a.example.com", "https://b.a.example.com/", false),
            ("https://a.example.com:444", "https://a.example.com:444/", true),
            ("https://*.example.com", "https://a.b.example.com/", true),
            ("https://*.example.com", "https://example.com/", false),
            ("https://*.example.com", "https://aexample.com/", false),
            ("https://*.example.com", "https://a.example.com.evil.org/", false),
            ("https://s3.{R}.example.com", "https://s3.eu-west-1.example.com/", true),
            ("https://s3.{R}.example.com", "https://s3.a.b.example.com/", false),
            ("https://s3.{R}.example.com", "https://s3.example.com/", false),
            ("https://p-{R}-q.{R}.example.com", "https://p-eu-q.us.example.com/", true),
            ("https://p-{R}-q.{R}.example.com", "https://p--q.us.example.com/", false),
            ("https://a.*.example.com", "https://a.b.example.com/", true),
            ("https://a.*.example.com", "https://a.b.c.example.com/", false),
            ("https://[::1]:5000", "https://[::1]:5000/", true),
        ];
        for (pattern, url, expected) in cases {
            let grant = parse(pattern, &[HostUse::Data], false).unwrap();
            assert_eq!(grant.matches(&url.parse().unwrap()), expected, "{pattern} {url}");
        }
    }
}
