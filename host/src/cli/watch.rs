//! A run under way, from the daemon's events: a bar on a terminal, nothing elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{
    client::{Client, PORTOLAN},
    output::Failure,
};

/// How often the time on the bar moves where nothing else does.
const TICK: Duration = Duration::from_millis(500);

/// Follows a run to its end.
pub(super) async fn follow(client: &Client, id: u64) -> Result<(), Failure> {
    let bar = bar();
    let mut pace = None;
    let path = format!("{PORTOLAN}/executions/{id}/events");
    let followed = client
        .events(&path, |name, snapshot| {
            show(&bar, pace.get_or_insert_with(|| Pace::from(snapshot)), snapshot);
            name == "end"
        })
        .await;
    bar.finish_and_clear();
    followed
}

/// When bytes were first counted, and how many there were.
struct Pace {
    since: Instant,
    bytes: u64,
}

impl From<&Value> for Pace {
    fn from(snapshot: &Value) -> Self {
        Self { since: Instant::now(), bytes: count(snapshot, "/progress/bytes") }
    }
}

impl Pace {
    /// Bytes a second since then; none in the first moments, which say nothing.
    fn rate(&self, bytes: u64, now: Instant) -> u64 {
        let seconds = now.saturating_duration_since(self.since).as_secs();
        bytes.saturating_sub(self.bytes).checked_div(seconds).unwrap_or_default()
    }
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:20} {pos}/{len} artifacts, {msg}, {eta} left";
    let style = ProgressStyle::with_template(template);
    let bar =
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(TICK);
    bar
}

fn show(bar: &ProgressBar, pace: &Pace, snapshot: &Value) {
    let at = |pointer| count(snapshot, pointer);
    // A bar of nothing would look like one that is full.
    bar.set_length(at("/progress/planned").max(1));
    bar.set_position(at("/progress/artifacts") + at("/progress/there_already"));
    bar.set_message(said(pace, snapshot, Instant::now()));
}

/// `12.50 MiB at 2.10 MiB/s`.
fn said(pace: &Pace, snapshot: &Value, now: Instant) -> String {
    let bytes = count(snapshot, "/progress/bytes");
    format!("{} at {}/s", HumanBytes(bytes), HumanBytes(pace.rate(bytes, now)))
}

fn count(value: &Value, at: &str) -> u64 {
    value.pointer(at).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_and_their_rate_are_said() {
        let since = Instant::now();
        let pace = Pace { since, bytes: 1 << 20 };
        let snapshot = json!({"progress": {"bytes": 11 << 20}});
        for (seconds, words) in [(0, "11.00 MiB at 0 B/s"), (5, "11.00 MiB at 2.00 MiB/s")] {
            assert_eq!(said(&pace, &snapshot, since + Duration::from_secs(seconds)), words);
        }
        assert_eq!(said(&pace, &json!({}), since), "0 B at 0 B/s");
    }
}
