//! An endpoint's provider settings against the JSON Schema of its adapter.
//!
//! A schema comes from a plug-in: it refers to nothing, and nothing is loaded for it.

use std::{error::Error, fmt::Write as _};

use boon::{CompileError, Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::{Map, Value};

/// What a schema is called while it is compiled; nothing is ever asked for there.
const ADDRESS: &str = "https://settings-schema.invalid/";
/// Most faults that are told at once.
const MAX_FAULTS: usize = 5;
/// Most regular expressions in a schema.
const MAX_PATTERNS: usize = 16;
/// Longest text of one fault, in characters.
const MAX_FAULT: usize = 300;

/// Loads nothing: a `$ref` to a file or an address would be a request of the plug-in's.
struct Nothing;

impl UrlLoader for Nothing {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        Err(format!("it refers to {url}, and a settings schema may refer to itself alone").into())
    }
}

/// Checks a schema by itself.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_schema(schema: &Value) -> Result<(), String> {
    modest(schema, &mut 0)?;
    compile(schema, &mut Schemas::new()).map(drop)
}

/// Checks settings against a schema that [`check_schema`] has passed.
///
/// # Errors
/// Each property that does not fit, and the rule it breaks.
pub(super) fn check(
    provider: &str,
    schema: &Value,
    settings: &Map<String, Value>,
) -> Result<(), String> {
    if settings.is_empty() && takes_nothing(schema) {
        return Ok(());
    }
    let mut schemas = Schemas::new();
    let index = compile(schema, &mut schemas)?;
    let settings = Value::Object(settings.clone());
    let Err(error) = schemas.validate(&settings, index) else { return Ok(()) };
    let mut faults = Vec::new();
    leaves(&error, &mut faults);
    Err(format!("the settings do not fit the provider `{provider}`: {}", faults.join("; ")))
}

/// Whether a schema takes settings that say nothing, as most endpoints' do: seen without compiling
/// it, which takes milliseconds. These keywords ask for nothing of an object without properties.
fn takes_nothing(schema: &Value) -> bool {
    const ASK_NOTHING: [&str; 5] =
        ["$schema", "title", "description", "properties", "additionalProperties"];
    let harmless = |(key, value): (&String, &Value)| match key.as_str() {
        "type" => value == "object",
        key => ASK_NOTHING.contains(&key),
    };
    schema.as_object().is_some_and(|schema| schema.iter().all(harmless))
}

/// Refuses what would cost more than the schema is long: it is compiled before anybody approved the
/// plug-in, and settings are checked outside the limits of its calls. References can fan out without
/// end, and a pattern may become megabytes of automaton.
fn modest(value: &Value, patterns: &mut usize) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| modest(item, patterns)),
        Value::Object(map) => map.iter().try_for_each(|(key, inner)| {
            if matches!(key.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef") {
                return Err(format!("it has a `{key}`: a settings schema refers to nothing"));
            }
            *patterns += match (key.as_str(), inner) {
                ("pattern", Value::String(_)) => 1,
                ("patternProperties", Value::Object(inner)) => inner.len(),
                _ => 0,
            };
            if *patterns > MAX_PATTERNS {
                return Err(format!("it has more than {MAX_PATTERNS} patterns"));
            }
            modest(inner, patterns)
        }),
        _ => Ok(()),
    }
}

fn compile(schema: &Value, schemas: &mut Schemas) -> Result<SchemaIndex, String> {
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Nothing));
    // The alternate form has the cause in it.
    let told = |error: CompileError| shortened(&format!("{error:#}").replace(ADDRESS, ""));
    compiler.add_resource(ADDRESS, schema.clone()).map_err(told)?;
    compiler.compile(ADDRESS, schemas).map_err(told)
}

/// The faults at the ends of the tree; of alternatives none of which fits, the choice itself.
fn leaves(error: &ValidationError<'_, '_>, faults: &mut Vec<String>) {
    let is_choice = matches!(error.kind, ErrorKind::AnyOf | ErrorKind::OneOf(_) | ErrorKind::Not);
    if !error.causes.is_empty() && !is_choice {
        error.causes.iter().for_each(|cause| leaves(cause, faults));
    } else if faults.len() < MAX_FAULTS {
        faults.push(shortened(&fault(error)));
    }
}

/// `/upload: value must be one of … (rule /properties/upload/enum)`
fn fault(error: &ValidationError<'_, '_>) -> String {
    let place = error.instance_location.to_string();
    let mut text = if place.is_empty() { String::new() } else { format!("`{place}`: ") };
    let rule = error.schema_url.split_once('#').map_or("", |(_, rule)| rule);
    // Writing to a text does not fail.
    let _ = write!(text, "{}", error.kind);
    if !rule.is_empty() {
        let _ = write!(text, " (rule {rule})");
    }
    text
}

fn shortened(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").chars().take(MAX_FAULT).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "additionalProperties": false, "required": ["upload"],
            "properties": {"upload": {"enum": ["put", "patch"]},
                "size": {"type": "integer", "minimum": 1024},
                "deep": {"properties": {"on": {"type": "boolean"}}}}})
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_rule() {
        let cases = [
            (json!({"upload": "put", "size": 1024, "deep": {"on": true, "other": 1}}), None),
            (json!({"upload": "fax"}), Some("`/upload`: value must be one of 'put', 'patch'")),
            (json!({"upload": "put", "size": 1}), Some("`/size`: must be >=1024, but got 1")),
            (json!({"upload": "put", "size": "x"}), Some("`/size`: want integer, but got string")),
            (json!({"upload": "put", "sise": 1}), Some("additionalProperties 'sise' not allowed")),
            (json!({}), Some("missing properties 'upload'")),
            (json!({"upload": "put", "deep": {"on": 1}}), Some("`/deep/on`: want boolean")),
        ];
        for (settings, expected) in cases {
            let outcome = check("harbor", &schema(), settings.as_object().unwrap());
            match (&outcome, expected) {
                (Ok(()), None) => {}
                (Err(text), Some(expected)) => {
                    assert!(text.contains(expected) && text.contains("`harbor`"), "{text}");
                }
                _ => panic!("{settings}: {outcome:?}"),
            }
        }
        let text = check("p", &schema(), json!({"upload": 1, "size": 2}).as_object().unwrap());
        let text = text.unwrap_err();
        assert!(text.contains("`/upload`") && text.contains("`/size`"), "{text}");
        assert!(text.contains("(rule /properties/size"), "{text}");
        // Nothing is taken as a matter of course only where nothing can be asked for.
        let shaped = json!({"type": "object", "properties": {"a": {"type": "string"}},
            "additionalProperties": false});
        assert_eq!(check("p", &shaped, &Map::new()), Ok(()));
        for asks in [json!({"minProperties": 1}), json!({"type": "array"}), json!({"not": {}})] {
            assert!(check("p", &asks, &Map::new()).is_err(), "{asks}");
        }
        let anything = json!({"any": ["thing"]});
        assert_eq!(check("p", &json!({}), anything.as_object().unwrap()), Ok(()));
    }

    /// A schema cannot make the host read a file or send a request.
    #[test]
    fn a_broken_schema_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{}").unwrap();
        let cases = [
            json!({"type": "objekt"}),
            json!({"properties": []}),
            json!({"pattern": "("}),
            json!({"$ref": "#/$defs/nowhere"}),
            json!({"$ref": format!("file://{}", file.path().display())}),
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$schema": "https://example.com/own"}),
        ];
        for schema in cases {
            let error = check_schema(&schema).expect_err(&schema.to_string());
            assert!(!error.is_empty() && error.len() <= 4 * MAX_FAULT, "{error}");
        }
        assert_eq!(check_schema(&schema()), Ok(()));
        assert!(check_schema(&json!({"$ref": "#"})).unwrap_err().contains("refers to nothing"));
        let patterns: Vec<_> = (0..17).map(|_| json!({"pattern": "x"})).collect();
        let many = check_schema(&json!({"anyOf": patterns})).unwrap_err();
        assert!(many.contains("more than 16 patterns"), "{many}");
    }
}
