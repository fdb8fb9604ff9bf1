//! A copy between endpoints of a daemon, which alone has their secrets: a rule is made, run, and
//! removed again where everything went well.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use http::Method;
use indicatif::HumanBytes;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    alternatives, count,
    sides::{destinations_are_described, is_name, source_is_described},
    to, twice,
};
use crate::{
    Progress,
    cli::{
        args::ReplicateArgs,
        client::{Client, HARBOR, Payload},
        endpoint::{self, id_of},
        output::{Failure, Output},
        rule, watch,
    },
};

/// Copies once, by the daemon.
pub(super) async fn run(
    args: &ReplicateArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let started = Instant::now();
    check(args)?;
    let client = Client::new(&args.connection, lookup)?;
    let source = id_of(&endpoint::find(&client, &args.from).await?)?;
    let mut destinations = Vec::with_capacity(args.to.len());
    for name in &args.to {
        destinations.push(id_of(&endpoint::find(&client, name).await?)?);
    }
    let policies = format!("{HARBOR}/replication/policies");
    let payload = Payload::Json(policy(args, source, &destinations));
    let made = client.send(Method::POST, &policies, payload).await?;
    let rule = made.location.ok_or_else(|| Failure::new("the daemon does not say what it made"))?;
    let id = id_of(&rule::run_now(&client, id_of(&client.get(&rule).await?)?).await?)?;
    let progress = watch::follow(&client, id).await?;
    let run = client.get(&format!("{HARBOR}/replication/executions/{id}")).await?;
    let complete = run.get("status").and_then(Value::as_str) == Some("Succeed");
    let told = (&progress, complete, args.to.len());
    say(Output::new(args.connection.output), told, started.elapsed())?;
    if complete {
        client.send(Method::DELETE, &rule, Payload::Nothing).await?;
        return Ok(());
    }
    let why = match run.get("status_text").and_then(Value::as_str) {
        None | Some("") => String::new(),
        Some(why) => format!(": {why}"),
    };
    let hint = format!("`portolan execution logs {id}` has the reasons; its rule is kept for them");
    Err(Failure::new(format!("not everything is at the destination{why}")).hint(hint))
}

/// What cannot be said of endpoints: they have it of their own.
fn check(args: &ReplicateArgs) -> Result<(), Failure> {
    let from = ("--from", &args.from, source_is_described(args));
    let described = destinations_are_described(args);
    let to = args.to.iter().map(|to| ("--to", to, described));
    for (option, name, described) in std::iter::once(from).chain(to) {
        if !is_name(name) {
            let others = if args.to.len() > 1 { "others are" } else { "the other side is one" };
            let message = format!("{option} {name} is no endpoint's name, and {others}");
            let hint = "`portolan endpoint add` makes an endpoint of it; or give URLs for all";
            return Err(Failure::usage(message).hint(hint));
        }
        if described {
            let message =
                format!("the endpoint {name} has a provider, a login and certificates of its own");
            return Err(Failure::usage(message)
                .hint(format!("leave out the options that begin with {option}-")));
        }
    }
    let mut met = HashSet::new();
    if let Some(again) = args.to.iter().find(|to| !met.insert(to.as_str())) {
        return Err(twice(again));
    }
    match [("--list", args.list.is_some()), ("--state", args.state.is_some())] {
        [(option, true), _] | [_, (option, true)] => {
            Err(Failure::usage(format!("{option} is for copies between URLs")))
        }
        _ => Ok(()),
    }
}

fn policy(args: &ReplicateArgs, source: u64, destinations: &[u64]) -> Value {
    let namespace = &args.dest_namespace;
    let destination = |id: &u64| json!({"registry": {"id": id}, "namespace": namespace});
    let filter = |kind: &str, globs: &[String]| {
        alternatives(globs).map(|glob| json!({"type": kind, "value": glob}))
    };
    let filters = [filter("name", &args.repository), filter("tag", &args.tag)];
    json!({
        "name": format!("replicate-{}", OffsetDateTime::now_utc().unix_timestamp_nanos()),
        "description": "made by `portolan replicate`",
        "src_registry": {"id": source},
        "destinations": destinations.iter().map(destination).collect::<Vec<_>>(),
        "dest_namespace_replace_count": args.flatten,
        "filters": filters.into_iter().flatten().collect::<Vec<_>>(),
        "trigger": {"type": "manual"},
        "enabled": true,
        "override": true,
    })
}

fn say(
    output: Output,
    (now, complete, destinations): (&Progress, bool, usize),
    took: Duration,
) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&json!({
            "complete": complete,
            "planned": now.planned,
            "copied": now.artifacts,
            "there_already": now.there_already,
            "blobs": now.blobs,
            "bytes": now.bytes,
            "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }));
    }
    output.text(&format!(
        "{} copied{}, {} there already; {} moved ({}) in {:.1} s, by the daemon",
        count(now.artifacts, "artifact"),
        to(destinations),
        now.there_already,
        count(now.blobs, "blob"),
        HumanBytes(now.bytes),
        took.as_secs_f64(),
    ))
}
