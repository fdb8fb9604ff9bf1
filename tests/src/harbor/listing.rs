//! Pages as Harbor cuts them: 10 rows unless told otherwise, 100 at most, `X-Total-Count`, and a
//! `Link` whose query is not escaped.

use hyper::{StatusCode, Uri};
use serde_json::Value;

use super::{Answer, document, refusal};

pub(super) fn query(uri: &Uri) -> Vec<(String, String)> {
    let text = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The page of `rows` that the query asks for.
pub(super) fn page(uri: &Uri, rows: Vec<Value>) -> Answer {
    let mut rest = query(uri);
    let mut take = |name: &str, default: usize| {
        let found = rest.iter().position(|(key, _)| key == name).map(|at| rest.remove(at).1);
        found.map_or(Ok(default), |text| text.parse())
    };
    let (Ok(page), Ok(size)) = (take("page", 1), take("page_size", 10)) else {
        return refusal(422, "UNPROCESSABLE_ENTITY", "validation failure list:\nno int64");
    };
    if size > 100 {
        let message = "validation failure list:\npage_size in query should be less than or \
                       equal to 100";
        return refusal(422, "UNPROCESSABLE_ENTITY", message);
    }
    let total = rows.len();
    let link = |page: usize, rel: &str| {
        let mut pairs = rest.clone();
        pairs.push(("page".to_owned(), page.to_string()));
        pairs.push(("page_size".to_owned(), size.to_string()));
        pairs.sort();
        let text: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("<{}?{}>; rel=\"{rel}\"", uri.path(), text.join("&"))
    };
    let mut links = Vec::new();
    if page > 1 && (page - 1) * size < total {
        links.push(link(page - 1, "prev"));
    }
    if page * size < total {
        links.push(link(page + 1, "next"));
    }
    let rows: Vec<_> = rows.into_iter().skip(page.saturating_sub(1) * size).take(size).collect();
    let mut answer = document(StatusCode::OK, &Value::Array(rows));
    answer.headers_mut().insert("x-total-count", total.into());
    if !links.is_empty() {
        let value = links.join(" , ").parse().expect("a header");
        answer.headers_mut().insert("link", value);
    }
    answer
}
