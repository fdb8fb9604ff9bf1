//! `portolan execution`: runs of rules, their tasks and logs.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{ExecutionArgs, ExecutionCommand, ExecutionList, ExecutionRetry},
    client::{Client, HARBOR, PORTOLAN, Payload},
    endpoint::id_of,
    logs::logs,
    output::{Failure, Output},
    rule, watch as progress,
};

const LIST: &[(&str, &str)] = &[
    ("ID", "/id"),
    ("RULE", "/policy_id"),
    ("STATUS", "/status"),
    ("TRIGGER", "/trigger"),
    ("TASKS", "/total"),
    ("DONE", "/succeed"),
    ("FAILED", "/failed"),
    ("STARTED", "/start_time"),
    ("ENDED", "/end_time"),
];
const RECORD: &[(&str, &str)] = &[
    ("id", "/id"),
    ("rule", "/policy_id"),
    ("status", "/status"),
    ("why", "/status_text"),
    ("trigger", "/trigger"),
    ("started", "/start_time"),
    ("ended", "/end_time"),
];
const TASKS: &[(&str, &str)] = &[
    ("TASK", "/id"),
    ("STATUS", "/status"),
    ("FROM", "/src_resource"),
    ("TO", "/dst_resource"),
    ("ENDED", "/end_time"),
];

pub(super) async fn run(
    args: ExecutionArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        ExecutionCommand::List(args) => list(&client, output, &args).await,
        ExecutionCommand::Show { id } => show(&client, output, id).await,
        ExecutionCommand::Watch { id } => watch(&client, output, id).await,
        ExecutionCommand::Stop { id } => stop(&client, output, id).await,
        ExecutionCommand::Retry(args) => retry(&client, output, &args).await,
        ExecutionCommand::Logs(args) => logs(&client, output, &args).await,
    }
}

/// Where a run is.
pub(super) fn execution(id: u64) -> String {
    format!("{HARBOR}/replication/executions/{id}")
}

async fn list(client: &Client, output: Output, args: &ExecutionList) -> Result<(), Failure> {
    let mut path =
        format!("{HARBOR}/replication/executions?sort=-id&page=1&page_size={}", args.limit);
    if let Some(name) = &args.rule {
        let id = id_of(&rule::find(client, name).await?)?;
        path.push_str(&format!("&policy_id={id}"));
    }
    let mut runs = client.get(&path).await?;
    if !output.is_json() {
        name_rules(client, &mut runs).await?;
    }
    output.list(&runs, LIST)
}

/// Puts the names of rules where their ids are; that of a rule that is gone stays.
async fn name_rules(client: &Client, runs: &mut Value) -> Result<(), Failure> {
    let rules = rule::list(client).await?;
    for run in runs.as_array_mut().into_iter().flatten() {
        let of_run =
            |rule: &&Value| rule.get("id").is_some() && rule.get("id") == run.get("policy_id");
        let name = rules.iter().find(of_run).and_then(|rule| rule.get("name")).cloned();
        if let (Some(name), Some(run)) = (name, run.as_object_mut()) {
            run.insert("policy_id".to_owned(), name);
        }
    }
    Ok(())
}

async fn show(client: &Client, output: Output, id: u64) -> Result<(), Failure> {
    let mut run = client.get(&execution(id)).await?;
    let tasks = Value::Array(client.list(&format!("{}/tasks", execution(id))).await?);
    if output.is_json() {
        if let Some(object) = run.as_object_mut() {
            object.insert("tasks".to_owned(), tasks);
        }
        return output.json(&run);
    }
    let mut runs = json!([run]);
    name_rules(client, &mut runs).await?;
    output.record(runs.get(0).unwrap_or(&Value::Null), RECORD)?;
    output.text("\n")?;
    output.list(&tasks, TASKS)
}

/// Shows progress until the run has ended; a failure unless everything was copied.
pub(super) async fn watch(client: &Client, output: Output, id: u64) -> Result<(), Failure> {
    progress::follow(client, id).await?;
    let run = client.get(&execution(id)).await?;
    if output.is_json() {
        output.json(&run)?
    } else {
        output.text(&summary(&run))?
    }
    outcome(&run)
}

/// Whether nothing more happens in a run.
pub(super) fn has_ended(run: &Value) -> bool {
    matches!(text(run, "status"), "Succeed" | "Failed" | "Stopped")
}

/// The run's end as a result: anything but `Succeed` is a failure that names the next step.
fn outcome(run: &Value) -> Result<(), Failure> {
    let status = text(run, "status");
    if status == "Succeed" {
        return Ok(());
    }
    let id = count(run, "id");
    match text(run, "status_text") {
        "" => Err(Failure::new(format!("run {id} ended as {status}"))
            .hint(format!("`portolan execution logs {id}` has the reasons"))),
        why => Err(Failure::new(format!("run {id} ended as {status}: {why}"))),
    }
}

fn summary(run: &Value) -> String {
    format!(
        "Run {}: {}; {}, {} done, {} failed, {} stopped",
        count(run, "id"),
        text(run, "status"),
        tasks(count(run, "total")),
        count(run, "succeed"),
        count(run, "failed"),
        count(run, "stopped"),
    )
}

/// `1 task`, `2 tasks`.
fn tasks(number: u64) -> String {
    format!("{number} task{}", if number == 1 { "" } else { "s" })
}

fn count(run: &Value, key: &str) -> u64 {
    run.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// A text of a run or a task; empty where it is not there.
pub(super) fn text<'a>(run: &'a Value, key: &str) -> &'a str {
    run.get(key).and_then(Value::as_str).unwrap_or_default()
}

async fn stop(client: &Client, output: Output, id: u64) -> Result<(), Failure> {
    let run = client.get(&execution(id)).await?;
    if has_ended(&run) {
        let sentence = format!("Run {id} has ended already: {}", text(&run, "status"));
        return output.done(&sentence, &run);
    }
    client.send(Method::PUT, &execution(id), Payload::Nothing).await?;
    let run = client.get(&execution(id)).await?;
    output.done(&format!("Run {id} was asked to stop; it is {}", text(&run, "status")), &run)
}

async fn retry(client: &Client, output: Output, args: &ExecutionRetry) -> Result<(), Failure> {
    let path = format!("{PORTOLAN}/executions/{}/retry", args.id);
    let made = client.send(Method::POST, &path, Payload::Nothing).await?.json()?;
    let id = id_of(&made)?;
    if args.wait {
        return watch(client, output, id).await;
    }
    let (tasks, old) = (tasks(count(&made, "total")), args.id);
    let sentence = format!(
        "Run {id} started with {tasks} of run {old}; `portolan execution watch {id}` waits for its end"
    );
    output.done(&sentence, &made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_that_copied_everything_is_a_success() {
        let run = |status: &str, why: &str| json!({"id": 7, "status": status, "status_text": why, "total": 8, "in_progress": 2});
        assert_eq!(outcome(&run("Succeed", "")), Ok(()));
        for (status, why, message) in [
            ("Failed", "", "run 7 ended as Failed"),
            ("Failed", "no such endpoint", "run 7 ended as Failed: no such endpoint"),
            ("Stopped", "", "run 7 ended as Stopped"),
            ("", "", "run 7 ended as "),
        ] {
            let logs = "`portolan execution logs 7` has the reasons";
            let expected = Failure::new(message);
            // Without tasks there are no logs: the sentence is all there is.
            let expected = if why.is_empty() { expected.hint(logs) } else { expected };
            assert_eq!(outcome(&run(status, why)), Err(expected));
        }
    }
}
