//! `portolan audit`: the log, newest first.

use serde_json::Value;

use super::{
    args::AuditArgs,
    client::{Client, PORTOLAN},
    output::{Failure, Output},
    pages,
};

const LIST: &[(&str, &str)] = &[
    ("WHEN", "/at"),
    ("WHO", "/who"),
    ("ROLE", "/role"),
    ("BY", "/how"),
    ("FROM", "/from"),
    ("OUTCOME", "/outcome"),
    ("NOUN", "/noun"),
    ("ID", "/noun_id"),
    ("ACTION", "/action"),
    ("REASON", "/reason"),
];

pub(super) async fn run(
    args: AuditArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    let asked = [
        ("who", args.who.as_deref()),
        ("noun", args.noun.as_deref()),
        ("id", args.id.as_deref()),
        ("since", args.since.as_deref()),
    ];
    let path = format!("{PORTOLAN}/audit");
    let (entries, _) = pages::read(&client, &path, &asked, ("entries", args.limit)).await?;
    output.list(&Value::Array(entries), LIST)
}
