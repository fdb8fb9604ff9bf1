//! A running daemon: its version, plug-ins and endpoints.

use futures_util::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};

use super::Finding;
use crate::cli::{
    client::{Client, HARBOR, PORTOLAN, Payload},
    output::Failure,
};

/// Endpoints that are tested at once.
const AT_ONCE: usize = 8;
/// Most endpoints that are tested.
const MAX_ENDPOINTS: usize = 1_000;

/// `named` says that somebody wants this very daemon to answer.
pub(super) async fn look(client: &Client, named: bool) -> Vec<Finding> {
    let version = match client.get(&format!("{PORTOLAN}/version")).await {
        Ok(version) => version,
        Err(failure) if named => return vec![refused("daemon", &failure)],
        Err(_) => {
            let text =
                format!("none answers at {}: no plug-in and no endpoint is tested", client.place());
            return vec![Finding::skipped("daemon", text)];
        }
    };
    let mut findings = vec![daemon(client, &version)];
    findings.extend(
        plugins(client).await.unwrap_or_else(|failure| vec![refused("plug-ins", &failure)]),
    );
    findings.extend(
        endpoints(client).await.unwrap_or_else(|failure| vec![refused("endpoints", &failure)]),
    );
    findings
}

fn refused(check: &'static str, failure: &Failure) -> Finding {
    let finding = Finding::failed(check, failure.message());
    match failure.advice() {
        Some(advice) => finding.advise(advice),
        None => finding,
    }
}

fn daemon(client: &Client, version: &Value) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    let theirs = version.get("version").and_then(Value::as_str).unwrap_or_default();
    let text = format!("{theirs} answers at {}", client.place());
    if theirs == own {
        return Finding::good("daemon", text);
    }
    let advice = format!("this is {own}: start the daemon anew, or use its own `portolan`");
    Finding::warning("daemon", text).advise(advice)
}

async fn plugins(client: &Client) -> Result<Vec<Finding>, Failure> {
    let found = client.get(&format!("{PORTOLAN}/plugins")).await?;
    let working = client.get(&format!("{HARBOR}/replication/adapters")).await?;
    let mut bundled = 0;
    let mut findings = Vec::new();
    for plugin in found.as_array().into_iter().flatten() {
        let provider = text(plugin, "/info/provider");
        let works = working.as_array().is_some_and(|all| all.contains(&provider.into()));
        match text(plugin, "/state") {
            "bundled" => bundled += 1,
            "approved" if works => findings.push(Finding::good("plug-in", format!("{provider} works"))),
            "approved" => findings.push(
                Finding::failed("plug-in", format!("{provider} is approved, but was not loaded"))
                    .advise("the daemon's log says why; install one for this version"),
            ),
            _ => findings.push(
                Finding::warning("plug-in", format!("{provider} waits for approval"))
                    .advise(format!("`portolan plugin approve {provider}`, or `portolan plugin remove {provider}`")),
            ),
        }
        let faults = plugin.get("faults").and_then(Value::as_u64).unwrap_or_default();
        if faults > 0 {
            let text = format!("{provider} was ended {faults} time(s) by a trap or a limit");
            let advice = "the log has the reasons; `portolan plugin check` finds more";
            findings.push(Finding::warning("plug-in", text).advise(advice));
        }
    }
    findings.insert(0, Finding::good("plug-ins", format!("{bundled} of the program's own")));
    Ok(findings)
}

async fn endpoints(client: &Client) -> Result<Vec<Finding>, Failure> {
    let mut endpoints = client.list(&format!("{HARBOR}/registries")).await?;
    let left_out = endpoints.len().saturating_sub(MAX_ENDPOINTS);
    endpoints.truncate(MAX_ENDPOINTS);
    if endpoints.is_empty() {
        return Ok(vec![Finding::good("endpoints", "there are none yet")]);
    }
    let tests = stream::iter(&endpoints).map(|endpoint| test(client, endpoint));
    let mut findings: Vec<Finding> = tests.buffered(AT_ONCE).collect().await;
    if left_out > 0 {
        let text = format!("{left_out} more are not tested");
        findings.push(
            Finding::skipped("endpoints", text).advise("`portolan endpoint list` has their status"),
        );
    }
    Ok(findings)
}

async fn test(client: &Client, endpoint: &Value) -> Finding {
    let name = text(endpoint, "/name");
    let path = format!("{HARBOR}/registries/ping");
    let ping = Payload::Json(json!({"id": endpoint.get("id")}));
    match client.send(Method::POST, &path, ping).await {
        Ok(_) => Finding::good("endpoint", format!("`{name}` works")),
        Err(failure) => Finding::failed("endpoint", format!("`{name}`: {}", failure.message()))
            .advise(format!("`portolan endpoint edit {name}` changes what is wrong on this side")),
    }
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}
