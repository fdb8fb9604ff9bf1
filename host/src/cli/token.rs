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

const RECORD: &[(&str, &str)] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("role", "/role"),
    ("made by", "/created_by"),
    ("created", "/created"),
    ("expires", "/expires"),
    ("last used", "/last_used"),
];

pub(super) async fn run(
    args: TokenArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        TokenCommand::List => output.list(&client.get(&tokens()).await?, LIST),
        TokenCommand::Show { token } => {
            let token = choose(client.get(&tokens()).await?, "token", &token)?;
            output.record(&token, RECORD)
        }
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
    let found = choose(client.get(&tokens()).await?, "token", name)?;
    let path = format!("{}/{}", tokens(), id_of(&found)?);
    client.send(Method::DELETE, &path, Payload::Nothing).await?;
    output.done(&format!("Token `{name}` removed"), &found)
}

/// The element of a whole list with this name, else with this id. `what` is its noun.
pub(super) fn choose(list: Value, what: &str, name: &str) -> Result<Value, Failure> {
    let Value::Array(mut list) = list else {
        return Err(Failure::new("the daemon's answer is no list"));
    };
    let id = name.parse::<u64>().ok();
    let by_name = list.iter().position(|row| row.get("name").and_then(Value::as_str) == Some(name));
    let by_id =
        || list.iter().position(|row| id.is_some() && row.get("id").and_then(Value::as_u64) == id);
    match by_name.or_else(by_id) {
        Some(at) => Ok(list.swap_remove(at)),
        None => Err(Failure::new(format!("there is no {what} `{name}`"))
            .hint(format!("`portolan {what} list` shows which there are"))),
    }
}
