//! What was typed about a rule, put into the JSON of a policy. Nothing is asked here.

use serde_json::{Map, Value, json};

use super::{
    super::{
        args::{RuleOptions, RuleSays, RuleSelects},
        output::Failure,
        typed,
    },
    is_yes,
};

/// What can be seen to be wrong before anything is asked.
pub(super) fn check(says: &RuleSays) -> Result<(), Failure> {
    let selects = &says.selects;
    let globs = [
        ("--repository", &selects.repository),
        ("--exclude-repository", &selects.exclude_repository),
        ("--tag", &selects.tag),
        ("--exclude-tag", &selects.exclude_tag),
    ];
    for (option, globs) in globs {
        globs.iter().try_for_each(|glob| typed::glob(option, glob))?;
    }
    says.dest_namespace.iter().try_for_each(|name| typed::namespace("--dest-namespace", name))
}

/// Puts what is said into a policy; what is not said stays as it is there.
pub(super) fn apply(says: &RuleSays, policy: &mut Value) {
    if let Some(text) = &says.description {
        put(policy, "description", text.as_str().into());
    }
    if let Some(namespace) = &says.dest_namespace {
        put(policy, "dest_namespace", namespace.as_str().into());
        set_namespace(policy, &namespace.as_str().into());
    }
    if let Some(flatten) = says.flatten {
        put(policy, "dest_namespace_replace_count", flatten.into());
    }
    if let Some(yes) = says.override_tags {
        put(policy, "override", is_yes(yes).into());
    }
    if let Some(yes) = says.single_active {
        put(policy, "single_active_replication", is_yes(yes).into());
    }
    set_trigger(says, policy);
    set_filters(&says.selects, policy);
    set_options(&says.options, policy);
}

/// Gives every destination the same namespace.
pub(super) fn set_namespace(policy: &mut Value, namespace: &Value) {
    let all = policy.get_mut("destinations").and_then(Value::as_array_mut);
    let all = all.into_iter().flatten();
    for destination in all.filter_map(Value::as_object_mut) {
        match namespace.as_str() {
            Some(text) if !text.is_empty() => {
                destination.insert("namespace".to_owned(), text.into());
            }
            _ => {
                destination.remove("namespace");
            }
        }
    }
}

fn set_trigger(says: &RuleSays, policy: &mut Value) {
    match says.schedule.as_deref() {
        Some("") => put(policy, "trigger", json!({"type": "manual"})),
        Some(cron) => {
            let kept = policy.pointer("/trigger/trigger_settings/time_zone").cloned();
            put(
                policy,
                "trigger",
                json!({"type": "scheduled", "trigger_settings": {"cron": cron}}),
            );
            let settings = policy.pointer_mut("/trigger/trigger_settings");
            if let (Some(zone), Some(settings)) = (kept, settings) {
                put(settings, "time_zone", zone);
            }
        }
        None => {}
    }
    let settings = policy.pointer_mut("/trigger/trigger_settings");
    if let (Some(zone), Some(settings)) = (&says.time_zone, settings) {
        put(settings, "time_zone", zone.as_str().into());
    }
}

/// One kind of filter as it is typed: its type, decoration and syntax, and the texts.
type Typed<'a> = (&'a str, &'a str, &'a str, &'a [String]);

/// Puts the filters of each option that is said in place of those of its kind.
fn set_filters(selects: &RuleSelects, policy: &mut Value) {
    let kinds: [Typed<'_>; 8] = [
        ("name", "", "", &selects.repository),
        ("name", "excludes", "glob", &selects.exclude_repository),
        ("name", "", "regex", &selects.repository_regex),
        ("tag", "", "", &selects.tag),
        ("tag", "excludes", "", &selects.exclude_tag),
        ("tag", "", "regex", &selects.tag_regex),
        ("tag", "excludes", "regex", &selects.exclude_tag_regex),
        ("tag", "", "semver", &selects.tag_semver),
    ];
    let mut filters = policy["filters"].as_array().cloned().unwrap_or_default();
    for typed @ (_, _, syntax, texts) in kinds {
        if texts.is_empty() {
            continue;
        }
        filters.retain(|filter| !is_kind(filter, typed));
        let texts: Vec<&str> =
            texts.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
        let text = match (texts.as_slice(), syntax) {
            ([], _) => continue,
            ([one], _) => (*one).to_owned(),
            (many, "regex") => format!("(?:{})", many.join(")|(?:")),
            (many, "semver") => many.join(" || "),
            (many, _) => format!("{{{}}}", many.join(",")),
        };
        filters.push(filter(typed, text.into()));
    }
    if !selects.label.is_empty() {
        let typed = ("label", "", "", [].as_slice());
        filters.retain(|filter| !is_kind(filter, typed));
        let labels: Vec<&String> = selects.label.iter().filter(|it| !it.is_empty()).collect();
        if !labels.is_empty() {
            filters.push(filter(typed, json!(labels)));
        }
    }
    if let Some(kind) = &selects.resource {
        let typed = ("resource", "", "", [].as_slice());
        filters.retain(|filter| !is_kind(filter, typed));
        filters.push(filter(typed, kind.as_str().into()));
    }
    put(policy, "filters", filters.into());
}

/// Whether a filter is of the kind that an option sets.
fn is_kind(filter: &Value, (kind, decoration, syntax, _): Typed<'_>) -> bool {
    let text = |name: &str| filter[name].as_str().unwrap_or_default();
    let excludes = |decoration: &str| decoration == "excludes";
    let plain = |syntax: &str| matches!(syntax, "" | "glob");
    text("type") == kind
        && excludes(text("decoration")) == excludes(decoration)
        && (text("syntax") == syntax || plain(text("syntax")) && plain(syntax))
}

fn filter((kind, decoration, syntax, _): Typed<'_>, value: Value) -> Value {
    let mut filter = json!({"type": kind, "value": value});
    for (name, text) in [("decoration", decoration), ("syntax", syntax)] {
        if !text.is_empty() {
            put(&mut filter, name, text.into());
        }
    }
    filter
}

/// Puts each option that is said into those the policy has.
fn set_options(said: &RuleOptions, policy: &mut Value) {
    let yes = said.referrers.map(|yes| is_yes(yes).into());
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let list = |items: &[String]| {
        let items: Vec<&String> = items.iter().filter(|item| !item.is_empty()).collect();
        json!(items)
    };
    let some = |items: &[String]| (!items.is_empty()).then(|| list(items));
    let parts = [
        ("platforms", "include", some(&said.platform)),
        ("platforms", "index", text(&said.index)),
        ("latest", "count", said.latest.map(Value::from)),
        ("latest", "by", text(&said.latest_by)),
        ("age", "min", text(&said.min_age)),
        ("age", "max", text(&said.max_age)),
        ("media_types", "", some(&said.media_type)),
        ("referrers", "copy", yes),
        ("referrers", "artifact_types", some(&said.referrer_type)),
        ("immutable_tags", "", some(&said.immutable_tag)),
        ("backup_tag", "", text(&said.backup_tag)),
        ("budget", "bytes_per_second", said.bytes_per_second.map(Value::from)),
        ("prune", "enabled", said.prune.map(|yes| is_yes(yes).into())),
        ("prune", "max_share", said.prune_max_share.map(Value::from)),
        ("prune", "grace", text(&said.prune_grace)),
        ("history", "executions", said.history.map(Value::from)),
        ("history", "days", said.history_days.map(Value::from)),
        ("budget", "requests_per_minute", said.requests_per_minute.map(Value::from)),
    ];
    for (option, property, value) in parts {
        let Some(value) = value else { continue };
        match property {
            "" => put(part(policy, "options"), option, value),
            property => put(part(part(policy, "options"), option), property, value),
        }
    }
}

/// A part of an object, made where it is missing.
fn part<'v>(value: &'v mut Value, name: &str) -> &'v mut Value {
    if value.get(name).is_none_or(Value::is_null) {
        put(value, name, json!({}));
    }
    match value {
        Value::Object(parts) => parts.entry(name.to_owned()).or_insert(Value::Null),
        // Whatever stands there is no policy, and the daemon says so.
        other => other,
    }
}

/// Sets a property of an object.
pub(super) fn put(value: &mut Value, name: &str, inner: Value) {
    if let Some(parts) = value.as_object_mut() {
        parts.insert(name.to_owned(), inner);
    }
}

/// Options without what is empty, off or the default; `None` where nothing is left.
pub(super) fn said(options: &Value) -> Option<Value> {
    let is_said = |name: &str, value: &Value| match name {
        "prune" => value["enabled"] == true,
        "platforms" => !is_nothing(&value["include"]),
        "latest" => !is_nothing(&value["count"]),
        "referrers" => value["copy"] == false || !is_nothing(&value["artifact_types"]),
        _ => !is_nothing(value),
    };
    let said: Map<String, Value> = options
        .as_object()?
        .iter()
        .filter(|(name, value)| is_said(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!said.is_empty()).then_some(Value::Object(said))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Array(items) => items.is_empty(),
        Value::Object(parts) => parts.values().all(is_nothing),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) => false,
    }
}
