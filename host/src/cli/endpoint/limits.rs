//! What an endpoint's hosts say of how often they may be asked, as `endpoint show` shows it.

use serde_json::Value;

use super::{Client, Failure, Output, PORTOLAN, id_of};

/// Adds what the daemon knows to an endpoint, as `rate_limits`; nothing where no host said anything.
pub(super) async fn add(
    client: &Client,
    endpoint: &mut Value,
    output: Output,
) -> Result<(), Failure> {
    let path = format!("{PORTOLAN}/endpoints/{}/limits", id_of(endpoint)?);
    let mut answer = client.get(&path).await?;
    let Some(Value::Array(limits)) = answer.get_mut("limits").map(Value::take) else {
        return Ok(());
    };
    if let Some(fields) = endpoint.as_object_mut().filter(|_| !limits.is_empty()) {
        let shown = match output.is_json() {
            true => Value::Array(limits),
            false => limits.iter().map(sentence).collect::<Vec<_>>().join("; ").into(),
        };
        fields.insert("rate_limits".to_owned(), shown);
    }
    Ok(())
}

/// `h: 20 of 100 requests left in 6h, told at …, again at …`.
fn sentence(limit: &Value) -> String {
    let text = |name: &str| limit.get(name).and_then(Value::as_str);
    let number = |name: &str| limit.get(name).and_then(Value::as_u64);
    let mut said = format!("{}:", text("host").unwrap_or_default());
    match (number("remaining"), number("limit")) {
        (Some(left), Some(all)) => said.push_str(&format!(" {left} of {all} requests left")),
        (Some(left), None) => said.push_str(&format!(" {left} requests left")),
        (None, Some(all)) => said.push_str(&format!(" {all} requests")),
        (None, None) => said.push_str(" it refused"),
    }
    if let Some(seconds) = number("window_seconds") {
        said.push_str(&format!(" of each {}", span(seconds)));
    }
    for (word, name) in [("told", "seen"), ("anew", "reset"), ("again", "retry_at")] {
        if let Some(at) = text(name) {
            said.push_str(&format!(", {word} at {at}"));
        }
    }
    said
}

/// `6h`, `90s`.
fn span(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        whole if whole.is_multiple_of(3_600) => format!("{}h", whole / 3_600),
        whole if whole.is_multiple_of(60) => format!("{}m", whole / 60),
        odd => format!("{odd}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_told_in_a_sentence() {
        let cases = [
            (
                json!({"host": "h", "limit": 100, "remaining": 20, "window_seconds": 21_600,
                    "seen": "T"}),
                "h: 20 of 100 requests left of each 6h, told at T",
            ),
            (
                json!({"host": "h", "remaining": 3, "reset": "R", "seen": "T"}),
                "h: 3 requests left, told at T, anew at R",
            ),
            (
                json!({"host": "h", "retry_at": "A", "seen": "T"}),
                "h: it refused, told at T, again at A",
            ),
        ];
        for (limit, wanted) in cases {
            assert_eq!(sentence(&limit), wanted);
        }
    }
}
