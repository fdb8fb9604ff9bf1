//! `portolan execution logs`: what the tasks of a run wrote, once or as they write it.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};

use super::{
    args::ExecutionLogs,
    client::{Client, PORTOLAN},
    endpoint::id_of,
    execution::{execution, has_ended, text},
    output::{Failure, Output},
};

/// How often a run that is followed is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Most lines asked for at once.
const LINES: u64 = 10_000;

pub(super) async fn logs(
    client: &Client,
    output: Output,
    args: &ExecutionLogs,
) -> Result<(), Failure> {
    if !args.follow {
        return once(client, output, args).await;
    }
    let (mut read, mut spoke) = (HashMap::new(), None);
    loop {
        // Looked at before the logs: what is written until then is read.
        let ended = has_ended(&client.get(&execution(args.id)).await?);
        for task in tasks(client, args, ended).await? {
            let id = id_of(&task)?;
            for line in next_lines(client, args.id, id, read.entry(id).or_default()).await? {
                if output.is_json() {
                    output.json_line(&json!({"task": id, "line": line}))?;
                    continue;
                }
                if spoke.replace(id) != Some(id) {
                    output.text(&heading(&task, id))?;
                }
                output.text(&line)?;
            }
        }
        if ended {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn once(client: &Client, output: Output, args: &ExecutionLogs) -> Result<(), Failure> {
    let mut found = Vec::new();
    for task in tasks(client, args, true).await? {
        let id = id_of(&task)?;
        let lines = next_lines(client, args.id, id, &mut 0).await?;
        if output.is_json() {
            let log = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            found.push(json!({"task": id, "status": task.get("status"), "log": log}));
        } else {
            output.text(&heading(&task, id))?;
            lines.iter().try_for_each(|line| output.text(line))?;
        }
    }
    if output.is_json() { output.json(&Value::Array(found)) } else { Ok(()) }
}

fn heading(task: &Value, id: u64) -> String {
    let (from, to) = (text(task, "src_resource"), text(task, "dst_resource"));
    format!("== task {id}, {}: {from} -> {to}", text(task, "status"))
}

/// The tasks whose logs are wanted. One that was named may still come while the run lasts.
async fn tasks(client: &Client, args: &ExecutionLogs, all: bool) -> Result<Vec<Value>, Failure> {
    let mut tasks = client.list(&format!("{}/tasks", execution(args.id))).await?;
    let Some(wanted) = args.task else { return Ok(tasks) };
    tasks.retain(|task| task.get("id") == Some(&wanted.into()));
    if tasks.is_empty() && all {
        return Err(Failure::new(format!("run {} has no task {wanted}", args.id))
            .hint(format!("`portolan execution show {}` lists its tasks", args.id)));
    }
    Ok(tasks)
}

/// What a task wrote since `from`, which moves on.
async fn next_lines(
    client: &Client,
    run: u64,
    task: u64,
    from: &mut u64,
) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    loop {
        let path =
            format!("{PORTOLAN}/executions/{run}/tasks/{task}/log?from={from}&limit={LINES}");
        let page = client.get(&path).await?;
        let before = lines.len();
        let found = page.get("lines").and_then(Value::as_array).into_iter().flatten();
        lines.extend(found.filter_map(Value::as_str).map(str::to_owned));
        *from = page.get("next").and_then(Value::as_u64).unwrap_or(*from);
        // A task keeps no more than a few pages of this size.
        if ((lines.len() - before) as u64) < LINES {
            return Ok(lines);
        }
    }
}
