//! What was found, one line each, for the adapter's author.

use portolan_core::oci::Digest;
use serde::Serialize;

/// Everything that was found about one component.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The provider; empty where the component could not be loaded.
    pub provider: String,
    /// Digest of the component.
    pub digest: Digest,
    /// In the order they were found.
    pub findings: Vec<Finding>,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it went.
    pub status: Status,
    /// What was tried.
    pub check: String,
    /// The function it is about, as WIT names it; empty where it is about the whole.
    pub function: String,
    /// What was found, and what to do about it.
    pub text: String,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should.
    Pass,
    /// It works, and could be better; or the kit could not find out.
    Warn,
    /// Not as the interface asks.
    Fail,
    /// For the author to know.
    Note,
}

impl Report {
    pub(super) fn new(digest: Digest) -> Self {
        Self { provider: String::new(), digest, findings: Vec::new() }
    }

    /// How many findings have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.findings.iter().filter(|finding| finding.status == status).count()
    }

    pub(super) fn pass(&mut self, check: &str, function: &str, text: impl Into<String>) {
        self.add(Status::Pass, check, function, text.into());
    }

    pub(super) fn warn(&mut self, check: &str, function: &str, text: impl Into<String>) {
        self.add(Status::Warn, check, function, text.into());
    }

    pub(super) fn fail(&mut self, check: &str, function: &str, text: impl Into<String>) {
        self.add(Status::Fail, check, function, text.into());
    }

    pub(super) fn note(&mut self, check: &str, function: &str, text: impl Into<String>) {
        self.add(Status::Note, check, function, text.into());
    }

    fn add(&mut self, status: Status, check: &str, function: &str, text: String) {
        let (check, function) = (check.to_owned(), function.to_owned());
        self.findings.push(Finding { status, check, function, text });
    }
}
