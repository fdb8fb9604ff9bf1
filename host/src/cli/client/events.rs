//! Server-sent events (WHATWG HTML, "Server-sent events"), as far as the daemon uses them: a name
//! and a line of JSON each.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::{Client, MAX_ANSWER, Payload};
use crate::cli::output::Failure;

/// Longest silence: the daemon says that it is still there every 15 s.
const SILENCE: Duration = Duration::from_secs(60);

impl Client {
    /// Hands each event at a path to `each` until that says there is enough. An end before is a
    /// failure.
    pub(crate) async fn events(
        &self,
        path: &str,
        mut each: impl FnMut(&str, &Value) -> bool,
    ) -> Result<(), Failure> {
        let request = self.request(Method::GET, path, Payload::Nothing)?;
        let (mut body, _driver) = self.streamed(request).await?;
        let mut reader = Reader::default();
        while let Some(bytes) = self.piece(&mut body, SILENCE).await? {
            reader.bytes.extend_from_slice(&bytes);
            if reader.bytes.len() > MAX_ANSWER {
                return Err(self.broken(&"one event is longer than any may be"));
            }
            while let Some((name, value)) = reader.next() {
                if each(&name, &value) {
                    return Ok(());
                }
            }
        }
        Err(self.broken(&"the daemon ended the stream; it may be stopping"))
    }
}

/// Bytes that came, and the event that is being read.
#[derive(Default)]
struct Reader {
    bytes: Vec<u8>,
    name: String,
    data: String,
}

impl Reader {
    /// The next whole event; `None` until there is one. Comments and other fields are skipped.
    fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(name) = line.strip_prefix("event:") {
                name.trim_start().clone_into(&mut self.name);
            } else if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.trim_start());
            } else if line.is_empty() && !self.data.is_empty() {
                let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
                return Some((name, serde_json::from_str(&data).unwrap_or_default()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let sent =
            b": still here\n\nevent: snapshot\ndata: {\"a\":1}\n\nevent:end\r\ndata:{}\r\n\r\n";
        for size in 1..sent.len() {
            let (mut reader, mut seen) = (Reader::default(), Vec::new());
            for piece in sent.chunks(size) {
                reader.bytes.extend_from_slice(piece);
                while let Some(event) = reader.next() {
                    seen.push(event);
                }
            }
            let expected =
                [("snapshot".to_owned(), json!({"a": 1})), ("end".to_owned(), json!({}))];
            assert_eq!(seen, expected, "in pieces of {size}");
        }
    }
}
