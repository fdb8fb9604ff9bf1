//! `oci:NAME`: an image layout on this machine, as an endpoint's address.
//!
//! Requests go to `NAME.oci-layout.invalid`, which no DNS has (RFC 6761) and no packet goes to.

use super::EndpointUrl;

/// What such an address begins with.
pub(super) const PREFIX: &str = "oci:";
/// What the host of its requests ends with.
const SUFFIX: &str = ".oci-layout.invalid";
/// Longest name, in bytes: that of a label of the DNS.
const MAX_NAME: usize = 63;

/// Checks the name of a layout: words of lower-case letters and digits with a single `.` or `-`
/// between them, of which the first begins with a letter. So it is one component of a path.
///
/// # Errors
/// The rule, where it is broken.
pub fn check_layout_name(name: &str) -> Result<(), String> {
    let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if letter && name.len() <= MAX_NAME && name.split(['.', '-']).all(word) {
        return Ok(());
    }
    Err("the name of an image layout has lower-case letters, digits and a single . or - between \
         them, begins with a letter, and has at most 63 characters"
        .to_owned())
}

/// The layout that a host's name stands for.
#[must_use]
pub fn layout_of_host(host: &str) -> Option<&str> {
    host.strip_suffix(SUFFIX).filter(|name| check_layout_name(name).is_ok())
}

/// The layout that requests to `url` go to.
pub(super) fn of_host(url: &url::Url) -> Option<&str> {
    url.host_str().and_then(layout_of_host)
}

/// Reads `oci:NAME`; `None` for what is no such address, as `oci:5000` is a host with a port.
pub(super) fn parse(text: &str) -> Option<Result<EndpointUrl, String>> {
    let name = text.strip_prefix(PREFIX)?;
    let port = name.bytes().next().is_none_or(|b| b.is_ascii_digit()) || name.starts_with("//");
    if port {
        return None;
    }
    let url = check_layout_name(name).and_then(|()| {
        url::Url::parse(&format!("http://{name}{SUFFIX}/")).map_err(|error| error.to_string())
    });
    let text = text.to_owned();
    Some(url.map(|url| EndpointUrl { stored: text.clone(), text, url }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_known_by_its_name_alone() {
        for (text, name) in [
            ("oci:transfer", Some("transfer")),
            ("oci:edge-1.tar", Some("edge-1.tar")),
            ("oci:5000", None),
            ("http://transfer.oci-layout.invalid", None),
            ("https://registry.example.com", None),
        ] {
            let address: EndpointUrl = text.parse().unwrap();
            assert_eq!(address.layout(), name, "{text}");
            let stored: EndpointUrl = String::from(address.clone()).parse().unwrap();
            assert_eq!(stored, address);
        }
        for bad in
            ["oci:../x", "oci:a/b", "oci:a..b", "oci:.a", "oci:A", "oci:a_b", "oci:-a", "oci:a:b"]
        {
            assert!(bad.parse::<EndpointUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_stand_for_layouts() {
        let address: EndpointUrl = "oci:transfer.tar".parse().unwrap();
        assert_eq!(address.url().as_str(), "http://transfer.tar.oci-layout.invalid/");
        assert_eq!(layout_of_host("transfer.tar.oci-layout.invalid"), Some("transfer.tar"));
        for bad in ["transfer.tar", "..oci-layout.invalid", ".oci-layout.invalid", ""] {
            assert_eq!(layout_of_host(bad), None, "{bad}");
        }
    }
}
