//! `portolan token`: a program's way in. The text of a token goes to standard output once, alone.

use http::Method;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{
    args::{TokenAdd, TokenArgs, TokenCommand},
    client::{Client, PORTOLAN, Payload},
    endpoint::id_of,
    output::{Failure, Output, note},
};

const LIST: &[(&str, &str)] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("ROLE", "/role"),
    ("MADE BY", "/created_by"),
    ("EXPIRES", "/expires"),
    ("LAST USED", "/last_used"),
];

pub(super) async fn run(
    args: TokenArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        TokenCommand::List => output.list(&client.get(&tokens()).await?, LIST),
        TokenCommand::Add(args) => add(&client, output, &args).await,
        TokenCommand::Remove { token } => remove(&client, output, &token).await,
    }
}

fn tokens() -> String {
    format!("{PORTOLAN}/tokens")
}

async fn add(client: &Client, output: Output, args: &TokenAdd) -> Result<(), Failure> {
    let expires = args.expires.map(|end| end.format(&Rfc3339)).transpose();
    let expires = expires.map_err(|error| Failure::usage(format!("--expires: {error}")))?;
    let body = json!({"name": args.name, "role": args.role, "expires": expires});
    let answer = client.send(Method::POST, &tokens(), Payload::Json(body)).await?;
    let made = answer.json()?;
    let secret = made.get("secret").and_then(Value::as_str).unwrap_or_default();
    note(&format!("the token `{}` is shown this once: keep it", args.name));
    output.done(secret, &made)
}

async fn remove(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let all = client.get(&tokens()).await?;
    let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
    let id = |row: &&Value| row.get("id").and_then(Value::as_u64) == name.parse().ok();
    let named = all.iter().find(|row| row.get("name").and_then(Value::as_str) == Some(name));
    let found = named.or_else(|| all.iter().find(|row| id(row) && name.parse::<u64>().is_ok()));
    let found = found.ok_or_else(|| {
        Failure::new(format!("there is no token `{name}`"))
            .hint("`portolan token list` shows which there are")
    })?;
    let path = format!("{}/{}", tokens(), id_of(found)?);
    client.send(Method::DELETE, &path, Payload::Nothing).await?;
    output.done(&format!("Token `{name}` removed"), found)
}
