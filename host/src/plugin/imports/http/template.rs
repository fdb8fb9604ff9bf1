//! Bodies with `${secret}` or `${secret:POINTER}` in them, escaped for their format.

use http::HeaderValue;
use portolan_bindings::v0_1::portolan::adapter::http::{BodyTemplate, TemplateFormat};
use portolan_core::secret::Secret;
use zeroize::Zeroizing;

use crate::plugin::account::Account;

const OPEN: &str = "${secret";

/// A body with the secret in it.
pub(super) struct Filled {
    pub(super) text: Zeroizing<String>,
    pub(super) parts: Vec<Secret>,
}

/// Replaces every placeholder; other text stays, `${…}` of other names included.
///
/// # Errors
/// When the secret, or the named part, is not there.
pub(super) fn fill(template: &BodyTemplate, account: &Account) -> Result<Filled, String> {
    let mut filled = Filled { text: Zeroizing::new(String::new()), parts: Vec::new() };
    let mut rest = template.text.as_str();
    while let Some((before, pointer, after)) = split(rest) {
        let part = account.part(pointer)?;
        filled.text.push_str(before);
        filled.text.push_str(&escape(part.expose(), template.format));
        filled.parts.push(part);
        rest = after;
    }
    filled.text.push_str(rest);
    Ok(filled)
}

/// Text before the first placeholder, its pointer, text after it.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find(OPEN) {
        let at = from + found;
        let (before, rest) = (text.get(..at)?, text.get(at + OPEN.len()..)?);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((before, "", after));
        }
        if let Some((pointer, after)) = rest.strip_prefix(':').and_then(|it| it.split_once('}')) {
            return Some((before, pointer, after));
        }
        from = at + OPEN.len();
    }
    None
}

fn escape(text: &str, format: TemplateFormat) -> Zeroizing<String> {
    match format {
        TemplateFormat::Json => {
            let quoted = Zeroizing::new(serde_json::Value::from(text).to_string());
            let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            Zeroizing::new(inner.unwrap_or_default().to_owned())
        }
        TemplateFormat::Form => {
            Zeroizing::new(url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
        }
    }
}

/// The content type where the guest gave none.
pub(super) fn content_type(format: TemplateFormat) -> HeaderValue {
    HeaderValue::from_static(match format {
        TemplateFormat::Json => "application/json",
        TemplateFormat::Form => "application/x-www-form-urlencoded",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(format: TemplateFormat, text: &str, secret: &str) -> Option<String> {
        let account = Account { key: None, secret: Some(Secret::new(secret.to_owned())) };
        let template = BodyTemplate { format, text: text.to_owned() };
        fill(&template, &account).ok().map(|filled| filled.text.to_string())
    }

    #[test]
    fn placeholders_are_replaced_and_escaped() {
        use TemplateFormat::{Form, Json};
        let document = r#"{"id":"a b","key":"x\"y\n"}"#;
        let cases = [
            (Json, r#"{"p":"${secret}"}"#, r#"a"b\c"#, Some(r#"{"p":"a\"b\\c"}"#)),
            (Form, "u=x&p=${secret}&q", "a b&c=d%é", Some("u=x&p=a+b%26c%3Dd%25%C3%A9&q")),
            (Json, r#"["${secret:/id}","${secret:/key}"]"#, document, Some(r#"["a b","x\"y\n"]"#)),
            (Form, "${secret:/missing}", document, None),
            (
                Form,
                "a=${other}&b=${secretx}&c=${secret",
                "s",
                Some("a=${other}&b=${secretx}&c=${secret"),
            ),
            (Form, "${secretx}${secret}", "s", Some("${secretx}s")),
            (Json, "${secret}", "${secret}", Some("${secret}")),
        ];
        for (format, text, secret, wanted) in cases {
            assert_eq!(filled(format, text, secret).as_deref(), wanted, "{text}");
        }
    }
}
