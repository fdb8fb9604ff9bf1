//! JSON Schemas as people read them: a type in words, and the properties below it.

use serde_json::Value;

use super::{
    text::{escaped, inline, prose},
    word,
};

/// A schema that others refer to.
pub(super) fn named(name: &str, schema: &Value) -> String {
    let (name, kind, about) = (escaped(name), kind(schema), prose(word(schema, "description")));
    let fields = fields(schema);
    format!(
        "<article id=\"schema-{name}\"><h3><a href=\"#schema-{name}\">{name}</a> \
         <small>{kind}</small></h3>{about}{fields}</article>"
    )
}

/// What a schema is, in a few words; names of others are links.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = word(schema, "$ref").strip_prefix("#/components/schemas/") {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for (key, between) in [("allOf", " and "), ("anyOf", " or "), ("oneOf", " or ")] {
        // `anyOf` may also be a rule about properties, which is said in words.
        if let (Some(parts), None) = (schema.get(key).and_then(Value::as_array), schema.get("type"))
        {
            return parts.iter().map(kind).collect::<Vec<_>>().join(between);
        }
    }
    if let Some(value) = schema.get("const") {
        return code(value);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(code).collect::<Vec<_>>().join(" or ");
    }
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
        _ => return "anything".to_owned(),
    };
    let words = types.into_iter().map(|name| match (name, schema.get("items")) {
        ("array", Some(items)) => format!("list of {}", kind(items)),
        (name, _) => escaped(name),
    });
    words.collect::<Vec<_>>().join(" or ") + &bounds(schema)
}

fn bounds(schema: &Value) -> String {
    let words = [
        ("format", ""),
        ("minimum", "at least "),
        ("maximum", "at most "),
        ("minLength", "at least this long: "),
        ("maxLength", "at most this long: "),
        ("default", "default "),
    ];
    let said = words.into_iter().filter_map(|(key, before)| {
        let value = schema.get(key)?;
        Some(format!(", {before}{}", escaped(value.as_str().unwrap_or(&value.to_string()))))
    });
    said.collect()
}

fn code(value: &Value) -> String {
    format!("<code>{}</code>", escaped(&value.to_string()))
}

/// The properties of a schema and of those within it; nothing where it has none.
pub(super) fn fields(schema: &Value) -> String {
    let mut html = String::new();
    for key in ["allOf", "anyOf", "oneOf"] {
        let parts = schema.get(key).and_then(Value::as_array);
        html.extend(parts.into_iter().flatten().map(fields));
    }
    for inner in ["items", "additionalProperties"] {
        html.extend(schema.get(inner).map(fields));
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return html };
    let required = schema.get("required").and_then(Value::as_array);
    html.push_str("<dl>");
    for (name, property) in properties {
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        let needed = if is_required { ", required" } else { "" };
        html.push_str(&format!(
            "<dt><code>{}</code> <small>{}{needed}</small></dt><dd>{}{}</dd>",
            escaped(name),
            kind(property),
            inline(word(property, "description")),
            fields(property),
        ));
    }
    html.push_str("</dl>");
    html
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds() {
        let link = "<a href=\"#schema-A\">A</a>";
        let a = json!({"$ref": "#/components/schemas/A"});
        let cases = [
            (a.clone(), link.to_owned()),
            (json!({"type": "array", "items": a}), format!("list of {link}")),
            (json!({"type": ["string", "null"]}), "string or null".to_owned()),
            (json!({"const": 0}), "<code>0</code>".to_owned()),
            (
                json!({"enum": ["x", "<"]}),
                "<code>&quot;x&quot;</code> or <code>&quot;&lt;&quot;</code>".to_owned(),
            ),
            (json!({"anyOf": [a, {"type": "null"}]}), format!("{link} or null")),
            (json!({"type": "integer", "maximum": 100}), "integer, at most 100".to_owned()),
            (json!({}), "anything".to_owned()),
        ];
        for (schema, expected) in cases {
            assert_eq!(kind(&schema), expected, "{schema}");
        }
    }
}
