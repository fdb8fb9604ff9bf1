//! `portolan replicate`: what was typed becomes one copy, with bars on a terminal.

mod endpoints;
mod layout;
mod sides;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use indicatif::HumanBytes;
use portolan_core::{
    endpoint::{Credentials, EndpointSpec, EndpointUrl},
    filter::{Decoration, Filter},
    oci::{Repository, Tag},
};
use serde_json::{Value, json};

use layout::TypedLayout;
use sides::{Side, is_name};

use super::{
    args::ReplicateArgs,
    bar::Bar,
    demo::compiler,
    output::{self, Failure, Output},
    secret, typed,
};
use crate::{
    config::cache_dir,
    oneshot::{
        self, logins,
        replicate::{End, Options, Progress, Report},
    },
};

/// Longest list file, in bytes.
const MAX_LIST: u64 = 64 << 20;
/// Most failures printed.
const MAX_PRINTED: usize = 20;

/// Copies once.
///
/// # Errors
/// When the options are not usable, or not everything is at the destination.
pub async fn run(
    args: ReplicateArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let started = Instant::now();
    check(&args)?;
    if is_name(&args.from) || args.to.iter().any(|to| is_name(to)) {
        return endpoints::run(&args, lookup).await;
    }
    let (source, destinations) = (sides::source(&args), sides::destinations(&args)?);
    let layouts = layout::of(&source, &destinations)?;
    let options = Options {
        source: side(&source, &layouts, &lookup).await?,
        destinations: written(&destinations, &layouts, &lookup).await?,
        filters: filters(&args)?,
        list: args.list.as_deref().map(read_list).transpose()?,
        namespace: args.dest_namespace.clone(),
        flatten: args.flatten,
    };
    let providers = std::iter::once(&source).chain(&destinations).map(|side| side.provider);
    let providers: Vec<&str> = providers.collect();
    let state = state(&args)?;
    let layouts = layouts.into_iter().map(|it| (it.name, it.place)).collect();
    let host = oneshot::host(&providers, cache_dir(&lookup), compiler()?, state, layouts).await?;
    let bar = Bar::new();
    let show = |now: Progress| bar.show(&now.way);
    let report = oneshot::replicate::replicate(&host, options, show).await;
    bar.clear();
    // What was found out is remembered, also where it ended badly.
    host.shutdown(Duration::from_secs(5)).await;
    let report = report?;
    let to = destinations.len();
    summary(Output::new(args.connection.output), (&report, to), started.elapsed())
}

/// What can be seen to be wrong before anything is asked.
fn check(args: &ReplicateArgs) -> Result<(), Failure> {
    args.repository.iter().try_for_each(|glob| typed::glob("--repository", glob))?;
    args.tag.iter().try_for_each(|glob| typed::glob("--tag", glob))?;
    args.dest_namespace.iter().try_for_each(|name| typed::namespace("--dest-namespace", name))
}

/// Where is remembered what was copied, and how long that is believed.
fn state(args: &ReplicateArgs) -> Result<Option<(PathBuf, Duration)>, Failure> {
    let trust = args.trust_state.as_deref().map(|age| typed::age("--trust-state", age));
    let trust = trust.transpose()?.unwrap_or_default();
    Ok(args.state.clone().map(|directory| (directory, trust)))
}

/// The ends that are written to, each another place.
async fn written(
    destinations: &[Side<'_>],
    layouts: &[TypedLayout],
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<Vec<End>, Failure> {
    let mut ends: Vec<End> = Vec::with_capacity(destinations.len());
    for destination in destinations {
        let end = side(destination, layouts, lookup).await?;
        if ends.iter().any(|(other, _)| other.url == end.0.url) {
            return Err(twice(destination.location));
        }
        ends.push(end);
    }
    Ok(ends)
}

fn twice(location: &str) -> Failure {
    Failure::usage(format!("--to {location} is given twice"))
}

async fn side(
    side: &Side<'_>,
    layouts: &[TypedLayout],
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<End, Failure> {
    if let Some(layout) = layouts.iter().find(|layout| layout.side == side.name) {
        let (name, provider) = (side.name.clone(), side.provider.to_owned());
        let spec = EndpointSpec::new(name, provider, layout.address(side)?);
        return Ok((spec, Credentials::default()));
    }
    let url = address(side)?;
    let (access_key, access_secret) = match (side.access_id, side.access_secret_file) {
        (Some(id), file) => {
            let option = format!("{}-access-secret-file", side.option);
            let prompt = format!("Secret of {id} at {url}");
            (Some(id.to_owned()), Some(secret::from_file_or_prompt(file, &option, &prompt)?))
        }
        (None, _) => {
            let tell = |trouble: String| output::note(&format!("note: {trouble}"));
            match logins::find(url.url().authority(), lookup, tell).await {
                Some((user, secret)) => (Some(user), Some(secret)),
                None => (None, None),
            }
        }
    };
    let ca_option = format!("{}-ca", side.option);
    let ca = side.ca.map(|path| typed::certificates(&ca_option, path)).transpose()?;
    let spec = EndpointSpec {
        access_key,
        insecure: side.insecure,
        ca_certificate: ca,
        ..EndpointSpec::new(side.name.clone(), side.provider.to_owned(), url)
    };
    Ok((spec, Credentials { access_secret, ..Credentials::default() }))
}

/// A URL; a bare host is taken as https, never as http.
fn address(side: &Side<'_>) -> Result<EndpointUrl, Failure> {
    typed::url(side.option, side.location)
}

/// Several globs of a kind are one with alternatives.
fn alternatives(globs: &[String]) -> Option<String> {
    match globs {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("{{{}}}", many.join(","))),
    }
}

fn filters(args: &ReplicateArgs) -> Result<Vec<Filter>, Failure> {
    let name = alternatives(&args.repository).map(Filter::name);
    let tag = alternatives(&args.tag).map(|glob| Filter::tag(glob, Decoration::Matches));
    Ok(name.into_iter().chain(tag).collect())
}

/// `repository:tag` lines, gathered by repository in order of first appearance.
fn read_list(path: &Path) -> Result<Vec<(Repository, Vec<Tag>)>, Failure> {
    let text = typed::text_file("--list", path, MAX_LIST)?;
    let mut list: Vec<(Repository, Vec<Tag>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong =
            |why: String| Failure::usage(format!("{} line {}: {why}", path.display(), number + 1));
        let (repository, tag) =
            line.rsplit_once(':').ok_or_else(|| wrong("expected repository:tag".to_owned()))?;
        let repository: Repository =
            repository.parse().map_err(|error| wrong(format!("{error}")))?;
        let tag: Tag = tag.parse().map_err(|error| wrong(format!("{error}")))?;
        let next = list.len();
        let place = *places.entry(repository.clone()).or_insert(next);
        match list.get_mut(place) {
            Some((_, tags)) => tags.push(tag),
            None => list.push((repository, vec![tag])),
        }
    }
    Ok(list)
}

fn summary(
    output: Output,
    (report, destinations): (&Report, usize),
    took: Duration,
) -> Result<(), Failure> {
    let now = report.progress;
    if output.is_json() {
        output.json(&as_json(report, took))?;
    } else {
        output::line(&format!(
            "{} copied{}, {} there already; {} moved ({}), {} mounted; {} in {:.1} s, {}",
            count(now.copied, "artifact"),
            to(destinations),
            now.skipped,
            count(now.blobs, "blob"),
            HumanBytes(now.bytes),
            now.mounted,
            count(now.requests, "request"),
            took.as_secs_f64(),
            checked(now.believed)
        ))?;
    }
    if report.complete {
        if now.planned == 0 {
            output::note("note: nothing was selected: no repository and tag of the source fits");
        }
        return Ok(());
    }
    for failure in report.failures.iter().take(MAX_PRINTED) {
        output::note(failure);
    }
    let failures = count(report.failures.len() as u64, "failure");
    Err(Failure::new(format!("not everything is at the destination: {failures}")))
}

/// How many destinations, where there are several.
fn to(destinations: usize) -> String {
    if destinations > 1 { format!(" to {destinations} destinations") } else { String::new() }
}

/// What was asked at the destination.
fn checked(believed: u64) -> String {
    match believed {
        0 => "every tag checked".to_owned(),
        some => format!("{} believed as remembered", count(some, "tag")),
    }
}

/// One object for programs; names are those of the bar and the sentence.
fn as_json(report: &Report, took: Duration) -> Value {
    let now = report.progress;
    json!({
        "complete": report.complete,
        "planned": now.planned,
        "copied": now.copied,
        "there_already": now.skipped,
        "believed": now.believed,
        "blobs": now.blobs,
        "mounted": now.mounted,
        "bytes": now.bytes,
        "requests": now.requests,
        "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "failures": report.failures,
    })
}

/// `1 blob`, `2 blobs`.
fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
