//! `resolve-chart`'s answer, checked. Whether its addresses may be used is asked of the egress rules
//! when they are.

use portolan_bindings::v0_1::{
    exports::portolan::adapter::foreign_content as wit, portolan::adapter::types::KeyValue,
};
use portolan_core::provider::ChartLocation;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;

use super::{malformed, shown};
use crate::plugin::PluginError;

/// Longest address in bytes.
const MAX_URL: usize = 8 << 10;

/// Where a chart is.
pub(in crate::plugin) fn location(chart: wit::Chart) -> Result<ChartLocation, PluginError> {
    let digest = chart.digest.map(|text| {
        text.parse().map_err(|_| malformed(&format!("`{}` is no digest", shown(&text, 200))))
    });
    let provenance = chart.provenance.map(|text| address(&text, &["https", "http"]));
    Ok(ChartLocation {
        url: address(&chart.url, &["https", "http", "oci"])?,
        digest: digest.transpose()?,
        provenance: provenance.transpose()?,
        created: created(&chart.extra),
    })
}

fn address(text: &str, schemes: &[&str]) -> Result<Url, PluginError> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL);
    let plain = |url: &Url| {
        schemes.contains(&url.scheme())
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
    };
    let mut url = url
        .filter(plain)
        .ok_or_else(|| malformed(&format!("`{}` is no address of a chart", shown(text, 200))))?;
    url.set_fragment(None);
    Ok(url)
}

/// `created` among the additions: RFC 3339, or seconds since 1970. What is neither tells nothing.
fn created(extra: &[KeyValue]) -> Option<OffsetDateTime> {
    let text = &extra.iter().find(|pair| pair.key == "created")?.value;
    match text.parse() {
        Ok(seconds) => OffsetDateTime::from_unix_timestamp(seconds).ok(),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(url: &str) -> wit::Chart {
        wit::Chart { url: url.to_owned(), digest: None, provenance: None, extra: Vec::new() }
    }

    #[test]
    fn addresses_are_plain() {
        for (url, expected) in [
            ("https://h.test/Case/A.tgz?x=1#y", Some("https://h.test/Case/A.tgz?x=1")),
            ("http://h.test/a", Some("http://h.test/a")),
            ("oci://h.test:5000/a/b:1.0", Some("oci://h.test:5000/a/b:1.0")),
            ("https://u:p@h.test/a", None),
            ("file:///etc/passwd", None),
            ("ftp://h.test/a", None),
            ("a.tgz", None),
            ("", None),
        ] {
            let read = location(chart(url)).ok();
            assert_eq!(read.as_ref().map(|it| it.url.as_str()), expected, "{url}");
        }
        let provenance = Some("oci://h.test/a".to_owned());
        assert!(location(wit::Chart { provenance, ..chart("https://h.test/a") }).is_err());
        let digest = Some("sha256:12".to_owned());
        assert!(location(wit::Chart { digest, ..chart("https://h.test/a") }).is_err());
    }

    #[test]
    fn instants_are_told_in_two_ways() {
        for (text, expected) in [
            ("2016-10-06T16:23:20.499814565-06:00", Some(1_475_792_600)),
            ("1475792600", Some(1_475_792_600)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800)),
            ("yesterday", None),
        ] {
            let extra = vec![KeyValue { key: "created".to_owned(), value: text.to_owned() }];
            let read = location(wit::Chart { extra, ..chart("https://h.test/a") }).unwrap();
            assert_eq!(read.created.map(|at| at.unix_timestamp()), expected, "{text}");
        }
    }
}
