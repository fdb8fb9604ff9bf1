//! `portolan endpoint`: the daemon tests the connection before it stores or changes anything.

use std::path::Path;

use http::Method;
use portolan_core::secret::Secret;
use serde_json::{Map, Value, json};

use super::{
    args::{EndpointAdd, EndpointArgs, EndpointCommand, EndpointEdit},
    client::{Client, HARBOR, Payload},
    output::{Failure, Output},
    secret,
};

const LIST: &[(&str, &str)] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("PROVIDER", "/type"),
    ("URL", "/url"),
    ("STATUS", "/status"),
];
const RECORD: &[(&str, &str)] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("description", "/description"),
    ("provider", "/type"),
    ("url", "/url"),
    ("access id", "/credential/access_key"),
    ("access secret", "/credential/access_secret"),
    ("insecure", "/insecure"),
    ("ca", "/ca_certificate"),
    ("status", "/status"),
    ("created", "/creation_time"),
    ("updated", "/update_time"),
];

pub(super) async fn run(
    args: EndpointArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        EndpointCommand::Add(args) => add(&client, output, &args).await,
        EndpointCommand::List => {
            let rows = client.list(&registries()).await?;
            output.list(&Value::Array(rows), LIST)
        }
        EndpointCommand::Show { endpoint } => {
            output.record(&find(&client, &endpoint).await?, RECORD)
        }
        EndpointCommand::Edit(args) => edit(&client, output, &args).await,
        EndpointCommand::Test { endpoint } => test(&client, output, &endpoint).await,
        EndpointCommand::Remove { endpoint } => remove(&client, output, &endpoint).await,
    }
}

fn registries() -> String {
    format!("{HARBOR}/registries")
}

/// The endpoint with this name or id.
pub(super) async fn find(client: &Client, name: &str) -> Result<Value, Failure> {
    client.find(&registries(), "endpoint", name).await
}

async fn add(client: &Client, output: Output, args: &EndpointAdd) -> Result<(), Failure> {
    let secret = match &args.access_id {
        None => None,
        Some(id) => {
            let prompt = format!("Access secret of {id} at {}", args.url);
            let file = args.access_secret_file.as_deref();
            Some(secret::from_file_or_prompt(file, "--access-secret-file", &prompt)?)
        }
    };
    let ca = args.ca.as_deref().map(certificates).transpose()?;
    let payload = Payload::Json(new_registry(args, secret.as_ref(), ca));
    let made = client.send(Method::POST, &registries(), payload).await?;
    let made = match &made.location {
        Some(location) => client.get(location).await?,
        None => find(client, &args.name).await?,
    };
    let id = made.get("id").and_then(Value::as_u64).unwrap_or_default();
    let sentence = format!("Endpoint `{}` added with id {id}: the connection works", args.name);
    output.done(&sentence, &made)
}

fn new_registry(args: &EndpointAdd, secret: Option<&Secret>, ca: Option<String>) -> Value {
    let mut registry = json!({
        "name": args.name,
        "description": args.description,
        "type": args.provider,
        "url": args.url,
        "insecure": args.insecure,
        "ca_certificate": ca,
    });
    if let (Some(id), Some(secret), Some(object)) =
        (&args.access_id, secret, registry.as_object_mut())
    {
        let credential =
            json!({"type": "basic", "access_key": id, "access_secret": secret.expose()});
        object.insert("credential".to_owned(), credential);
    }
    registry
}

async fn edit(client: &Client, output: Output, args: &EndpointEdit) -> Result<(), Failure> {
    let file = args.access_secret_file.as_deref();
    let secret = file.map(secret::from_file).transpose()?;
    let ca = args.ca.as_deref().map(certificates).transpose()?;
    let changes = changes(args, secret.as_ref(), ca);
    if changes.is_empty() {
        return Err(Failure::usage("nothing to change was given")
            .hint("`portolan endpoint edit --help` shows what can be changed"));
    }
    let id = id_of(&find(client, &args.endpoint).await?)?;
    let path = format!("{}/{id}", registries());
    client.send(Method::PUT, &path, Payload::Json(Value::Object(changes))).await?;
    let sentence = format!("Endpoint `{}` changed: the connection works", args.endpoint);
    output.done(&sentence, &client.get(&path).await?)
}

fn changes(args: &EndpointEdit, secret: Option<&Secret>, ca: Option<String>) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            changes.insert(key.to_owned(), value);
        }
    };
    set("name", args.name.clone().map(Value::from));
    set("url", args.url.clone().map(Value::from));
    set("description", args.description.clone().map(Value::from));
    set("access_key", args.access_id.clone().map(Value::from));
    set("access_secret", secret.map(|secret| Value::from(secret.expose())));
    set("ca_certificate", ca.map(Value::from));
    set("insecure", args.insecure.map(Value::from));
    changes
}

async fn test(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let endpoint = find(client, name).await?;
    let id = id_of(&endpoint)?;
    let path = format!("{}/ping", registries());
    client.send(Method::POST, &path, Payload::Json(json!({"id": id}))).await?;
    let sentence = format!("Endpoint `{name}`: the connection works");
    output.done(&sentence, &json!({"id": id, "name": endpoint.get("name"), "status": "healthy"}))
}

async fn remove(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let endpoint = find(client, name).await?;
    let path = format!("{}/{}", registries(), id_of(&endpoint)?);
    client.send(Method::DELETE, &path, Payload::Nothing).await?;
    output.done(&format!("Endpoint `{name}` removed"), &endpoint)
}

/// The id of a record that the API gave.
pub(super) fn id_of(record: &Value) -> Result<u64, Failure> {
    record
        .get("id")
        .and_then(Value::as_u64)
        .ok_or_else(|| Failure::new("the daemon's answer has no id in it"))
}

fn certificates(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(format!("cannot read the certificates in {}: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests;
