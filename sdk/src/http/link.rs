//! `Link` headers (RFC 8288), read leniently.
//!
//! Servers in the field join several links by commas, leave `rel` unquoted, and some forget the
//! angle brackets; all of it is taken.

/// The target of the first link with the relation `next`, as written.
pub(crate) fn next<'a>(values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    values.flat_map(split_links).find_map(|link| {
        let (target, params) = split_target(link)?;
        is_next(params).then_some(target)
    })
}

/// Cuts a header value at the commas that are neither inside `<…>` nor inside quotes.
fn split_links(value: &str) -> impl Iterator<Item = &str> {
    let (mut bracket, mut quote) = (false, false);
    value.split(move |c: char| {
        match c {
            '<' if !quote => bracket = true,
            '>' if !quote => bracket = false,
            '"' if !bracket => quote = !quote,
            _ => {}
        }
        c == ',' && !bracket && !quote
    })
}

fn split_target(link: &str) -> Option<(&str, &str)> {
    let link = link.trim();
    match link.strip_prefix('<') {
        Some(rest) => rest.split_once('>'),
        None => link.split_once(';').map(|(target, params)| (target.trim(), params)),
    }
}

fn is_next(params: &str) -> bool {
    params.split(';').filter_map(|param| param.split_once('=')).any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("rel")
            && value
                .trim()
                .trim_matches('"')
                .split_ascii_whitespace()
                .any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_next() {
        for (value, expected) in [
            (
                r#"</v2/_catalog?last=b%2Fapp&n=2>; rel="next""#,
                Some("/v2/_catalog?last=b%2Fapp&n=2"),
            ),
            ("</v2/x?n=1>; rel=next", Some("/v2/x?n=1")),
            ("/v2/x?n=1; rel=\"next\"", Some("/v2/x?n=1")),
            (r#"</p?page=1>; rel="prev" , </p?page=3>; rel="next""#, Some("/p?page=3")),
            (r#"</p?q=a,b>; title="x,y"; REL="last Next""#, Some("/p?q=a,b")),
            (r#"</p?page=1>; rel="prev""#, None),
            ("garbage", None),
            ("", None),
        ] {
            assert_eq!(next([value].into_iter()), expected, "{value}");
        }
        assert_eq!(next(["<a>; rel=prev", "<b>; rel=next"].into_iter()), Some("b"));
    }
}
