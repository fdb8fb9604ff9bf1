//! `portolan user`: people who may log in. A password is never an argument, and never shown.

use std::path::Path;

use http::Method;
use portolan_core::secret::Secret;
use serde_json::{Value, json};

use super::{
    args::{Connection, UserAdd, UserArgs, UserCommand, UserEdit, UserPassword},
    client::{Client, PORTOLAN, Payload},
    endpoint::id_of,
    output::{Failure, Output},
    secret,
};

const LIST: &[(&str, &str)] =
    &[("ID", "/id"), ("NAME", "/name"), ("ROLE", "/role"), ("CREATED", "/created")];
const RECORD: &[(&str, &str)] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("role", "/role"),
    ("created", "/created"),
    ("updated", "/updated"),
];

pub(super) async fn run(
    args: UserArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let output = Output::new(args.connection.output);
    if let UserCommand::Password(password @ UserPassword { whose: None, .. }) = &args.command {
        return own_password(args.connection, output, password, lookup).await;
    }
    let client = Client::new(&args.connection, lookup)?;
    match args.command {
        UserCommand::Add(args) => add(&client, output, &args).await,
        UserCommand::List => output.list(&client.get(&users()).await?, LIST),
        UserCommand::Show { whose } => output.record(&find(&client, &whose).await?, RECORD),
        UserCommand::Edit(args) => edit(&client, output, &args).await,
        UserCommand::Remove { whose } => remove(&client, output, &whose).await,
        UserCommand::Password(args) => password(&client, output, &args).await,
    }
}

fn users() -> String {
    format!("{PORTOLAN}/users")
}

async fn find(client: &Client, name: &str) -> Result<Value, Failure> {
    super::token::choose(client.get(&users()).await?, "user", name)
}

async fn add(client: &Client, output: Output, args: &UserAdd) -> Result<(), Failure> {
    let password = new_password(args.new_password_file.as_deref(), &args.name.to_string())?;
    let body = json!({"name": args.name, "role": args.role, "password": password.expose()});
    let made = client.send(Method::POST, &users(), Payload::Json(body)).await?.json()?;
    let sentence = format!("User `{}` added with id {}: {}", args.name, id_of(&made)?, args.role);
    output.done(&sentence, &made)
}

async fn edit(client: &Client, output: Output, args: &UserEdit) -> Result<(), Failure> {
    let path = format!("{}/{}", users(), id_of(&find(client, &args.whose).await?)?);
    let body = Payload::Json(json!({"role": args.role}));
    let changed = client.send(Method::PUT, &path, body).await?.json()?;
    output.done(&format!("User `{}` is {} now", args.whose, args.role), &changed)
}

async fn remove(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let user = find(client, name).await?;
    let path = format!("{}/{}", users(), id_of(&user)?);
    client.send(Method::DELETE, &path, Payload::Nothing).await?;
    output.done(&format!("User `{name}` removed"), &user)
}

async fn password(client: &Client, output: Output, args: &UserPassword) -> Result<(), Failure> {
    let name = args.whose.as_deref().unwrap_or_default();
    let user = find(client, name).await?;
    let password = new_password(args.new_password_file.as_deref(), name)?;
    let path = format!("{}/{}", users(), id_of(&user)?);
    let body = Payload::Json(json!({"password": password.expose()}));
    let changed = client.send(Method::PUT, &path, body).await?.json()?;
    output.done(&format!("User `{name}` has another password now"), &changed)
}

/// The old one is asked for as the login, and again in the body: a session may be borrowed.
async fn own_password(
    connection: Connection,
    output: Output,
    args: &UserPassword,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let name = connection.user.clone();
    let (client, old) = Client::with_password(&connection, lookup)?;
    let new = new_password(args.new_password_file.as_deref(), &name)?;
    let body = json!({"old_password": old.expose(), "new_password": new.expose()});
    let path = format!("{}/current/password", users());
    client.send(Method::PUT, &path, Payload::Json(body)).await?;
    output.done(&format!("You, `{name}`, have another password now"), &json!({"name": name}))
}

/// A new password; one that is typed is typed twice.
fn new_password(file: Option<&Path>, name: &str) -> Result<Secret, Failure> {
    let prompt = format!("New password of {name}");
    let first = secret::from_file_or_prompt(file, "--new-password-file", &prompt)?;
    if file.is_none() {
        let again = secret::from_file_or_prompt(None, "--new-password-file", "The same again")?;
        if again.expose() != first.expose() {
            return Err(Failure::usage("the two passwords differ"));
        }
    }
    Ok(first)
}
