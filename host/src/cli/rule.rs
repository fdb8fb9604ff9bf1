//! `portolan rule`: Harbor's API calls a rule a policy.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{RuleAdd, RuleArgs, RuleCommand, RuleEdit, RuleRun, Yes},
    client::{Client, HARBOR, Payload},
    endpoint, execution,
    output::{Failure, Output},
    plan::plan,
};

mod says;

const LIST: &[(&str, &str)] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("FROM", "/src_registry/name"),
    ("TO", "/dest_registry/name"),
    ("TRIGGER", "/trigger/type"),
    ("NEXT RUN", "/next_run"),
    ("ENABLED", "/enabled"),
];
const RECORD: &[(&str, &str)] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("description", "/description"),
    ("from", "/src_registry/name"),
    ("to", "/destinations"),
    ("namespace", "/dest_namespace"),
    ("flatten", "/dest_namespace_replace_count"),
    ("filters", "/filters"),
    ("trigger", "/trigger/type"),
    ("schedule", "/trigger/trigger_settings/cron"),
    ("time zone", "/trigger/trigger_settings/time_zone"),
    ("next run", "/next_run"),
    ("override", "/override"),
    ("enabled", "/enabled"),
    ("options", "/options"),
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
                shorten(&mut rule);
            }
            output.record(&rule, RECORD)
        }
        RuleCommand::Edit(args) => edit(&client, output, &args).await,
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

/// What people look at of destinations and options: names, and what is not the default.
fn shorten(rule: &mut Value) {
    let name = |to: &Value| to.pointer("/registry/name").and_then(Value::as_str).map(str::to_owned);
    let names: Vec<String> =
        rule["destinations"].as_array().into_iter().flatten().filter_map(name).collect();
    let options = says::said(&rule["options"]);
    if let Some(rule) = rule.as_object_mut() {
        rule.insert("destinations".to_owned(), names.join(", ").into());
        match options {
            Some(options) => rule.insert("options".to_owned(), options),
            None => rule.remove("options"),
        };
    }
}

async fn add(client: &Client, output: Output, args: &RuleAdd) -> Result<(), Failure> {
    says::check(&args.says)?;
    let source = endpoint::id_of(&endpoint::find(client, &args.from).await?)?;
    let destinations = ids(client, &args.to).await?;
    let payload = Payload::Json(new_policy(args, source, &destinations));
    let answer = client.send(Method::POST, &policies(), payload).await?;
    let made = match &answer.location {
        Some(location) => client.get(location).await?,
        None => find(client, &args.name).await?,
    };
    let id = endpoint::id_of(&made)?;
    output.done(&format!("Rule `{}` added with id {id}", args.name), &made)
}

async fn ids(client: &Client, names: &[String]) -> Result<Vec<u64>, Failure> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        ids.push(endpoint::id_of(&endpoint::find(client, name).await?)?);
    }
    Ok(ids)
}

fn new_policy(args: &RuleAdd, source: u64, destinations: &[u64]) -> Value {
    let mut policy = json!({
        "name": args.name,
        "src_registry": {"id": source},
        "dest_namespace_replace_count": 0,
        "trigger": {"type": "manual"},
        "filters": [],
        "enabled": !args.disabled,
    });
    set_destinations(&mut policy, destinations);
    says::apply(&args.says, &mut policy);
    policy
}

/// Sets all destinations; where there is one it is Harbor's.
fn set_destinations(policy: &mut Value, destinations: &[u64]) {
    says::put(policy, "dest_registry", json!({"id": destinations.first()}));
    let all = destinations.iter().map(|id| json!({"registry": {"id": id}}));
    says::put(policy, "destinations", all.collect());
}

async fn edit(client: &Client, output: Output, args: &RuleEdit) -> Result<(), Failure> {
    says::check(&args.says)?;
    let mut rule = find(client, &args.rule).await?;
    let path = format!("{}/{}", policies(), endpoint::id_of(&rule)?);
    if let Some(name) = &args.name {
        says::put(&mut rule, "name", name.as_str().into());
    }
    if let Some(from) = &args.from {
        let id = endpoint::id_of(&endpoint::find(client, from).await?)?;
        says::put(&mut rule, "src_registry", json!({"id": id}));
    }
    if !args.to.is_empty() {
        let namespace = rule.get("dest_namespace").cloned().unwrap_or_default();
        set_destinations(&mut rule, &ids(client, &args.to).await?);
        says::set_namespace(&mut rule, &namespace);
    }
    if args.enable || args.disable {
        says::put(&mut rule, "enabled", args.enable.into());
    }
    says::apply(&args.says, &mut rule);
    client.send(Method::PUT, &path, Payload::Json(rule)).await?;
    let changed = client.get(&path).await?;
    output.done(&format!("Rule `{}` changed", args.rule), &changed)
}

fn is_yes(yes: Yes) -> bool {
    yes == Yes::Yes
}

async fn start(client: &Client, output: Output, args: &RuleRun) -> Result<(), Failure> {
    let rule = endpoint::id_of(&find(client, &args.rule).await?)?;
    let made = run_now(client, rule).await?;
    let id = endpoint::id_of(&made)?;
    if args.wait {
        return execution::watch(client, output, id).await;
    }
    let sentence = format!("Run {id} started; `portolan execution watch {id}` waits for its end");
    output.done(&sentence, &made)
}

/// Starts a run of a rule, and gives it.
pub(super) async fn run_now(client: &Client, rule: u64) -> Result<Value, Failure> {
    let path = format!("{HARBOR}/replication/executions");
    let payload = Payload::Json(json!({"policy_id": rule}));
    let answer = client.send(Method::POST, &path, payload).await?;
    let location = answer
        .location
        .ok_or_else(|| Failure::new("the daemon's answer does not say which run it started"))?;
    client.get(&location).await
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

    fn added(typed: &str) -> RuleAdd {
        let cli = Cli::try_parse_from(typed.split_whitespace()).unwrap();
        match cli.command {
            Command::Noun(Noun::Rule(RuleArgs { command: RuleCommand::Add(args), .. })) => *args,
            _ => panic!("another command"),
        }
    }

    #[test]
    fn a_rule_is_what_the_options_say() {
        let typed = "portolan rule add r --from a --to b --to c --repository x/** --tag v* --tag w \
                     --exclude-tag *-rc --exclude-repository x/tmp --tag-semver >=1 --label gold \
                     --dest-namespace m --flatten -1 --override --single-active --latest 3 \
                     --platform linux/amd64 --index sparse --min-age 72h --referrers no \
                     --immutable-tag v* --backup-tag {tag}-before --bytes-per-second 60 \
                     --time-zone Europe/Berlin";
        let args = added(typed);
        let expected = json!({
            "name": "r", "src_registry": {"id": 1}, "dest_registry": {"id": 2},
            "destinations": [{"registry": {"id": 2}, "namespace": "m"},
                {"registry": {"id": 3}, "namespace": "m"}],
            "dest_namespace": "m", "dest_namespace_replace_count": -1,
            "filters": [
                {"type": "name", "value": "x/**"},
                {"type": "name", "value": "x/tmp", "decoration": "excludes", "syntax": "glob"},
                {"type": "tag", "value": "{v*,w}"},
                {"type": "tag", "value": "*-rc", "decoration": "excludes"},
                {"type": "tag", "value": ">=1", "syntax": "semver"},
                {"type": "label", "value": ["gold"]},
            ],
            "trigger": {"type": "manual"},
            "override": true, "enabled": true, "single_active_replication": true,
            "options": {
                "platforms": {"include": ["linux/amd64"], "index": "sparse"},
                "latest": {"count": 3}, "age": {"min": "72h"},
                "referrers": {"copy": false}, "immutable_tags": ["v*"],
                "backup_tag": "{tag}-before", "budget": {"bytes_per_second": 60},
            },
        });
        assert_eq!(new_policy(&args, 1, &[2, 3]), expected);
        let mut scheduled = added("portolan rule add r --from a --to b --time-zone Europe/Berlin");
        scheduled.says.schedule = Some("0 0 2 * * *".to_owned());
        let trigger = json!({"type": "scheduled", "trigger_settings":
            {"cron": "0 0 2 * * *", "time_zone": "Europe/Berlin"}});
        assert_eq!(new_policy(&scheduled, 1, &[2])["trigger"], trigger);
    }
}
