//! Recorded exchanges, read from an adapter's `fixtures/*.jsonl`.
//!
//! Reads text only; which file it came from is the test's business.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Exchange;

/// Exchanges of one fixture file: one JSON object a line, `{"q":{…},"r":{…}}`.
///
/// `q.m` method, `q.p` path with query or `q.u` full address, `q.h` headers that must be there,
/// `q.b` body (JSON or text), `q.f` form fields; `r.s` status, `r.h` headers, `r.b` body. The order
/// of lines is no script: several may answer the same request, as variants to choose from.
#[derive(Clone, Debug)]
pub struct Fixtures(Vec<Exchange>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    q: Question,
    r: Reply,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    m: String,
    p: Option<String>,
    u: Option<String>,
    #[serde(default)]
    h: BTreeMap<String, String>,
    b: Option<serde_json::Value>,
    #[serde(default)]
    f: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    s: u16,
    #[serde(default)]
    h: BTreeMap<String, String>,
    b: Option<serde_json::Value>,
}

impl Fixtures {
    /// Reads a fixture file's text.
    ///
    /// # Panics
    /// On a line that is not of the format, naming it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let read = |(number, line): (usize, &str)| match serde_json::from_str::<Line>(line) {
            Ok(line) => exchange(line),
            Err(e) => panic!("line {} of the fixtures: {e}", number.saturating_add(1)),
        };
        Self(lines.map(read).collect())
    }

    /// The first exchange of a method and a path that starts so.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn get(&self, method: &str, path: &str) -> Exchange {
        self.variant(method, path, 0)
    }

    /// One of several such exchanges, counted from 0 in the order of the file.
    ///
    /// # Panics
    /// Where there are not so many.
    #[must_use]
    pub fn variant(&self, method: &str, path: &str, index: usize) -> Exchange {
        let fits = |e: &&Exchange| e.method == method && e.address.starts_with(path);
        match self.0.iter().filter(fits).nth(index) {
            Some(exchange) => exchange.clone(),
            None => panic!("no fixture {index} of {method} {path}"),
        }
    }
}

fn exchange(line: Line) -> Exchange {
    let address = line.q.p.or(line.q.u).unwrap_or_default();
    let mut exchange = Exchange::new(&line.q.m, &address).answer(line.r.s);
    exchange.headers.extend(line.q.h);
    exchange.form.extend(line.q.f);
    exchange.body = line.q.b;
    for (name, value) in &line.r.h {
        exchange = exchange.header(name, value);
    }
    match line.r.b {
        None => exchange,
        Some(serde_json::Value::String(text)) => exchange.text(&text),
        Some(json) => exchange.json(json),
    }
}
