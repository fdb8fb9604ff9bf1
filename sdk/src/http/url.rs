//! The little of RFC 3986 that an adapter needs: percent-encoding and references.
//!
//! The host parses and checks every address again; nothing here decides where a request may go.

use core::fmt::Write as _;
use std::borrow::Cow;

/// Percent-encodes everything but unreserved characters (RFC 3986 2.3): for one path segment or
/// one query value.
#[must_use]
pub fn encode(text: &str) -> String {
    encode_but(text, b"")
}

/// The same, but leaves `/` as it is: for a repository name in a path.
#[must_use]
pub fn encode_path(text: &str) -> String {
    encode_but(text, b"/")
}

fn encode_but(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Undoes [`encode`]; text that is not percent-encoded UTF-8 stays as it is.
#[must_use]
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = after.split_first_chunk().filter(|_| *byte == b'%');
        let escaped = escaped.and_then(|(&[high, low], after)| {
            let digit = |hex: u8| char::from(hex).to_digit(16).and_then(|it| u8::try_from(it).ok());
            Some((digit(high)? * 16 + digit(low)?, after))
        });
        let (byte, after) = escaped.unwrap_or((*byte, after));
        out.push(byte);
        rest = after;
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// `scheme://host[:port]` of an absolute address; `None` for anything else.
#[must_use]
pub fn origin(url: &str) -> Option<&str> {
    let (_, rest) = scheme(url)?;
    let after = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..url.len().checked_sub(rest.len())?.checked_add(after)?)
}

/// The scheme, and what follows `://`. By one character: what looks for several is three kilobytes
/// of a component.
pub(crate) fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    Some((scheme, rest.strip_prefix("//")?))
}

/// Resolves a reference against the absolute address of the answer that held it (RFC 3986 5.2,
/// without dot segments: the host removes those).
#[must_use]
pub fn resolve(base: &str, reference: &str) -> String {
    let has_scheme = scheme(reference)
        .is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '?', '#']));
    if has_scheme {
        return reference.to_owned();
    }
    let base = base.split('#').next().unwrap_or(base);
    let base_origin = origin(base).unwrap_or_default();
    let path = base.split('?').next().unwrap_or(base);
    if let Some(rest) = reference.strip_prefix("//") {
        let scheme = scheme(base_origin).map_or("https", |(scheme, _)| scheme);
        format!("{scheme}://{rest}")
    } else if reference.starts_with('/') {
        format!("{base_origin}{reference}")
    } else if reference.is_empty() {
        base.to_owned()
    } else if reference.starts_with('?') {
        format!("{path}{reference}")
    } else if path.len() == base_origin.len() {
        format!("{base_origin}/{reference}")
    } else {
        let folder = path.rfind('/').and_then(|end| path.get(..end)).unwrap_or(base_origin);
        format!("{folder}/{reference}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        for (text, expected) in [
            ("team/app", "team/app"),
            ("team%2Fapp%2f%C3%A4", "team/app/ä"),
            ("100%", "100%"),
            ("%2", "%2"),
            ("%+1%zz%41", "%+1%zzA"),
            ("%FF", "%FF"),
            ("a+b", "a+b"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    #[test]
    fn encodes() {
        for (text, whole, path) in [
            ("library/alpine", "library%2Falpine", "library/alpine"),
            ("a b&c=d", "a%20b%26c%3Dd", "a%20b%26c%3Dd"),
            ("v1.2_3-x~", "v1.2_3-x~", "v1.2_3-x~"),
            ("ü", "%C3%BC", "%C3%BC"),
        ] {
            assert_eq!(encode(text), whole);
            assert_eq!(encode_path(text), path);
        }
    }

    #[test]
    fn resolves_against_the_request() {
        let base = "https://h.test:5000/prefix/v2/_catalog?n=2";
        for (reference, expected) in [
            ("/v2/_catalog?last=b", "https://h.test:5000/v2/_catalog?last=b"),
            ("https://o.test/x", "https://o.test/x"),
            ("//o.test/x", "https://o.test/x"),
            ("?last=b&n=2", "https://h.test:5000/prefix/v2/_catalog?last=b&n=2"),
            ("_catalog?last=b", "https://h.test:5000/prefix/v2/_catalog?last=b"),
            ("", base),
            ("/a?next=https://o.test/", "https://h.test:5000/a?next=https://o.test/"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{reference}");
        }
        assert_eq!(resolve("https://h.test", "x"), "https://h.test/x");
    }

    #[test]
    fn origins() {
        assert_eq!(origin("https://h.test:5000/p?q"), Some("https://h.test:5000"));
        assert_eq!(origin("http://h"), Some("http://h"));
        assert_eq!(origin("/v2/"), None);
    }
}
