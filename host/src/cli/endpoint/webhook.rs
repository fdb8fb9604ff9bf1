//! What a registry has to be told so that its webhooks reach the daemon, in words. The secret itself
//! is never known here.

use serde_json::{Value, json};

use crate::cli::{
    client::{Client, PORTOLAN},
    output::Failure,
};

/// Puts into an endpoint's record where its webhooks go; nothing where the caller may not know.
pub(super) async fn describe(client: &Client, endpoint: &mut Value) -> Result<(), Failure> {
    let id = super::id_of(endpoint)?;
    let told = client.get(&format!("{PORTOLAN}/endpoints/{id}/webhook")).await;
    if let (Ok(webhook), Some(record)) = (told, endpoint.as_object_mut()) {
        record.insert("webhooks".to_owned(), json!(words(&webhook)));
    }
    Ok(())
}

/// `POST http://127.0.0.1:8282/hooks/1, the secret in Authorization: Bearer ...`.
fn words(webhook: &Value) -> String {
    let ways = webhook.get("ways").and_then(Value::as_array);
    let ways: Vec<String> = ways.into_iter().flatten().map(way).collect();
    if ways.is_empty() {
        return "the provider sends none".to_owned();
    }
    match webhook.get("secret_set").and_then(Value::as_bool) {
        Some(true) => ways.join("; or "),
        _ => format!("none are taken without --webhook-secret-file; then {}", ways.join("; or ")),
    }
}

fn way(way: &Value) -> String {
    let text = |key: &str| way.get(key).and_then(Value::as_str).unwrap_or_default();
    let address = match (text("url"), text("path")) {
        ("", path) => format!("POST {path} of this daemon"),
        (url, _) => format!("POST {url}"),
    };
    match (text("kind"), text("header")) {
        ("header-token", header) if header.eq_ignore_ascii_case("authorization") => {
            format!("{address} with `Authorization: Bearer SECRET`")
        }
        ("header-token", header) => format!("{address} with the secret as `{header}`"),
        ("hmac-header", header) => {
            format!("{address}, signed with the secret ({}) in `{header}`", text("hash"))
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_tell_the_registry_is_said() {
        let way = |kind: &str, header: &str| json!({"kind": kind, "header": header, "hash": "sha256", "path": "/hooks/1"});
        let with = |set: bool, way: Value| json!({"secret_set": set, "ways": [way]});
        let here = "POST /hooks/1 of this daemon";
        let mut address = with(true, way("url-token", ""));
        address["ways"][0]["url"] = json!("https://p.example/hooks/1/{secret}");
        let bearer = format!("{here} with `Authorization: Bearer SECRET`");
        for (webhook, expected) in [
            (json!({"secret_set": false, "ways": []}), "the provider sends none".to_owned()),
            (with(true, way("header-token", "Authorization")), bearer.clone()),
            (
                with(false, way("header-token", "Authorization")),
                format!("none are taken without --webhook-secret-file; then {bearer}"),
            ),
            (with(true, way("header-token", "x")), format!("{here} with the secret as `x`")),
            (
                with(true, way("hmac-header", "x-sig")),
                format!("{here}, signed with the secret (sha256) in `x-sig`"),
            ),
            (address, "POST https://p.example/hooks/1/{secret}".to_owned()),
        ] {
            assert_eq!(words(&webhook), expected);
        }
    }
}
