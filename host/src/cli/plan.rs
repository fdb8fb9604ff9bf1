//! `portolan rule plan`: what a run would do, artifact by artifact.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    args::RulePlan,
    client::{Client, PORTOLAN},
    endpoint::id_of,
    output::{Failure, Output, note},
    pages, rule,
};

const LIST: &[(&str, &str)] = &[
    ("REPOSITORY", "/repository"),
    ("TAG", "/tag"),
    ("PLAN", "/decision"),
    ("ENDPOINT", "/destination"),
    ("TO", "/destination_repository"),
    ("SIZE", "/size"),
    ("WHY", "/reason"),
];

pub(super) async fn plan(client: &Client, output: Output, args: &RulePlan) -> Result<(), Failure> {
    let id = id_of(&rule::find(client, &args.rule).await?)?;
    let path = format!("{PORTOLAN}/policies/{id}/plan");
    let (rows, more) = pages::read(client, &path, &[], ("artifacts", args.limit)).await?;
    let counts = counted(&rows);
    if output.is_json() {
        return output.json(&json!({"artifacts": rows, "counts": counts, "more": more}));
    }
    output.list(&Value::Array(rows), LIST)?;
    let words: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    output.text(&format!("\n{}\n", words.join(", ")))?;
    if more {
        note("there is more: --limit shows more of it");
    }
    Ok(())
}

fn counted(rows: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in rows {
        let decision = row.get("decision").and_then(Value::as_str).unwrap_or_default();
        *counts.entry(decision.to_owned()).or_insert(0) += 1;
    }
    counts
}
