//! The document as a judge: whether an answer is one that it promises.

use std::{collections::BTreeMap, sync::LazyLock};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::api::{openapi::document, tests::Seen};

/// What the document is called while its schemas are compiled; nothing is asked for there.
const PLACE: &str = "https://openapi.invalid/";
const METHODS: [&str; 5] = ["get", "head", "post", "put", "delete"];

/// The document, compiled once for all tests.
pub(in crate::api::tests) static DESCRIBED: LazyLock<Described> = LazyLock::new(Described::new);

pub(in crate::api::tests) struct Described {
    /// As it is served.
    pub(super) raw: Value,
    /// Closed: a property that it does not name is one that no answer may have.
    pub(super) document: Value,
    schemas: Schemas,
    places: BTreeMap<String, SchemaIndex>,
}

/// A method of a path.
pub(in crate::api::tests) struct Operation<'d> {
    pub(super) method: &'d str,
    pub(super) path: &'d str,
    pub(super) value: &'d Value,
    item: &'d Value,
}

impl Described {
    fn new() -> Self {
        let raw = document().unwrap();
        let mut document = raw.clone();
        let names: Vec<String> =
            raw["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
        for name in names {
            let merged = flat(&raw, &raw["components"]["schemas"][&name]);
            document["components"]["schemas"][&name] = merged;
        }
        close(&mut document);
        let mut found = Vec::new();
        for part in ["/paths", "/components/responses", "/components/parameters"] {
            places(document.pointer(part).unwrap(), part, &mut found);
        }
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(PLACE, document.clone()).unwrap();
        let mut schemas = Schemas::new();
        let places = found.into_iter().map(|pointer| {
            let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
            let compiled = compiler.compile(&format!("{PLACE}#{fragment}"), &mut schemas);
            let index = compiled.unwrap_or_else(|error| panic!("{pointer}: {error:#}"));
            (pointer, index)
        });
        let places = places.collect();
        Self { raw, document, schemas, places }
    }

    /// Every operation.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        self.document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                Some(Operation { method, path, value: item.get(method)?, item })
            })
        })
    }

    pub(super) fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(target) => self.document.pointer(&target[1..]).unwrap(),
            None => value,
        }
    }

    /// Whether a value fits the schema at a pointer.
    pub(super) fn fits(&self, pointer: &str, value: &Value) -> Result<(), String> {
        let Some(index) = self.places.get(pointer) else {
            return Err(format!("there is no schema at {pointer}"));
        };
        self.schemas.validate(value, *index).map_err(|error| format!("{error:#}"))
    }

    /// The operation that a request is for: the path with the fewest parameters.
    pub(super) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let is_same = |template: &str| {
            let same = |(one, other): (&str, &str)| one == other || one.starts_with('{');
            template.split('/').count() == path.split('/').count()
                && template.split('/').zip(path.split('/')).all(same)
        };
        let paths = self.document["paths"].as_object().unwrap().iter();
        let fitting = paths.filter(|(template, _)| is_same(template));
        let (path, item) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
        let (method, value) = item.as_object()?.get_key_value(&method.to_ascii_lowercase())?;
        Some(Operation { method, path, value, item })
    }

    /// Fails where an answer is none that the document promises, or where a body was taken that it
    /// does not allow.
    pub(in crate::api::tests) fn hold(&self, method: &str, path: &str, sent: &[u8], seen: &Seen) {
        // Another method, or no path of ours: a refusal that no operation makes.
        let Some(operation) = self.operation(method, path) else { return };
        let (line, status) = (operation.line(), seen.status.to_string());
        let said = operation.value["responses"].get(&status);
        let said = said.unwrap_or_else(|| panic!("{line} may not answer {status}: {}", seen.body));
        let at = match said["$ref"].as_str() {
            Some(target) => target[1..].to_owned(),
            None => format!("{}/responses/{status}", operation.pointer()),
        };
        let answer = self.document.pointer(&at).unwrap();
        for (name, header) in answer["headers"].as_object().into_iter().flatten() {
            let must = self.resolved(header)["required"] == true;
            assert!(!must || seen.headers.contains_key(name), "{line} {status}: no {name}");
        }
        if method != "HEAD" {
            self.hold_body(&format!("{line} {status}"), &at, answer, seen);
        }
        if (200..300).contains(&seen.status) {
            let schema = operation.body_schema();
            if let (true, Ok(body)) =
                (self.places.contains_key(&schema), serde_json::from_slice::<Value>(sent))
            {
                let body = if body.is_null() { json!({}) } else { body };
                assert_eq!(self.fits(&schema, &body), Ok(()), "{line} took {body}");
            }
        }
    }

    fn hold_body(&self, what: &str, at: &str, answer: &Value, seen: &Seen) {
        let Some(content) = answer["content"].as_object() else {
            assert_eq!(seen.body, "", "{what}: there should be no body");
            return;
        };
        let kind = seen.headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
        let kind = kind.split(';').next().unwrap();
        assert!(content.contains_key(kind), "{what}: `{kind}`");
        let schema = format!("{at}/content/{}/schema", kind.replace('/', "~1"));
        let value = match kind {
            "application/json" => serde_json::from_str(&seen.body).unwrap(),
            _ => Value::String(seen.body.clone()),
        };
        assert_eq!(self.fits(&schema, &value), Ok(()), "{what}: {value}");
    }
}

impl<'d> Operation<'d> {
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method.to_ascii_uppercase(), self.path)
    }

    fn pointer(&self) -> String {
        format!("/paths/{}/{}", self.path.replace('/', "~1"), self.method)
    }

    /// Where the schema of its JSON body is, if it has one.
    pub(super) fn body_schema(&self) -> String {
        format!("{}/requestBody/content/application~1json/schema", self.pointer())
    }

    pub(super) fn media(&self) -> Option<&'d Value> {
        self.value.pointer("/requestBody/content")?.as_object()?.values().next()
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &'d Value> {
        let given = [self.item.get("parameters"), self.value.get("parameters")];
        let given = given.into_iter().flatten().flat_map(|it| it.as_array().unwrap());
        given.map(|it| DESCRIBED.resolved(it))
    }
}

/// A schema with its `allOf` made one object, so that it can be closed.
fn flat(document: &Value, schema: &Value) -> Value {
    let Some(parts) = schema["allOf"].as_array() else { return schema.clone() };
    let mut whole = json!({"type": "object", "properties": {}, "required": []});
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(target) => document.pointer(&target[1..]).unwrap(),
            None => part,
        };
        for (name, property) in part["properties"].as_object().into_iter().flatten() {
            whole["properties"][name] = property.clone();
        }
        let required = part["required"].as_array().cloned().unwrap_or_default();
        whole["required"].as_array_mut().unwrap().extend(required);
        if let Some(more) = part.get("additionalProperties") {
            whole["additionalProperties"] = more.clone();
        }
    }
    whole
}

/// Forbids properties that are not named, where nothing is said of them.
fn close(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(map) => {
            map.values_mut().for_each(close);
            let named = map.get("properties").is_some_and(Value::is_object);
            if named && map.contains_key("type") {
                map.entry("additionalProperties").or_insert(json!(false));
            }
        }
        _ => {}
    }
}

/// Where there are schemas of bodies, parameters and headers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, it)| (key.clone(), it)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(i, it)| (i.to_string(), it)).collect()
        }
        _ => return,
    };
    for (key, inner) in members {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match key.as_str() {
            "schema" => found.push(at),
            _ => places(inner, &at, found),
        }
    }
}
