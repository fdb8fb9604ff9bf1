//! `portolan rule`: Harbor's API calls a rule a policy.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{RuleAdd, RuleArgs, RuleCommand, RuleRun},
    client::{Client, HARBOR, Payload},
    endpoint, execution,
    output::{Failure, Output, note},
    plan::plan,
    typed,
};

const LIST: &[(&str, &str)] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("FROM", "/src_registry/name"),
    ("TO", "/dest_registry/name"),
    ("TRIGGER", "/trigger/type"),
    ("ENABLED", "/enabled"),
];
const RECORD: &[(&str, &str)] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("description", "/description"),
    ("from", "/src_registry/name"),
    ("to", "/dest_registry/name"),
    ("namespace", "/dest_namespace"),
    ("flatten", "/dest_namespace_replace_count"),
    ("filters", "/filters"),
    ("trigger", "/trigger/type"),
    ("schedule", "/trigger/trigger_settings/cron"),
    ("override", "/override"),
    ("enabled", "/enabled"),
    ("created", "/creation_time"),
    ("updated", "/update_time"),
];

pub(super) async fn run(
    args: RuleArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        RuleCommand::Add(args) => add(&client, output, &args).await,
        RuleCommand::List => {
            let mut rules = list(&client).await?;
            if !output.is_json() {
                rules.iter_mut().for_each(say_no);
            }
            output.list(&Value::Array(rules), LIST)
        }
        RuleCommand::Show { rule } => {
            let mut rule = find(&client, &rule).await?;
            if !output.is_json() {
                say_no(&mut rule);
            }
            output.record(&rule, RECORD)
        }
        RuleCommand::Plan(args) => plan(&client, output, &args).await,
        RuleCommand::Run(args) => start(&client, output, &args).await,
        RuleCommand::Remove { rule } => remove(&client, output, &rule).await,
    }
}

fn policies() -> String {
    format!("{HARBOR}/replication/policies")
}

/// Harbor's JSON leaves out what is false; people want to read it.
fn say_no(rule: &mut Value) {
    for key in ["enabled", "override"] {
        if let Some(rule) = rule.as_object_mut() {
            rule.entry(key).or_insert(Value::Bool(false));
        }
    }
}

/// Every rule.
pub(super) async fn list(client: &Client) -> Result<Vec<Value>, Failure> {
    client.list(&policies()).await
}

/// The rule with this name or id.
pub(super) async fn find(client: &Client, name: &str) -> Result<Value, Failure> {
    client.find(&policies(), "rule", name).await
}

async fn add(client: &Client, output: Output, args: &RuleAdd) -> Result<(), Failure> {
    check(args)?;
    let source = endpoint::id_of(&endpoint::find(client, &args.from).await?)?;
    let destination = endpoint::id_of(&endpoint::find(client, &args.to).await?)?;
    let payload = Payload::Json(new_policy(args, source, destination));
    let answer = client.send(Method::POST, &policies(), payload).await?;
    let made = match &answer.location {
        Some(location) => client.get(location).await?,
        None => find(client, &args.name).await?,
    };
    let id = endpoint::id_of(&made)?;
    if args.schedule.is_some() {
        note("the schedule is kept, but this version runs rules by hand alone");
    }
    output.done(&format!("Rule `{}` added with id {id}", args.name), &made)
}

/// What can be seen to be wrong before anything is asked.
fn check(args: &RuleAdd) -> Result<(), Failure> {
    let globs = [
        ("--repository", &args.repository),
        ("--tag", &args.tag),
        ("--exclude-tag", &args.exclude_tag),
    ];
    for (option, glob) in globs {
        glob.iter().try_for_each(|glob| typed::glob(option, glob))?;
    }
    args.dest_namespace.iter().try_for_each(|name| typed::namespace("--dest-namespace", name))
}

fn new_policy(args: &RuleAdd, source: u64, destination: u64) -> Value {
    json!({
        "name": args.name,
        "description": args.description,
        "src_registry": {"id": source},
        "dest_registry": {"id": destination},
        "dest_namespace": args.dest_namespace,
        "dest_namespace_replace_count": args.flatten,
        "filters": filters(args),
        "trigger": match &args.schedule {
            Some(cron) => json!({"type": "scheduled", "trigger_settings": {"cron": cron}}),
            None => json!({"type": "manual"}),
        },
        "override": args.override_tags,
        "enabled": !args.disabled,
        "single_active_replication": args.single_active,
    })
}

fn filters(args: &RuleAdd) -> Vec<Value> {
    let name = args.repository.iter().map(|glob| json!({"type": "name", "value": glob}));
    let tag = args.tag.iter().map(|glob| json!({"type": "tag", "value": glob}));
    let without = args
        .exclude_tag
        .iter()
        .map(|glob| json!({"type": "tag", "value": glob, "decoration": "excludes"}));
    let labels = (!args.label.is_empty()).then(|| json!({"type": "label", "value": args.label}));
    name.chain(tag).chain(without).chain(labels).collect()
}

async fn start(client: &Client, output: Output, args: &RuleRun) -> Result<(), Failure> {
    let rule = endpoint::id_of(&find(client, &args.rule).await?)?;
    let path = format!("{HARBOR}/replication/executions");
    let answer =
        client.send(Method::POST, &path, Payload::Json(json!({"policy_id": rule}))).await?;
    let location = answer
        .location
        .ok_or_else(|| Failure::new("the daemon's answer does not say which run it started"))?;
    let made = client.get(&location).await?;
    let id = endpoint::id_of(&made)?;
    if args.wait {
        return execution::watch(client, output, id).await;
    }
    let sentence = format!("Run {id} started; `portolan execution watch {id}` waits for its end");
    output.done(&sentence, &made)
}

async fn remove(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let rule = find(client, name).await?;
    let path = format!("{}/{}", policies(), endpoint::id_of(&rule)?);
    client.send(Method::DELETE, &path, Payload::Nothing).await?;
    output.done(&format!("Rule `{name}` removed"), &rule)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command, Noun};

    #[test]
    fn a_rule_is_what_the_options_say() {
        let typed = "portolan rule add r --from a --to b --repository x/** --tag v* --exclude-tag \
                     *-rc --label gold --dest-namespace m --flatten -1 --override --single-active";
        let cli = Cli::try_parse_from(typed.split_whitespace()).unwrap();
        let Command::Noun(Noun::Rule(RuleArgs { command: RuleCommand::Add(args), .. })) =
            cli.command
        else {
            panic!("another command")
        };
        let expected = json!({
            "name": "r", "description": null,
            "src_registry": {"id": 1}, "dest_registry": {"id": 2},
            "dest_namespace": "m", "dest_namespace_replace_count": -1,
            "filters": [
                {"type": "name", "value": "x/**"},
                {"type": "tag", "value": "v*"},
                {"type": "tag", "value": "*-rc", "decoration": "excludes"},
                {"type": "label", "value": ["gold"]},
            ],
            "trigger": {"type": "manual"},
            "override": true, "enabled": true, "single_active_replication": true,
        });
        assert_eq!(new_policy(&args, 1, 2), expected);
        let scheduled = RuleAdd { schedule: Some("0 0 2 * * *".to_owned()), ..*args };
        assert_eq!(
            new_policy(&scheduled, 1, 2)["trigger"],
            json!({"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}})
        );
    }
}
