//! `portolan plugin call`: one function, its answer as JSON.

use std::path::Path;

use portolan_core::{
    endpoint::EndpointUrl,
    provider::{Action, ArtifactQuery, RepositoryQuery, Scope},
};
use serde_json::json;

use super::author;
use crate::{
    AdapterCall,
    cli::{
        args::PluginCall,
        demo::compiler,
        output::{Failure, Output},
        typed,
    },
    config::cache_dir,
    oneshot,
};

/// Longest body of a webhook, in bytes.
const MAX_BODY: u64 = 4 << 20;
/// Stands for the address where a function needs none.
const NOWHERE: &str = "https://registry.invalid";

pub(super) async fn run(
    args: PluginCall,
    output: Output,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let call = match args.function.as_str() {
        "describe" => None,
        _ => Some(parse(&args)?),
    };
    let url = address(&args, call.as_ref())?;
    let component = find(&args.plugin).await?;
    let (host, info) = oneshot::host_of(component, cache_dir(lookup), compiler()?).await?;
    let Some(call) = call else { return output.json(&json!(info)) };
    let (spec, credentials) = author::endpoint(&args.endpoint, &info.provider, url)?;
    match host.call(&spec, &credentials, &call).await {
        Ok(answer) => output.json(&answer.to_json()),
        Err(failure) => {
            let text = format!("{} ended as {}", failure.function, failure.fault);
            Err(Failure::new(format!("{text}: {}", failure.message)))
        }
    }
}

/// A file, or else a bundled adapter.
async fn find(plugin: &str) -> Result<Vec<u8>, Failure> {
    let bundled = bundled_plugins::ALL.iter().find(|adapter| adapter.provider == plugin);
    match bundled {
        Some(adapter) if !Path::new(plugin).is_file() => Ok(adapter.bytes.to_vec()),
        None if !plugin.contains(['/', '.']) => {
            let all: Vec<_> = bundled_plugins::ALL.iter().map(|it| it.provider).collect();
            let message = format!("`{plugin}` is neither a file nor a bundled adapter");
            Err(Failure::usage(message).hint(format!("bundled are {}", all.join(", "))))
        }
        _ => author::component(Path::new(plugin)).await,
    }
}

/// Only what asks no registry can do without an address.
fn address(args: &PluginCall, call: Option<&AdapterCall>) -> Result<EndpointUrl, Failure> {
    let needs_none =
        matches!(call, None | Some(AdapterCall::Authentication | AdapterCall::Parse(..)));
    match &args.endpoint.url {
        Some(url) => typed::url("--url", url),
        None if needs_none => typed::url("--url", NOWHERE),
        None => Err(Failure::usage(format!("{} needs an endpoint: say --url", args.function))),
    }
}

fn parse(args: &PluginCall) -> Result<AdapterCall, Failure> {
    let cursor = args.cursor.clone();
    let given: Vec<_> = args.arguments.iter().map(String::as_str).collect();
    Ok(match (args.function.as_str(), &*given) {
        ("check-health", []) => AdapterCall::CheckHealth,
        ("list-repositories", []) => {
            let query = RepositoryQuery { prefix: args.prefix.clone(), name_contains: None };
            AdapterCall::ListRepositories(query, cursor)
        }
        ("list-artifacts", [name]) => {
            AdapterCall::ListArtifacts((*name).to_owned(), ArtifactQuery::default(), cursor)
        }
        ("list-artifacts", [name, tag]) => {
            let query = ArtifactQuery { tag: Some((*tag).to_owned()), tag_prefix: None };
            AdapterCall::ListArtifacts((*name).to_owned(), query, cursor)
        }
        ("locate", [name]) => AdapterCall::Locate((*name).to_owned()),
        ("authorize", [name]) => authorize(name, "pull")?,
        ("authorize", [name, actions]) => authorize(name, actions)?,
        ("prepare-targets", [_, ..]) => AdapterCall::PrepareTargets(args.arguments.clone()),
        ("delete-tag", [name, tag]) => {
            AdapterCall::DeleteTag((*name).to_owned(), (*tag).to_owned())
        }
        ("delete-artifact", [name, digest]) => {
            AdapterCall::DeleteArtifact((*name).to_owned(), (*digest).to_owned())
        }
        ("resolve-chart", [name, tag]) => {
            AdapterCall::ResolveChart((*name).to_owned(), (*tag).to_owned())
        }
        ("list-labels", []) => AdapterCall::ListLabels(cursor),
        ("authentication", []) => AdapterCall::Authentication,
        ("parse", [file]) => {
            let body = typed::text_file("the webhook's body", Path::new(file), MAX_BODY)?;
            AdapterCall::Parse(headers(&args.header)?, body.into_bytes())
        }
        (function, _) => {
            let message = format!("`{function}` is no function, or has other arguments");
            return Err(Failure::usage(message).hint("see `portolan plugin call --help`"));
        }
    })
}

fn authorize(name: &str, actions: &str) -> Result<AdapterCall, Failure> {
    let repository = name.parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let action = |word: &str| match word {
        "pull" => Ok(Action::Pull),
        "push" => Ok(Action::Push),
        "delete" => Ok(Action::Delete),
        _ => Err(Failure::usage(format!("`{word}` is none of pull, push, delete"))),
    };
    let actions = actions.split(',').map(action).collect::<Result<_, _>>()?;
    Ok(AdapterCall::Authorize(vec![Scope { repository, actions }]))
}

fn headers(given: &[String]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let one = |text: &String| {
        let wrong = || Failure::usage(format!("--header {text}: write it as NAME:VALUE"));
        let (name, value) = text.split_once(':').ok_or_else(wrong)?;
        Ok((name.trim().to_owned(), value.trim().as_bytes().to_vec()))
    };
    given.iter().map(one).collect()
}
