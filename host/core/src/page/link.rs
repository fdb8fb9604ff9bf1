//! The `Link` header of a listing (contract 1.5). Clients follow it to the character.

use std::fmt::Write;

use super::Page;

/// The `Link` header for a page of `total` rows, or `None` where there is neither a page before
/// nor one after. `path_and_query` is that of the request; it is relative, as in Harbor.
///
/// The query is shown unescaped, with its keys in order. What a client could not read back (`&`,
/// `#`, `%`, `+`, `<`, `>`, `"`) or a header cannot hold stays escaped.
#[must_use]
pub fn link_header(path_and_query: &str, page: Page, total: u64) -> Option<String> {
    let size = u64::try_from(page.size).ok().filter(|size| *size > 0)?;
    let number = u64::try_from(page.number).unwrap_or(1).max(1);
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| !matches!(key.as_ref(), "page" | "page_size"))
        .map(|(key, value)| (readable(&key), readable(&value)))
        .collect();
    pairs.push(("page_size".to_owned(), size.to_string()));
    // The sort is stable: values of a repeated key keep their order.
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let link = |number: u64, rel: &str| {
        let mut all = pairs.clone();
        let at = all.partition_point(|(key, _)| key.as_str() < "page");
        all.insert(at, ("page".to_owned(), number.to_string()));
        let query: Vec<String> =
            all.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("<{path}?{}>; rel=\"{rel}\"", query.join("&"))
    };
    let mut links = Vec::new();
    if number > 1 && (number - 1).saturating_mul(size) < total {
        links.push(link(number - 1, "prev"));
    }
    if number.saturating_mul(size) < total {
        links.push(link(number + 1, "next"));
    }
    (!links.is_empty()).then(|| links.join(" , "))
}

fn readable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && !b"&#%+<>\"".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(shown, "%{byte:02X}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(path_and_query: &str, number: i64, size: i64, total: u64) -> String {
        link_header(path_and_query, Page { number, size }, total).unwrap_or_default()
    }

    #[test]
    fn contract_1_5_vectors() {
        let cases = [
            (
                "/api/artifacts?page=1&page_size=1",
                1,
                r#"</api/artifacts?page=2&page_size=1>; rel="next""#,
            ),
            (
                "/api/artifacts?page=3&page_size=1",
                3,
                r#"</api/artifacts?page=2&page_size=1>; rel="prev""#,
            ),
            (
                "/api/artifacts?page=2&page_size=1",
                2,
                r#"</api/artifacts?page=1&page_size=1>; rel="prev" , </api/artifacts?page=3&page_size=1>; rel="next""#,
            ),
            (
                "/api/library%252Fhello-world/artifacts?page=2&page_size=1&q=a%3D~b",
                2,
                r#"</api/library%252Fhello-world/artifacts?page=1&page_size=1&q=a=~b>; rel="prev" , </api/library%252Fhello-world/artifacts?page=3&page_size=1&q=a=~b>; rel="next""#,
            ),
            ("/api/v2.0/registries", 1, r#"</api/v2.0/registries?page=2&page_size=1>; rel="next""#),
            (
                "/r?sort=-name&q=name=~a+b&name=&a=2&a=1&page=9",
                1,
                r#"</r?a=2&a=1&name=&page=2&page_size=1&q=name=~a b&sort=-name>; rel="next""#,
            ),
            (
                "/r?q=a%26b%25%2B%0d%0a%3e%22%c3%a9",
                1,
                r#"</r?page=2&page_size=1&q=a%26b%25%2B%0D%0A%3E%22%C3%A9>; rel="next""#,
            ),
        ];
        for (request, number, expected) in cases {
            assert_eq!(link(request, number, 1, 3), expected, "{request}");
        }
    }

    #[test]
    fn contract_1_5_when_there_is_a_page_before_or_after() {
        let rels = |number, size, total| {
            let header = link("/r", number, size, total);
            (header.contains("prev"), header.contains("next"))
        };
        let cases = [
            ((1, 10, 0), (false, false)),
            ((1, 10, 10), (false, false)),
            ((1, 10, 11), (false, true)),
            ((2, 10, 20), (true, false)),
            ((2, 10, 21), (true, true)),
            // Past the end there is no way back, as in Harbor.
            ((4, 10, 21), (false, false)),
            ((0, 10, 11), (false, true)),
            ((1, 0, 100), (false, false)),
            ((2, -1, 100), (false, false)),
            ((i64::MAX, i64::MAX, u64::MAX), (false, false)),
        ];
        for ((number, size, total), expected) in cases {
            assert_eq!(rels(number, size, total), expected, "{number} {size} {total}");
        }
    }

    proptest! {
        #[test]
        fn a_header_holds_it_and_a_client_reads_it_back(q in ".{0,20}", number in 1_i64..5) {
            let request: String =
                url::form_urlencoded::Serializer::new("/r?".to_owned()).append_pair("q", &q).finish();
            let header = link(&request, number, 1, 3);
            prop_assert!(header.bytes().all(|b| matches!(b, b' '..=b'~')));
            for item in header.split(" , ").filter(|_| !q.contains(" , ") && number < 4) {
                let target = item.strip_prefix("</r?").unwrap().split('>').next().unwrap();
                let read = url::form_urlencoded::parse(target.as_bytes()).find(|(k, _)| k == "q");
                prop_assert_eq!(read.unwrap().1.into_owned(), q.clone());
            }
        }
    }
}
