//! `log`: a guest's lines become events of `tracing`, bounded in number and length, without
//! control characters, and withheld where they hold the secret.

use portolan_bindings::v0_1::portolan::adapter::log::{Host, Level};
use portolan_bindings::v0_1::portolan::adapter::types::KeyValue;

use crate::plugin::{bound::Bound, instance::State};

/// Longest line in bytes, fields included.
const MAX_LINE: usize = 4096;
/// Most fields of a line.
const MAX_FIELDS: usize = 32;

impl Host for State {
    async fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<KeyValue>,
    ) -> wasmtime::Result<()> {
        let bound = self.bound()?;
        let Some(left) = self.log_lines.checked_sub(1) else {
            let detail = format!("it wrote more than {} lines", bound.limits.log_lines);
            return Err(self.trip("log-lines", detail));
        };
        self.log_lines = left;
        emit(&bound, self.function, level, &line(&bound, &message, &fields));
        Ok(())
    }
}

fn line(bound: &Bound, message: &str, fields: &[KeyValue]) -> String {
    let mut line = message.to_owned();
    for KeyValue { key, value } in fields.iter().take(MAX_FIELDS) {
        line.push(' ');
        line.push_str(key);
        line.push('=');
        line.push_str(value);
    }
    if bound.echo.is_in(line.as_bytes()) {
        return "a line was withheld: it holds the endpoint's secret".to_owned();
    }
    shown(&line, MAX_LINE)
}

/// Text of a guest, made safe for logs and messages: at most `limit` bytes, one line.
pub(in crate::plugin) fn shown(text: &str, limit: usize) -> String {
    let end = text.floor_char_boundary(limit);
    let kept = text.get(..end).unwrap_or_default();
    let mut kept: String = kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if end < text.len() {
        kept.push('…');
    }
    kept
}

fn emit(bound: &Bound, function: &str, level: Level, line: &str) {
    let (provider, endpoint) = (bound.provider.as_str(), bound.id.as_str());
    match level {
        Level::Trace => tracing::trace!(provider, endpoint, function, "{line}"),
        Level::Debug => tracing::debug!(provider, endpoint, function, "{line}"),
        Level::Info => tracing::info!(provider, endpoint, function, "{line}"),
        Level::Warn => tracing::warn!(provider, endpoint, function, "{line}"),
        Level::Error => tracing::error!(provider, endpoint, function, "{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::testing;

    #[test]
    fn lines_are_bounded_and_hold_no_secret() {
        let bound = testing::bound("https://registry.example", Some("s3cret-word"));
        let field =
            |key: &str, value: &str| KeyValue { key: key.to_owned(), value: value.to_owned() };
        assert_eq!(line(&bound, "hello\n\x1b[31mred", &[field("a", "b")]), "hello  [31mred a=b");
        assert!(line(&bound, "x", &[field("a", "is s3cret-word")]).contains("withheld"));
        assert!(line(&bound, "czNjcmV0LXdvcmQ=", &[]).contains("withheld"));
        let long = line(&bound, &"é".repeat(MAX_LINE), &[]);
        assert!(long.ends_with('…') && long.len() <= MAX_LINE + 3);
    }
}
