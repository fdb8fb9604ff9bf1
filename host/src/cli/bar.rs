//! The bar of a copy on a terminal: percent, artifacts, bytes, rate, time left. Elsewhere it shows
//! nothing. It asks for nothing.

use std::{io::IsTerminal, time::Duration};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

use crate::Progress;

/// How often it is drawn where nothing changes: whoever looks sees that it is alive.
const TICK: Duration = Duration::from_millis(500);
const TEMPLATE: &str = "{spinner} {bar:12} {wide_msg}";

/// A bar on standard error.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template(TEMPLATE);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(100).with_style(style);
        bar.set_message("listing");
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    pub(super) fn show(&self, now: &Progress) {
        if self.0.is_hidden() {
            return;
        }
        self.0.set_position(now.percent.into());
        self.0.set_message(said(now));
    }

    /// Takes it off the terminal.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// `42 %, 9s left, 12.50 MiB of 30.00 MiB, 2.10 MiB/s, 3/7 artifacts`: a narrow terminal cuts the end.
fn said(now: &Progress) -> String {
    if now.planned == 0 {
        return "listing".to_owned();
    }
    let mut words = vec![format!("{} %", now.percent)];
    if let Some(seconds @ 1..) = now.seconds_left {
        words.push(format!("{:#} left", HumanDuration(Duration::from_secs(seconds))));
    }
    let to_move = now.bytes_expected.saturating_sub(now.bytes_there);
    if to_move > 0 {
        words.push(format!("{} of {}", HumanBytes(now.bytes), HumanBytes(to_move)));
    }
    if now.rate > 0 {
        words.push(format!("{}/s", HumanBytes(now.rate)));
    }
    let done = now.artifacts + now.there_already + now.left;
    words.push(format!("{done}/{} artifacts", now.planned));
    if now.bytes_there > 0 {
        words.push(format!("{} there already", HumanBytes(now.bytes_there)));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said() {
        let none = Progress::default();
        let there = Progress { planned: 4, there_already: 1, left: 1, percent: 50, ..none };
        let moving = Progress {
            planned: 7,
            artifacts: 3,
            percent: 42,
            bytes: 12 << 20,
            bytes_expected: 31 << 20,
            bytes_there: 1 << 20,
            rate: 2 << 20,
            seconds_left: Some(9),
            ..none
        };
        let cases = [
            (none, "listing"),
            (there, "50 %, 2/4 artifacts"),
            (
                moving,
                "42 %, 9s left, 12.00 MiB of 30.00 MiB, 2.00 MiB/s, 3/7 artifacts, 1.00 MiB there \
                 already",
            ),
        ];
        for (now, words) in cases {
            assert_eq!(said(&now), words);
        }
    }
}
