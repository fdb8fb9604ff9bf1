//! One operation as people read it: what it does, what it takes, a command to try it, and what it
//! answers.

use serde_json::{Map, Value};

use super::{
    super::document::{METHODS, is_refusal, role},
    object, resolved,
    schema::{fields, kind},
    text::{escaped, inline, prose},
    word,
};

/// Where the daemon listens unless it is told otherwise: what the commands name.
const ADDRESS: &str = "http://127.0.0.1:8282";

/// A method of a path.
pub(super) struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    /// Of the path, then of the method.
    parameters: Vec<&'d Value>,
    itself: &'d Map<String, Value>,
}

impl<'d> Operation<'d> {
    /// All of a document, ordered by path.
    pub(super) fn all(document: &'d Value) -> Vec<Self> {
        let of = |(path, item): (&'d String, &'d Value)| {
            METHODS.iter().filter_map(move |method| {
                let itself = item.get(method)?.as_object()?;
                let given = [item.get("parameters"), itself.get("parameters")].into_iter();
                let given = given.flatten().filter_map(Value::as_array).flatten();
                let parameters = given.map(|it| resolved(document, it)).collect();
                Some(Self { method, path, parameters, itself })
            })
        };
        object(document, "/paths").flat_map(of).collect()
    }

    /// Whether it belongs to a noun.
    pub(super) fn has_tag(&self, name: &str) -> bool {
        let tags = self.itself.get("tags").and_then(Value::as_array);
        tags.is_some_and(|tags| tags.iter().any(|tag| tag == name))
    }

    /// As HTML.
    pub(super) fn render(&self, document: &Value) -> String {
        let id = escaped(self.text("operationId"));
        let (method, path) = (self.method, escaped(self.path));
        format!(
            "<article id=\"{id}\"><h3><a href=\"#{id}\"><span class=\"method {method}\">{}</span> \
             <code>{path}</code></a></h3><p><strong>{}.</strong></p>{}{}{}\
             <h4>Try it</h4><pre><code>{}</code></pre><h4>Answers</h4>{}</article>",
            method.to_ascii_uppercase(),
            inline(self.text("summary")),
            prose(self.text("description")),
            self.parameters(),
            self.body(),
            escaped(&self.command()),
            self.answers(document),
        )
    }

    fn text(&self, key: &str) -> &str {
        self.itself.get(key).and_then(Value::as_str).unwrap_or("")
    }

    fn parameters(&self) -> String {
        if self.parameters.is_empty() {
            return String::new();
        }
        let shown = self.parameters.iter().map(|it| {
            let schema = it.get("schema").unwrap_or(&Value::Null);
            let required = if it.get("required").is_some() { ", required" } else { "" };
            format!(
                "<dt><code>{}</code> <small>{}, {}{required}</small></dt><dd>{}</dd>",
                escaped(word(it, "name")),
                escaped(word(it, "in")),
                kind(schema),
                inline(word(it, "description")),
            )
        });
        format!("<h4>Parameters</h4><dl>{}</dl>", shown.collect::<String>())
    }

    fn body(&self) -> String {
        let Some((content, media)) = self.request_body() else { return String::new() };
        let schema = media.get("schema").unwrap_or(&Value::Null);
        let about = self.itself.get("requestBody").map_or("", |it| word(it, "description"));
        format!(
            "<h4>Body</h4><p><code>{}</code>: {}</p>{}{}",
            escaped(content),
            kind(schema),
            prose(about),
            fields(schema)
        )
    }

    fn request_body(&self) -> Option<(&'d String, &'d Value)> {
        self.itself.get("requestBody")?.get("content")?.as_object()?.iter().next()
    }

    /// A command for the terminal; `curl` asks for the password.
    fn command(&self) -> String {
        let mut address = format!("{ADDRESS}{}", self.path);
        let mut query = String::new();
        for parameter in &self.parameters {
            let Some(example) = parameter.get("example") else { continue };
            let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            let name = word(parameter, "name");
            if word(parameter, "in") == "path" {
                address = address.replace(&format!("{{{name}}}"), &example.replace('/', "%2F"));
            } else {
                let before = if query.is_empty() { '?' } else { '&' };
                query.push_str(&format!("{before}{name}={example}"));
            }
        }
        let login = if role(self.itself) == "anyone" { "" } else { "-u admin " };
        let method = match (self.method, self.request_body()) {
            ("get", _) | ("post", Some(_)) => String::new(),
            ("head", _) => "-I ".to_owned(),
            (method, _) => format!("-X {} ", method.to_ascii_uppercase()),
        };
        let body = self.request_body().map_or_else(String::new, |(content, media)| {
            match media.get("example") {
                Some(example) => {
                    let example = example.to_string().replace('\'', "'\\''");
                    format!(" \\\n    --json '{example}'")
                }
                None => format!(" \\\n    -H 'Content-Type: {content}' --data-binary @FILE"),
            }
        });
        format!("curl {login}{method}'{address}{query}'{body}")
    }

    fn answers(&self, document: &Value) -> String {
        let all = self.itself.get("responses").and_then(Value::as_object);
        let all = all.into_iter().flat_map(Map::iter);
        let (refusals, answers): (Vec<_>, Vec<_>) =
            all.partition(|(status, answer)| is_refusal(status) && answer.get("$ref").is_some());
        let answers: String = answers
            .into_iter()
            .map(|(status, it)| answer(status, resolved(document, it)))
            .collect();
        let refusals: Vec<&str> = refusals.iter().map(|(status, _)| status.as_str()).collect();
        let refusals = refusals.join(", ");
        format!("<dl>{answers}<dt><a href=\"#refusals\">Refusals</a></dt><dd>{refusals}</dd></dl>")
    }
}

fn answer(status: &str, it: &Value) -> String {
    let content = it.get("content").and_then(Value::as_object);
    let content = content.into_iter().flat_map(Map::iter).map(|(name, media)| {
        let schema = media.get("schema").unwrap_or(&Value::Null);
        format!("<p><code>{}</code>: {}</p>{}", escaped(name), kind(schema), fields(schema))
    });
    let content: String = content.collect();
    let headers = it.get("headers").and_then(Value::as_object);
    let headers: Vec<String> = headers
        .into_iter()
        .flat_map(Map::keys)
        .map(|name| format!("<code>{}</code>", escaped(name)))
        .collect();
    let headers = match headers.is_empty() {
        true => String::new(),
        false => format!("<p>Headers: {}</p>", headers.join(", ")),
    };
    let about = inline(word(it, "description"));
    format!("<dt><code>{status}</code></dt><dd>{about}{headers}{content}</dd>")
}
