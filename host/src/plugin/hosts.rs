//! Host patterns of adapters and administrators: `scheme://host[:port]`, with `*` or `*.` first.

use portolan_core::provider::{AllowedHost, HostUse};

use crate::net::HostGrant;

/// Parses one pattern; the error says what is wrong with it.
pub(super) fn grant(host: &AllowedHost, administrator: bool) -> Result<HostGrant, String> {
    // The rules of a pattern are the same, whoever wrote it.
    let _ = administrator;
    let pattern = host.pattern.as_str();
    let wrong = |why: &str| format!("the host pattern `{}` {why}", pattern.escape_debug());
    let (scheme, rest) = match pattern.split_once("://") {
        Some((scheme @ ("https" | "http"), rest)) => (scheme, rest),
        _ => return Err(wrong("has to start with https:// or http://")),
    };
    let (name, port) = split_port(rest).ok_or_else(|| wrong("has a port that is no number"))?;
    if name == "*" {
        let downloads = host.uses.iter().all(|it| *it == HostUse::AnyPublicDownload);
        if scheme != "https" || !downloads {
            return Err(wrong(
                "means any host: that is possible for `any-public-download` over \
                              https alone",
            ));
        }
    } else if !is_host(name.strip_prefix("*.").unwrap_or(name)) {
        return Err(wrong("has no host name of letters, digits, `-` and `.`, nor an address"));
    }
    Ok(HostGrant {
        scheme: scheme.to_owned(),
        host: name.to_ascii_lowercase(),
        port,
        uses: host.uses.clone(),
    })
}

fn split_port(rest: &str) -> Option<(&str, Option<u16>)> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.ends_with(']') {
        return Some((rest, None));
    }
    match rest.rsplit_once(':') {
        None => Some((rest, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
    }
}

fn is_host(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            name.len() <= 253 && name.chars().all(plain) && name.split('.').all(|it| !it.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_parsed_or_refused() {
        let cases = [
            ("https://auth.docker.io", Some(("https", "auth.docker.io", None))),
            ("https://*.Amazonaws.com", Some(("https", "*.amazonaws.com", None))),
            ("http://127.0.0.1:5000", Some(("http", "127.0.0.1", Some(5000)))),
            ("https://[::1]:8443/", Some(("https", "[::1]", Some(8443)))),
            ("https://[::1]", Some(("https", "[::1]", None))),
            ("auth.docker.io", None),
            ("ftp://auth.docker.io", None),
            ("https://", None),
            ("https://a..b", None),
            ("https://a/b", None),
            ("https://user@a", None),
            ("https://a*.b", None),
            ("https://a.*.b", None),
            ("https://a:http", None),
            ("https://*", None),
        ];
        for (pattern, wanted) in cases {
            let host = AllowedHost { pattern: pattern.to_owned(), uses: vec![HostUse::Data] };
            let got = grant(&host, false).ok();
            let got = got.as_ref().map(|it| (it.scheme.as_str(), it.host.as_str(), it.port));
            assert_eq!(got, wanted, "{pattern}");
        }
    }

    #[test]
    fn any_host_is_for_public_downloads_alone() {
        let host = |pattern: &str, uses| AllowedHost { pattern: pattern.to_owned(), uses };
        let download = vec![HostUse::AnyPublicDownload];
        assert!(grant(&host("https://*", download.clone()), false).is_ok());
        assert!(grant(&host("http://*", download), false).is_err());
        let both = vec![HostUse::AnyPublicDownload, HostUse::Credentials];
        assert!(grant(&host("https://*", both), false).is_err());
    }
}
