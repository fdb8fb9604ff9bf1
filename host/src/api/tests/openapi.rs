//! The description of the API held against the API: its routes and roles, its examples, what it
//! calls required, and the page made of it. `described` holds every answer against it that any test
//! of the router sees; `voyage` asks for every operation once.

pub(super) mod described;
mod voyage;

use std::collections::BTreeSet;

use axum::{Router, body::Body};
use portolan_core::account::Role;
use serde_json::{Map, Value, json};

use super::{
    Seen,
    accounts::{ROUTES, basic},
    api, request, send,
};
use described::{DESCRIBED, Operation};

async fn as_admin(api: &Router, line: &str, body: &Value) -> Seen {
    let request = request(line)
        .header("authorization", basic("admin", "right"))
        .header("content-type", "application/json");
    send(api.clone(), request.body(Body::from(body.to_string())).unwrap()).await
}

#[test]
fn every_route_is_described_and_nothing_else_and_says_who_may() {
    let role = |role: &Option<Role>| role.map_or("anyone".to_owned(), |role| role.to_string());
    // The console's own files are no part of the API.
    let is_console = |line: &str| line == "GET /" || line.starts_with("GET /console/");
    let routes = ROUTES.iter().filter(|(line, _)| !is_console(line));
    let routes: BTreeSet<(String, String)> =
        routes.map(|(line, least)| ((*line).to_owned(), role(least))).collect();
    let described: BTreeSet<(String, String)> = DESCRIBED
        .operations()
        .map(|it| (it.line(), it.value["x-role"].as_str().unwrap().to_owned()))
        .collect();
    let missing: Vec<_> = routes.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routes).collect();
    assert!(missing.is_empty(), "describe these in openapi/*.json: {missing:?}");
    assert!(invented.is_empty(), "these are no routes: {invented:?}");
}

#[test]
fn operations_are_complete() {
    let mut ids = BTreeSet::new();
    for operation in DESCRIBED.operations() {
        let line = operation.line();
        let value = operation.value;
        assert!(ids.insert(value["operationId"].as_str().unwrap()), "{line}: the id is taken");
        assert!(value["summary"].as_str().is_some_and(|text| !text.ends_with('.')), "{line}");
        let tag = &value["tags"][0];
        let tags = DESCRIBED.document["tags"].as_array().unwrap();
        assert!(tags.iter().any(|known| known["name"] == *tag), "{line}: {tag}");
        let bound: BTreeSet<&str> = operation
            .parameters()
            .filter(|it| it["in"] == "path")
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let named = operation.path.split('{').skip(1).map(|it| it.split('}').next().unwrap());
        assert_eq!(bound, named.collect(), "{line}: parameters of the path");
    }
}

#[test]
fn every_reference_leads_somewhere_and_all_that_is_shared_is_used() {
    let text = DESCRIBED.raw.to_string();
    let used: BTreeSet<&str> =
        text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for pointer in &used {
        assert!(DESCRIBED.raw.pointer(pointer).is_some(), "{pointer} is not there");
    }
    for kind in ["schemas", "responses", "parameters", "headers"] {
        for name in DESCRIBED.raw["components"][kind].as_object().unwrap().keys() {
            let pointer = format!("/components/{kind}/{name}");
            assert!(used.contains(pointer.as_str()), "nothing uses {pointer}");
        }
    }
}

/// Loopback instead of the address people read.
fn example(operation: &Operation<'_>) -> Option<Value> {
    let text = operation.media()?.get("example")?.to_string();
    Some(
        serde_json::from_str(&text.replace("https://registry.example.com", "http://127.0.0.1:1"))
            .unwrap(),
    )
}

/// The address of an operation with its parameters' examples; ids are those of nothing.
fn address(operation: &Operation<'_>) -> String {
    let mut line = operation.line();
    for parameter in operation.parameters().filter(|it| it["in"] == "path") {
        let value = match &parameter["example"] {
            Value::String(text) => text.replace('/', "%2F"),
            _ => "987".to_owned(),
        };
        line = line.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), &value);
    }
    line
}

#[test]
fn examples_fit_their_schemas() {
    let mut seen = 0;
    for operation in DESCRIBED.operations() {
        if operation.media().is_none() {
            continue;
        }
        let Some(example) = example(&operation) else {
            assert_eq!(operation.value["operationId"], "installPlugin", "{}", operation.line());
            continue;
        };
        let fits = DESCRIBED.fits(&operation.body_schema(), &example);
        assert_eq!(fits, Ok(()), "{}", operation.line());
        seen += 1;
    }
    assert!(seen > 15, "{seen} examples");
}

/// What a body's schema requires, wherever it says so.
fn required(operation: &Operation<'_>) -> Vec<String> {
    let schema = &operation.media().unwrap()["schema"];
    let schema = DESCRIBED.resolved(schema);
    let names = schema["required"].as_array().cloned().unwrap_or_default();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_required_is_and_what_is_unknown_is_ignored() {
    let api = api().await;
    let mut dropped = 0;
    // What a webhook's body is, its registry says.
    let ours = DESCRIBED.operations().filter(|it| !it.path.starts_with("/hooks/"));
    for operation in ours {
        let Some(whole) = example(&operation) else { continue };
        let line = address(&operation);
        for name in required(&operation) {
            for absent in [None, Some(Value::Null)] {
                let mut body: Map<String, Value> = whole.as_object().unwrap().clone();
                body.remove(&name);
                body.extend(absent.map(|null| (name.clone(), null)));
                let seen = as_admin(&api, &line, &Value::Object(body)).await;
                assert!((400..500).contains(&seen.status), "{line} without {name}: {}", seen.body);
                dropped += 1;
            }
        }
        let mut more = whole.clone();
        more["unknown"] = json!({"deep": [1]});
        assert_eq!(DESCRIBED.fits(&operation.body_schema(), &more), Ok(()), "{line}");
        let seen = as_admin(&api, &line, &more).await;
        assert_ne!(seen.status, 422, "{line}: {}", seen.body);
        let seen = as_admin(&api, &line, &json!([null, null, null])).await;
        assert_eq!(seen.status, 422, "{line} with a list: {}", seen.body);
    }
    assert!(dropped > 20, "{dropped} properties were left out");
}

#[tokio::test]
async fn the_document_and_the_page_are_kept_by_clients() {
    let api = api().await;
    for (path, kind) in [("/openapi.json", "application/json"), ("/docs", "text/html")] {
        let line = format!("GET {path}");
        let seen = send(api.clone(), request(&line).body(Body::empty()).unwrap()).await;
        assert_eq!(seen.status, 200, "{path}");
        assert!(seen.headers["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        assert_eq!(seen.headers["cache-control"], "no-cache");
        let tag = seen.headers["etag"].to_str().unwrap().to_owned();
        let cases = [
            (tag.clone(), 304),
            (format!("\"other\", W/{tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
        ];
        for (known, status) in cases {
            let request = request(&line).header("if-none-match", &known).body(Body::empty());
            let seen = send(api.clone(), request.unwrap()).await;
            assert_eq!(seen.status, status, "{path} {known}");
            assert_eq!(seen.body.is_empty(), status == 304, "{path} {known}");
        }
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_asks_for_nothing() {
    let seen = send(api().await, request("GET /docs").body(Body::empty()).unwrap()).await;
    let policy = seen.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("style-src 'sha256-"));
    for operation in DESCRIBED.operations() {
        let id = operation.value["operationId"].as_str().unwrap();
        assert!(seen.body.contains(&format!("<article id=\"{id}\">")), "{id}");
    }
    for name in DESCRIBED.raw["components"]["schemas"].as_object().unwrap().keys() {
        assert!(seen.body.contains(&format!("id=\"schema-{name}\"")), "{name}");
    }
    for asking in ["<script", "src=", "<link", "<img", "url(", "@import", "href=\"http"] {
        assert!(!seen.body.contains(asking), "{asking}");
    }
    for link in seen.body.split("href=\"#").skip(1) {
        let target = link.split('"').next().unwrap();
        assert!(seen.body.contains(&format!("id=\"{target}\"")), "#{target} is not there");
    }
    for element in ["section", "article", "dl", "dd", "dt", "p", "pre", "code", "nav", "main"] {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let with = format!("<{element} ");
        let opened = seen.body.matches(&open).count() + seen.body.matches(&with).count();
        assert_eq!(opened, seen.body.matches(&close).count(), "{element}");
    }
}
