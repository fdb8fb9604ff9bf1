//! The description as one page: static HTML without scripts, images or anything to load, light and
//! dark, readable on a telephone. It shows what the document says and knows nothing itself.

mod operation;
mod schema;
mod text;

use serde_json::{Map, Value};

use operation::Operation;
use text::{escaped, inline, prose};

/// The page's style; its hash is in the content security policy.
pub(super) const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn render(document: &Value) -> String {
    let info = document.get("info").unwrap_or(&Value::Null);
    let title = escaped(word(info, "title"));
    let version = escaped(word(info, "version"));
    let operations = Operation::all(document);
    let sections = tags(document).iter().map(|tag| section(document, tag, &operations));
    let sections: String = sections.collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} API</title><style>{STYLE}</style></head><body>\
         <header><h1>{title} API</h1><p>Release {version}; the same for programs: \
         <a href=\"/openapi.json\">openapi.json</a></p>{}</header>\
         <nav>{}</nav><main>{sections}{}{}</main></body></html>\n",
        prose(word(info, "description")),
        contents(document),
        refusals(document),
        schemas(document),
    )
}

fn tags(document: &Value) -> &[Value] {
    document.get("tags").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn contents(document: &Value) -> String {
    let entry = |name: &str, text: &str| {
        let name = escaped(name);
        format!("<li><a href=\"#{name}\">{name}</a>: {}</li>", inline(text))
    };
    let tags = tags(document).iter().map(|tag| entry(word(tag, "name"), word(tag, "description")));
    let tags: String = tags.collect();
    let refusals = entry("refusals", "what the statuses of refusals mean");
    let schemas = entry("schemas", "what requests and answers are made of");
    format!("<ul>{tags}{refusals}{schemas}</ul>")
}

fn section(document: &Value, tag: &Value, operations: &[Operation<'_>]) -> String {
    let name = word(tag, "name");
    let shown = operations.iter().filter(|operation| operation.has_tag(name));
    let shown: String = shown.map(|operation| operation.render(document)).collect();
    let (name, description) = (escaped(name), prose(word(tag, "description")));
    format!("<section id=\"{name}\"><h2>{name}</h2>{description}{shown}</section>")
}

fn refusals(document: &Value) -> String {
    let all = object(document, "/components/responses");
    let entries = all.filter(|(status, _)| super::document::is_refusal(status));
    let entries: String = entries
        .map(|(status, it)| {
            let why = inline(word(it, "description"));
            format!("<dt><code>{status}</code></dt><dd>{why}</dd>")
        })
        .collect();
    format!("<section id=\"refusals\"><h2>refusals</h2><dl>{entries}</dl></section>")
}

fn schemas(document: &Value) -> String {
    let all = object(document, "/components/schemas").map(|(name, it)| schema::named(name, it));
    let all: String = all.collect();
    format!("<section id=\"schemas\"><h2>schemas</h2>{all}</section>")
}

fn object<'d>(document: &'d Value, pointer: &str) -> impl Iterator<Item = (&'d String, &'d Value)> {
    document.pointer(pointer).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// A text property; empty where it is absent.
fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// What a local `$ref` points at; anything else is itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let target = word(value, "$ref").strip_prefix('#').and_then(|at| document.pointer(at));
    target.unwrap_or(value)
}
