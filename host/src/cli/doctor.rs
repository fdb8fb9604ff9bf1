//! `portolan doctor`: looks at everything a daemon needs, changes nothing, and says for each fault
//! what to do.

use serde::Serialize;
use serde_json::json;

use super::{
    args::DoctorArgs,
    client::Client,
    output::{Failure, Output, painted},
};
use crate::config::{Config, Flags};

mod daemon;
mod files;
mod machine;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    /// As it should be.
    Good,
    /// It works, but look at it.
    Warning,
    /// It does not work.
    Failed,
    /// It was not looked at.
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    result: Grade,
    text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn new(check: &'static str, result: Grade, text: impl Into<String>) -> Self {
        Self { check, result, text: text.into(), advice: None }
    }

    fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Grade::Good, text)
    }

    fn warning(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Grade::Warning, text)
    }

    fn failed(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Grade::Failed, text)
    }

    fn skipped(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Grade::Skipped, text)
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

pub(super) async fn run(
    args: DoctorArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let output = Output::new(args.connection.output);
    let said = |name| lookup(name).is_some_and(|text| !text.is_empty());
    let named = args.connection.server.is_some() || said("PORTOLAN_SERVER");
    let elsewhere = named && args.config.is_none() && args.data_dir.is_none();
    let (mut findings, config) = match elsewhere {
        true => (vec![not_here()], None),
        false => here(&args, &lookup),
    };
    let socket = config.as_ref().map(|config| config.paths.socket.value.clone());
    let mut connection = args.connection;
    if let (None, false, Some(socket)) = (&connection.server, named, &socket) {
        connection.server = Some(format!("unix:{}", socket.display()));
    }
    match Client::new(&connection, &lookup) {
        Ok(client) => findings.extend(daemon::look(&client, named).await),
        Err(failure) => findings.push(Finding::failed("daemon", failure.message())),
    }
    show(output, &findings)
}

fn not_here() -> Finding {
    let text = "not looked at: --server or PORTOLAN_SERVER names a daemon";
    Finding::skipped("data directory", text).advise(
        "name the directory of one on this computer with --data-dir, or its settings with --config",
    )
}

/// What can be looked at without a daemon, and the settings where they can be read.
fn here(
    args: &DoctorArgs,
    lookup: &impl Fn(&str) -> Option<String>,
) -> (Vec<Finding>, Option<Config>) {
    let flags =
        Flags { config: args.config.clone(), data_dir: args.data_dir.clone(), ..Flags::default() };
    let config = match Config::load(&flags, lookup) {
        Ok(config) => config,
        Err(error) => {
            let finding = Finding::failed("settings", error.to_string());
            let advice =
                "`portolan serve --help` shows how each is written; the README lists them all";
            return (vec![finding.advise(advice)], None);
        }
    };
    let mut findings = vec![Finding::good("settings", "understood")];
    findings.extend(files::look(&config));
    findings.extend(machine::look(&config));
    (findings, Some(config))
}

fn show(output: Output, findings: &[Finding]) -> Result<(), Failure> {
    let count = |grade| findings.iter().filter(|finding| finding.result == grade).count();
    let (failed, warnings) = (count(Grade::Failed), count(Grade::Warning));
    if output.is_json() {
        output.json(&json!({"findings": findings, "failed": failed, "warnings": warnings}))?;
    } else {
        findings.iter().try_for_each(|finding| tell(output, finding))?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new("1 check failed; what to do stands below it")),
        many => Err(Failure::new(format!("{many} checks failed; what to do stands below each"))),
    }
}

fn tell(output: Output, finding: &Finding) -> Result<(), Failure> {
    let word = match finding.result {
        Grade::Good => "good",
        Grade::Warning => "warning",
        Grade::Failed => "failed",
        Grade::Skipped => "skipped",
    };
    output.lines(&format!("{word:<8}  {}: {}", finding.check, finding.text), painted(word))?;
    match &finding.advice {
        Some(advice) => output.lines(&format!("          do: {advice}"), None),
        None => Ok(()),
    }
}
