//! Everything that is printed, and the exit status. Nothing else in the program prints.
//!
//! Text from a daemon or a registry may hold terminal control sequences: it is shown without. Our own
//! colours reach a terminal alone, and none where NO_COLOR is set.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::args::Format;
use crate::{config::ConfigError, daemon::DaemonError, error::Error};

mod columns;

pub(crate) use columns::{cell, columns};

/// Why a command ended without doing its work.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// A failure: exit status 1.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, status: 1 }
    }

    /// A mistake in what was typed: exit status 2.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { status: 2, ..Self::new(message) }
    }

    /// Adds what to do now.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What happened, without what to do now.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do now, where somebody said so.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        Self::new(error.to_string())
    }
}

/// Standard output could not be written. A reader that has gone away (`| head`) is no failure: the
/// command ends there, silently, with status 0.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self { status: 0, ..Self::new("") },
            _ => Self::new(format!("cannot write to standard output: {error}")),
        }
    }
}

/// Shows a failure on standard error and gives the exit status: 0, 1 for a failure, 2 for a
/// mistake in what was typed.
pub fn finish(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    if failure.status != 0 {
        told("error:", AnsiColor::Red.on_default().bold(), &failure.message);
        if let Some(hint) = &failure.hint {
            told("hint:", AnsiColor::Cyan.on_default(), hint);
        }
    }
    ExitCode::from(failure.status)
}

/// One line for people on standard error. Where that cannot be written there is nobody to tell.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(line));
}

fn told(word: &str, style: Style, text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{style}{word}{style:#} {}", printable(text));
}

/// The colour of a word that says how something is; `None` for any other word.
pub(crate) fn painted(word: &str) -> Option<Style> {
    let colour = match word {
        "healthy" | "Succeed" | "good" | "pass" | "approved" | "done" => AnsiColor::Green,
        "unhealthy" | "Failed" | "failed" | "fail" | "refused" => AnsiColor::Red,
        "Stopped" | "warning" | "warn" | "pending" => AnsiColor::Yellow,
        _ => return None,
    };
    Some(colour.on_default())
}

/// Text of our own that is not for people: whole and as it is.
pub(crate) fn whole(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::from)
}

/// A question on standard error; the answer is typed behind it.
pub(crate) fn prompt(question: &str) {
    let mut out = io::stderr().lock();
    let _ = write!(out, "{}", printable(question)).and_then(|()| out.flush());
}

/// Shows what clap has to say (help, version, or a mistake) and gives the exit status.
pub fn finish_parsing(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// One line on standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn line(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{}", printable(text)).map_err(Failure::from)
}

/// Shows answers in the format that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// A list: the JSON itself, or one line for each element with these columns (heading, JSON
    /// pointer).
    pub(crate) fn list(self, list: &Value, wanted: &[(&str, &str)]) -> Result<(), Failure> {
        if self.format == Format::Json {
            return self.json(list);
        }
        let headings = wanted.iter().map(|(heading, _)| *heading).collect::<Vec<_>>();
        let elements = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let rows = elements
            .iter()
            .map(|element| wanted.iter().map(|(_, at)| cell(element.pointer(at))).collect())
            .collect::<Vec<_>>();
        write!(anstream::stdout().lock(), "{}", columns(&headings, &rows)).map_err(Failure::from)
    }

    /// One object: the JSON itself, or a line for each of these values that is there.
    pub(crate) fn record(self, object: &Value, wanted: &[(&str, &str)]) -> Result<(), Failure> {
        if self.format == Format::Json {
            return self.json(object);
        }
        let width = wanted.iter().map(|(label, _)| label.len()).max().unwrap_or(0) + 1;
        let mut out = anstream::stdout().lock();
        for (label, at) in wanted {
            if let Some(value) = object.pointer(at) {
                let text = cell(Some(value));
                let style = painted(&text).unwrap_or_default();
                writeln!(out, "{:<width$} {style}{text}{style:#}", format!("{label}:"))?;
            }
        }
        Ok(())
    }

    /// What was done: a sentence for people, an object for programs.
    pub(crate) fn done(self, sentence: &str, object: &Value) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(object),
            Format::Table => line(sentence),
        }
    }

    /// Text that is shown as it is, but for control characters.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        for line in text.lines() {
            writeln!(out, "{}", printable(line))?;
        }
        Ok(())
    }

    /// Lines of our own whose first word has a colour, where there is one.
    pub(crate) fn lines(self, text: &str, style: Option<Style>) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        let (word, rest) = match style {
            Some(_) => text.split_at(text.find(' ').unwrap_or(text.len())),
            None => ("", text),
        };
        let style = style.unwrap_or_default();
        writeln!(out, "{style}{word}{style:#}{}", printable(rest)).map_err(Failure::from)
    }

    /// One of many objects that come one after the other, each in a line.
    pub(crate) fn json_line(self, value: &Value) -> Result<(), Failure> {
        writeln!(io::stdout().lock(), "{value}").map_err(Failure::from)
    }

    pub(crate) fn json(self, value: &Value) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
        writeln!(out).map_err(Failure::from)
    }

    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }
}

/// The text with control characters, tabs and line ends apart, shown as `\u{…}`.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            character if character.is_control() => shown.extend(character.escape_default()),
            character => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_shown_and_not_sent() {
        for (text, shown) in [
            ("plain ä 漢", "plain ä 漢"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("bell\u{7}\r", "bell\\u{7}\\r"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.status, 0);
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.status, 1);
    }
}
