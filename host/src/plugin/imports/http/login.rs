//! Addresses that may receive the secret in a body: those the adapter declared as `login-urls`.
//! Whether their host may have it at all is asked of `net` when the request is sent.

use portolan_core::endpoint::EndpointUrl;
use url::Url;

/// Checks an address against the declared patterns.
///
/// # Errors
/// A sentence for the adapter's author.
pub(super) fn check(patterns: &[String], endpoint: &EndpointUrl, url: &Url) -> Result<(), String> {
    if patterns.iter().any(|pattern| matches(pattern, endpoint, url)) {
        return Ok(());
    }
    Err(format!(
        "a body with the secret may not be sent to {}{}: the adapter's `login-urls` do not \
         declare it",
        url.origin().ascii_serialization(),
        url.path()
    ))
}

/// A pattern is exact, or has `*` for one label of the host or one segment of the path. One that
/// starts with `/` is below the endpoint. The query is not looked at.
fn matches(pattern: &str, endpoint: &EndpointUrl, url: &Url) -> bool {
    let whole = match pattern.strip_prefix('/') {
        Some(_) => format!("{}{pattern}", endpoint.base()),
        None => pattern.to_owned(),
    };
    let Some((scheme, rest)) = whole.split_once("://") else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, None),
    };
    let default = match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => return false,
    };
    let given_path = url.path().strip_prefix('/').unwrap_or_default();
    scheme == url.scheme()
        && port.or(default) == url.port_or_known_default()
        && same(&host.to_ascii_lowercase(), url.host_str().unwrap_or_default(), '.')
        && same(path, given_path, '/')
}

fn same(pattern: &str, text: &str, separator: char) -> bool {
    let (mut wanted, mut given) = (pattern.split(separator), text.split(separator));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(part)) if !part.is_empty() => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_label_by_label() {
        let cases = [
            ("https://l.example/token", "https://l.example/token?x=1", true),
            ("https://l.example/token", "https://l.example:443/token", true),
            ("https://l.example/token", "https://l.example:8443/token", false),
            ("https://l.example:8443/token", "https://l.example:8443/token", true),
            ("https://l.example/token", "http://l.example/token", false),
            ("https://l.example/token", "https://l.example/token/more", false),
            ("https://l.example/*/token", "https://l.example/tenant/token", true),
            ("https://l.example/*/token", "https://l.example/a/b/token", false),
            ("https://l.example/*/token", "https://l.example//token", false),
            ("https://*.example/", "https://a.example/", true),
            ("https://*.example/", "https://a.b.example/", false),
            ("https://*.example/", "https://example/", false),
            ("https://L.Example/token", "https://l.example/token", true),
            ("/v2/login", "https://hub.example/base/v2/login", true),
            ("/v2/login", "https://hub.example/v2/login", false),
            ("l.example/token", "https://l.example/token", false),
            ("*", "https://l.example/token", false),
        ];
        let endpoint = "https://hub.example/base".parse().unwrap();
        for (pattern, url, wanted) in cases {
            let got = matches(pattern, &endpoint, &Url::parse(url).unwrap());
            assert_eq!(got, wanted, "{pattern} {url}");
        }
    }
}
