//! `portolan plugin`: nothing a stranger's adapter asks for is granted without being shown.

use std::{
    io::{BufRead, IsTerminal},
    path::Path,
};

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{PluginApprove, PluginArgs, PluginCommand},
    client::{Client, PORTOLAN, Payload},
    output::{Failure, Output, note},
};
use crate::daemon;

mod author;
mod call;
mod check;

/// Fewest characters of a digest that name it.
const MIN_DIGEST: usize = 8;

const LIST: &[(&str, &str)] = &[
    ("PROVIDER", "/info/provider"),
    ("VERSION", "/info/version"),
    ("STATE", "/state"),
    ("DIGEST", "/digest"),
    ("GRANTED", "/hosts"),
];

const RECORD: &[(&str, &str)] = &[
    ("provider", "/info/provider"),
    ("description", "/info/description"),
    ("version", "/info/version"),
    ("state", "/state"),
    ("digest", "/digest"),
    ("asks for", "/asks"),
    ("granted", "/hosts"),
    ("source", "/source"),
    ("installed", "/installed"),
    ("calls", "/calls"),
    ("faults", "/faults"),
];

pub(super) async fn run(
    args: PluginArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let output = Output::new(args.connection.output);
    match args.command {
        PluginCommand::WarmUp => warm_up(output, lookup).await,
        PluginCommand::Check(args) => check::run(*args, output, lookup).await,
        PluginCommand::Call(args) => call::run(*args, output, lookup).await,
        command => ask(command, output, &Client::new(&args.connection, lookup)?).await,
    }
}

/// What a running daemon is asked.
async fn ask(command: PluginCommand, output: Output, client: &Client) -> Result<(), Failure> {
    match command {
        PluginCommand::List => list(client, output).await,
        PluginCommand::Show { plugin } => show(client, output, &plugin).await,
        PluginCommand::Install { file } => install(client, output, &file).await,
        PluginCommand::Approve(args) => approve(client, output, &args).await,
        PluginCommand::Revoke { plugin } => revoke(client, output, &plugin).await,
        PluginCommand::Remove { plugin } => remove(client, output, &plugin).await,
        // Done without one.
        PluginCommand::WarmUp | PluginCommand::Check(_) | PluginCommand::Call(_) => Ok(()),
    }
}

fn plugins() -> String {
    format!("{PORTOLAN}/plugins")
}

async fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let mut found = client.get(&plugins()).await?;
    if !output.is_json() {
        for plugin in found.as_array_mut().into_iter().flatten() {
            let hosts = hosts(plugin.get("granted"));
            if let Some(object) = plugin.as_object_mut() {
                object.insert("hosts".to_owned(), hosts.into());
            }
        }
    }
    output.list(&found, LIST)
}

async fn show(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let mut plugin = find(client, name).await?;
    if !output.is_json() {
        let (asks, granted) = (asks(&plugin), hosts(plugin.get("granted")));
        if let Some(object) = plugin.as_object_mut() {
            object.insert("asks".to_owned(), asks.into());
            object.insert("hosts".to_owned(), granted.into());
        }
    }
    output.record(&plugin, RECORD)
}

async fn install(client: &Client, output: Output, file: &Path) -> Result<(), Failure> {
    let component = tokio::fs::read(file)
        .await
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
    let path = format!("{}?source={name}", plugins());
    let answer = client.send(Method::POST, &path, Payload::Component(component)).await?;
    let plugin: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let provider = provider(&plugin);
    let sentence = format!(
        "Adapter `{provider}` installed. It asks for {}.\nIt does nothing until `portolan plugin approve {provider}`.",
        asks(&plugin),
    );
    output.done(&sentence, &plugin)
}

async fn approve(client: &Client, output: Output, args: &PluginApprove) -> Result<(), Failure> {
    let plugin = find(client, &args.plugin).await?;
    let granted = granted(&plugin, &args.hosts)?;
    if !args.yes {
        confirm(&plugin, &granted)?;
    }
    let path = format!("{}/approve", path_of(&plugin)?);
    let payload = Payload::Json(json!({"hosts": granted}));
    let answer = client.send(Method::POST, &path, payload).await?;
    let approved: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    output.done(&format!("Adapter `{}` approved", provider(&plugin)), &approved)
}

/// The hosts it asks for, or those of them that were named.
fn granted(plugin: &Value, named: &[String]) -> Result<Vec<Value>, Failure> {
    let asked = plugin.pointer("/info/allowed_hosts").and_then(Value::as_array);
    let asked = asked.map(Vec::as_slice).unwrap_or_default();
    if named.is_empty() {
        return Ok(asked.to_vec());
    }
    named
        .iter()
        .map(|name| {
            let found =
                asked.iter().find(|host| host.get("pattern") == Some(&name.as_str().into()));
            found.cloned().ok_or_else(|| {
                Failure::usage(format!("the adapter does not ask for `{name}`"))
                    .hint(format!("it asks for {}", asks(plugin)))
            })
        })
        .collect()
}

fn confirm(plugin: &Value, granted: &[Value]) -> Result<(), Failure> {
    let hosts = hosts(Some(&Value::Array(granted.to_vec())));
    note(&format!("Adapter `{}`, {}", provider(plugin), text(plugin, "/digest")));
    note(&format!("Besides its endpoints it may reach: {hosts}"));
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask whether this is meant")
            .hint("say --yes if it is"));
    }
    note("Approve? [y/N]");
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(format!("cannot read the answer: {error}")))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new("nothing was approved")),
    }
}

/// A bundled adapter is part of the program: it is neither revoked nor removed.
async fn find_foreign(client: &Client, name: &str) -> Result<Value, Failure> {
    let plugin = find(client, name).await?;
    if text(&plugin, "/state") == "bundled" {
        let message = format!("the adapter `{name}` is part of this program and stays");
        return Err(
            Failure::new(message).hint("only adapters that were installed can be taken away")
        );
    }
    Ok(plugin)
}

async fn revoke(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let plugin = find_foreign(client, name).await?;
    let path = format!("{}/revoke", path_of(&plugin)?);
    let answer = client.send(Method::POST, &path, Payload::Nothing).await?;
    let revoked: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    output.done(&format!("Adapter `{}` revoked", provider(&plugin)), &revoked)
}

async fn remove(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let plugin = find_foreign(client, name).await?;
    client.send(Method::DELETE, &path_of(&plugin)?, Payload::Nothing).await?;
    output.done(&format!("Adapter `{}` removed", provider(&plugin)), &plugin)
}

async fn warm_up(output: Output, lookup: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
    let (cache, providers) = daemon::warm_up(lookup).await?;
    let sentence = format!("Compiled {} into {}", providers.join(", "), cache.display());
    output.done(&sentence, &json!({"cache": cache, "providers": providers}))
}

async fn find(client: &Client, name: &str) -> Result<Value, Failure> {
    choose(client.get(&plugins()).await?, name)
}

/// The one adapter of this provider, or of this digest.
fn choose(found: Value, name: &str) -> Result<Value, Failure> {
    let Value::Array(found) = found else {
        return Err(Failure::new("the daemon's answer is no list of adapters"));
    };
    let wanted = name.strip_prefix("sha256:").unwrap_or(name);
    let fits = |plugin: &Value| {
        let digest = text(plugin, "/digest");
        let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
        provider(plugin) == name || (wanted.len() >= MIN_DIGEST && hex.starts_with(wanted))
    };
    let mut fitting = found.into_iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(plugin), None) => Ok(plugin),
        (None, _) => Err(Failure::new(format!("there is no adapter `{name}`"))
            .hint("`portolan plugin list` shows which there are")),
        (Some(_), Some(_)) => Err(Failure::usage(format!("`{name}` names several adapters"))
            .hint("`portolan plugin list` shows their digests; name one of these")),
    }
}

fn path_of(plugin: &Value) -> Result<String, Failure> {
    match text(plugin, "/digest") {
        "" => Err(Failure::new("the daemon's answer has no digest in it")),
        digest => Ok(format!("{}/{digest}", plugins())),
    }
}

fn provider(plugin: &Value) -> &str {
    text(plugin, "/info/provider")
}

fn text<'a>(plugin: &'a Value, at: &str) -> &'a str {
    plugin.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn asks(plugin: &Value) -> String {
    hosts(plugin.pointer("/info/allowed_hosts"))
}

/// `https://auth.example (credentials), https://*.example (data, storage)`.
fn hosts(list: Option<&Value>) -> String {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |host: &Value| {
        let uses = host.get("uses").and_then(Value::as_array).into_iter().flatten();
        let uses = uses.filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        format!("{} ({uses})", text(host, "/pattern"))
    };
    match list {
        [] => "no other host".to_owned(),
        list => list.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Value {
        let host = json!({"pattern": "https://auth.example", "uses": ["credentials", "data"]});
        json!([
            {"digest": "sha256:aaaaaaaaa1", "info": {"provider": "acme", "allowed_hosts": [host]}},
            {"digest": "sha256:aaaaaaaaa2", "info": {"provider": "acme"}},
            {"digest": "sha256:bbbbbbbbb3", "info": {"provider": "other"}},
        ])
    }

    #[test]
    fn an_adapter_is_named_by_provider_or_digest() {
        for (name, digest) in [
            ("other", Some("sha256:bbbbbbbbb3")),
            ("acme", None),
            ("sha256:aaaaaaaaa2", Some("sha256:aaaaaaaaa2")),
            ("bbbbbbbb", Some("sha256:bbbbbbbbb3")),
            ("bbbbbbb", None),
            ("aaaaaaaa", None),
            ("none", None),
        ] {
            let chosen = choose(two(), name).ok();
            assert_eq!(chosen.as_ref().map(|plugin| text(plugin, "/digest")), digest, "{name}");
        }
    }

    #[test]
    fn only_hosts_it_asks_for_can_be_granted() {
        let plugin = choose(two(), "sha256:aaaaaaaaa1").unwrap();
        assert_eq!(asks(&plugin), "https://auth.example (credentials, data)");
        assert_eq!(hosts(None), "no other host");
        assert_eq!(granted(&plugin, &[]).unwrap().len(), 1);
        assert_eq!(granted(&plugin, &["https://auth.example".to_owned()]).unwrap().len(), 1);
        assert!(granted(&plugin, &["https://evil.example".to_owned()]).is_err());
    }
}
