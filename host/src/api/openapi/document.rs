//! The parts put together: the nouns' files, and what every operation has without saying so. The
//! files are plain OpenAPI but for two words: `x-role`, the least role, and `x-refusals`, the
//! statuses that are this operation's own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::api::guard;

const BASE: &str = include_str!("base.json");
const NOUNS: [&str; 14] = [
    include_str!("registries.json"),
    include_str!("providers.json"),
    include_str!("policies.json"),
    include_str!("executions.json"),
    include_str!("endpoints.json"),
    include_str!("hooks.json"),
    include_str!("plans.json"),
    include_str!("events.json"),
    include_str!("plugins.json"),
    include_str!("users.json"),
    include_str!("logins.json"),
    include_str!("system.json"),
    include_str!("daemon.json"),
    include_str!("absent.json"),
];
/// The keys of a path that are operations (OpenAPI 3.1, "Path Item Object").
pub(super) const METHODS: [&str; 5] = ["get", "head", "post", "put", "delete"];
/// What any request may be answered: a foreign `Host`, a fault, too much to do.
const ALWAYS: [u64; 3] = [421, 500, 503];

/// The whole document.
///
/// # Errors
/// Where a part is no JSON, which a test rules out.
pub(in crate::api) fn document() -> Result<Value, serde_json::Error> {
    let mut document: Value = serde_json::from_str(BASE)?;
    for noun in NOUNS {
        merge(&mut document, serde_json::from_str(noun)?);
    }
    let release = json!({"info": {"version": env!("CARGO_PKG_VERSION")}});
    merge(&mut document, release);
    if let Some(Value::Object(responses)) = document.pointer_mut("/components/responses") {
        responses.iter_mut().filter(|(name, _)| is_refusal(name)).for_each(|(_, it)| {
            let schema = json!({"$ref": "#/components/schemas/Error"});
            merge(it, json!({"content": {"application/json": {"schema": schema}}}));
        });
    }
    if let Some(Value::Object(paths)) = document.get_mut("paths") {
        paths.iter_mut().for_each(|(path, item)| complete(path, item));
    }
    Ok(document)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Component responses are named by their status where they are refusals.
pub(super) fn is_refusal(name: &str) -> bool {
    name.starts_with(['4', '5'])
}

fn complete(path: &str, item: &mut Value) {
    let bound = path.starts_with("/api/v2.0/") || item.get("parameters").is_some();
    let Value::Object(item) = item else { return };
    for (method, operation) in item {
        if let (true, Value::Object(operation)) = (METHODS.contains(&method.as_str()), operation) {
            let changes = !matches!(method.as_str(), "get" | "head");
            refusals(operation, changes || !guard::is_page(path), bound);
            access(operation, changes);
        }
    }
}

/// Adds the refusals that follow from what an operation takes and who may; `guarded` is refused to
/// pages of other sites.
fn refusals(operation: &mut Map<String, Value>, guarded: bool, bound: bool) {
    let own = operation.remove("x-refusals").unwrap_or_default();
    let own = own.as_array().into_iter().flatten().filter_map(Value::as_u64);
    let mut statuses: BTreeSet<u64> = own.chain(ALWAYS).collect();
    let role = role(operation);
    if role != "anyone" {
        statuses.extend([401, 429]);
    }
    if guarded {
        statuses.insert(403);
    }
    let has_body = operation.contains_key("requestBody");
    if has_body {
        statuses.extend([408, 413]);
    }
    if bound || has_body || operation.contains_key("parameters") {
        statuses.insert(422);
    }
    let Some(Value::Object(responses)) = operation.get_mut("responses") else { return };
    for status in statuses {
        let shared = json!({"$ref": format!("#/components/responses/{status}")});
        responses.entry(status.to_string()).or_insert(shared);
    }
}

/// Says who may: in words, and as the ways to log in.
fn access(operation: &mut Map<String, Value>, changes: bool) {
    let role = role(operation);
    let (who, security) = match (role, changes) {
        ("anyone", _) => ("Needs no login.".to_owned(), json!([])),
        (role, false) => {
            (format!("Role: `{role}`."), json!([{"basic": []}, {"bearer": []}, {"session": []}]))
        }
        (role, true) => (
            format!("Role: `{role}`."),
            json!([{"basic": []}, {"bearer": []}, {"session": [], "csrf": []}]),
        ),
    };
    let said = operation.get("description").and_then(Value::as_str).unwrap_or("");
    let description = [said, &who].join(if said.is_empty() { "" } else { "\n\n" });
    operation.insert("description".to_owned(), description.into());
    operation.insert("security".to_owned(), security);
}

/// The least role of an operation, or `anyone`.
pub(super) fn role(operation: &Map<String, Value>) -> &str {
    operation.get("x-role").and_then(Value::as_str).unwrap_or("admin")
}
