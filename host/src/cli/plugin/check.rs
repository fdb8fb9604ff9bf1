//! `portolan plugin check`: the report of the conformance kit.

use portolan_core::oci::Repository;
use serde_json::{Value, json};

use super::author;
use crate::{
    cli::{
        args::{PluginCheck, PluginEndpoint},
        demo::compiler,
        output::{Failure, Output},
        typed,
    },
    config::cache_dir,
    oneshot::check::{self, Live, Options, PlayedEndpoint, Report, Status},
};

/// Longest file of recorded exchanges, in bytes.
const MAX_FIXTURES: u64 = 16 << 20;

const COLUMNS: &[(&str, &str)] =
    &[("RESULT", "/status"), ("CHECK", "/check"), ("FUNCTION", "/function"), ("WHAT", "/text")];

pub(super) async fn run(
    args: PluginCheck,
    output: Output,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let fixture = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok((name, typed::text_file("--fixtures", path, MAX_FIXTURES)?))
    };
    let fixtures = args.fixtures.iter().map(fixture).collect::<Result<_, Failure>>()?;
    let options = Options {
        component: author::component(&args.file).await?,
        cache: cache_dir(lookup),
        compiler: compiler()?,
        played: played(&args)?,
        fixtures,
        live: live(&args.endpoint, args.write.as_deref())?,
    };
    show(output, &check::check(options).await?)
}

/// Given credentials are those of the live endpoint, or of the one that is played where there is
/// no other.
fn played(args: &PluginCheck) -> Result<PlayedEndpoint, Failure> {
    let url = args.played_url.as_deref();
    let (access_key, access_secret) = match args.endpoint.url {
        Some(_) => (None, None),
        None => author::login(&args.endpoint)?,
    };
    Ok(PlayedEndpoint {
        url: url.map(|text| typed::url("--played-url", text)).transpose()?,
        access_key,
        access_secret,
        settings: author::settings(&args.endpoint.setting)?,
        repositories: args.repository.clone(),
    })
}

fn live(args: &PluginEndpoint, write: Option<&str>) -> Result<Option<Live>, Failure> {
    let Some(url) = &args.url else { return Ok(None) };
    let (spec, credentials) = author::endpoint(args, "", typed::url("--url", url)?)?;
    let wrong = |error| Failure::usage(format!("--write: {error}"));
    let write = write.map(|name| name.parse::<Repository>().map_err(wrong)).transpose()?;
    Ok(Some(Live { spec, credentials, write }))
}

fn show(output: Output, report: &Report) -> Result<(), Failure> {
    let failed = report.count(Status::Fail);
    let findings = json!(report.findings);
    if output.is_json() {
        output.json(&json!({
            "provider": report.provider,
            "digest": report.digest,
            "passed": report.count(Status::Pass),
            "failed": failed,
            "warnings": report.count(Status::Warn),
            "findings": findings,
        }))?;
    } else {
        output.list(&in_words(findings), COLUMNS)?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new("one check failed")),
        many => Err(Failure::new(format!("{many} checks failed"))),
    }
}

/// What fails is to catch the eye.
fn in_words(mut findings: Value) -> Value {
    for finding in findings.as_array_mut().into_iter().flatten() {
        let status = finding.pointer("/status").and_then(Value::as_str);
        let shown = match status {
            Some("fail") => "FAIL".to_owned(),
            other => other.unwrap_or_default().to_owned(),
        };
        if let Some(object) = finding.as_object_mut() {
            object.insert("status".to_owned(), shown.into());
        }
    }
    findings
}
