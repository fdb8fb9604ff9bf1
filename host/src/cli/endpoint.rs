//! `portolan endpoint`: the daemon tests the connection before it stores or changes anything.

use std::path::Path;

use http::Method;
use portolan_core::{
    endpoint::{CredentialSource, EndpointUrl},
    secret::Secret,
};
use serde_json::{Map, Value, json};

use super::{
    args::{EndpointAdd, EndpointArgs, EndpointCommand, EndpointEdit, EndpointExtras},
    browse::browse,
    client::{Client, HARBOR, PORTOLAN, Payload},
    output::{Failure, Output},
    secret, typed,
};

mod ask;
mod limits;
mod webhook;

/// Longest file of a client's certificates, in bytes.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// Provider of an endpoint where nobody names another.
const DEFAULT_PROVIDER: &str = "docker-registry";

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
    ("credential source", "/credential_source"),
    ("settings", "/settings"),
    ("allowed hosts", "/allowed_hosts"),
    ("budget", "/budget"),
    ("rate limits", "/rate_limits"),
    ("proxy", "/proxy"),
    ("webhooks", "/webhooks"),
    ("status", "/status"),
    ("why", "/status_text"),
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
        EndpointCommand::Add(mut args) => {
            ask::complete(&client, &mut args).await?;
            add(&client, output, &args).await
        }
        EndpointCommand::List => {
            let rows = client.list(&registries()).await?;
            output.list(&Value::Array(rows), LIST)
        }
        EndpointCommand::Show { endpoint } => {
            let mut endpoint = find(&client, &endpoint).await?;
            limits::add(&client, &mut endpoint, output).await?;
            if !output.is_json() {
                count_certificates(&mut endpoint);
                webhook::describe(&client, &mut endpoint).await?;
            }
            output.record(&endpoint, RECORD)
        }
        EndpointCommand::Edit(args) => edit(&client, output, &args).await,
        EndpointCommand::Browse(args) => browse(&client, output, &args).await,
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

/// Certificates are for programs: `-o json` has them.
fn count_certificates(endpoint: &mut Value) {
    let Some(Value::String(pem)) = endpoint.get_mut("ca_certificate") else { return };
    *pem = match pem.matches("-----BEGIN ").count() {
        0 => return,
        1 => "1 certificate".to_owned(),
        count => format!("{count} certificates"),
    };
}

async fn add(client: &Client, output: Output, args: &EndpointAdd) -> Result<(), Failure> {
    let name = args.name.as_deref().unwrap_or_default();
    let url = typed::url("--url", args.url.as_deref().unwrap_or_default())?;
    let elsewhere = args.extras.credential_source.as_ref();
    let elsewhere = elsewhere.is_some_and(|source| *source != CredentialSource::Static {});
    let secret = match &args.access_id {
        Some(id) if !elsewhere => {
            let prompt = format!("Access secret of {id} at {url}");
            let file = args.access_secret_file.as_deref();
            Some(secret::from_file_or_prompt(file, "--access-secret-file", &prompt)?)
        }
        _ => None,
    };
    let files = Files::read(args.ca.as_deref(), &args.extras)?;
    let registry = new_registry(args, url.as_str(), secret.as_ref(), files);
    let made = save(client, Method::POST, &own(), registry, args.unchecked).await?;
    let id = id_of(&made)?;
    output.done(&format!("Endpoint `{name}` added with id {id}: {}", health(&made)), &made)
}

/// Where endpoints are saved, tested or not.
fn own() -> String {
    format!("{PORTOLAN}/endpoints")
}

/// Saves an endpoint, and gives it as it is then.
async fn save(
    client: &Client,
    method: Method,
    path: &str,
    mut fields: Fields,
    unchecked: bool,
) -> Result<Value, Failure> {
    fields.set("unchecked", unchecked.then_some(true));
    let payload = Payload::Json(Value::Object(fields.0));
    let saved = client.send(method, path, payload).await;
    saved
        .map_err(|failure| match failure.advice() {
            None if !unchecked && failure.message().contains(" is unhealthy: ") => {
                failure.hint("--unchecked stores it all the same")
            }
            _ => failure,
        })?
        .json()
}

/// How the connection is, as a clause.
fn health(endpoint: &Value) -> String {
    match endpoint.get("status").and_then(Value::as_str) {
        Some("healthy") => "the connection works".to_owned(),
        _ => {
            let why = endpoint.get("status_text").and_then(Value::as_str).unwrap_or_default();
            format!("it does not work now: {why}")
        }
    }
}

/// What the files hold that options name.
#[derive(Default)]
struct Files {
    ca: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<Secret>,
    webhook_secret: Option<Secret>,
}

impl Files {
    fn read(ca: Option<&Path>, extras: &EndpointExtras) -> Result<Self, Failure> {
        let client = extras.client_certificate.as_deref();
        let read = |path: &Path| typed::text_file("--client-certificate", path, MAX_CERTIFICATES);
        let key = extras.client_key_file.as_deref().map(secret::from_file);
        let hook = extras.webhook_secret_file.as_deref().map(secret::from_file);
        Ok(Self {
            ca: ca.map(|path| typed::certificates("--ca", path)).transpose()?,
            client_certificate: client.map(read).transpose()?,
            client_key: key.transpose()?,
            webhook_secret: hook.transpose()?,
        })
    }
}

fn new_registry(args: &EndpointAdd, url: &str, secret: Option<&Secret>, files: Files) -> Fields {
    let mut registry = Fields::default();
    registry.set("name", args.name.as_deref());
    registry.set("description", args.description.as_deref());
    registry.set("type", Some(args.provider.as_deref().unwrap_or(DEFAULT_PROVIDER)));
    registry.set("url", Some(url));
    registry.set("insecure", Some(args.insecure));
    if let Some(id) = &args.access_id {
        let mut credential = json!({"type": "basic", "access_key": id});
        if let (Some(fields), Some(secret)) = (credential.as_object_mut(), secret) {
            fields.insert("access_secret".to_owned(), json!(secret.expose()));
        }
        registry.set("credential", Some(credential));
    }
    set_extras(&mut registry, &args.extras, files, &Value::Null);
    registry
}

/// Sets what add and edit have in common. `stored` is what there is already.
fn set_extras(fields: &mut Fields, extras: &EndpointExtras, files: Files, stored: &Value) {
    let held = |name| stored.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    fields.set("ca_certificate", files.ca);
    fields.set("client_certificate", files.client_certificate);
    fields.set("client_key", files.client_key.as_ref().map(Secret::expose));
    fields.set("webhook_secret", files.webhook_secret.as_ref().map(Secret::expose));
    fields.set("proxy", extras.proxy.as_deref());
    fields.set("credential_source", extras.credential_source.as_ref().map(|it| json!(it)));
    if !extras.allowed_hosts.is_empty() {
        fields.set("allowed_hosts", Some(json!(extras.allowed_hosts)));
    }
    if !extras.settings.is_empty() {
        let mut settings = held("settings");
        settings.extend(extras.settings.iter().cloned());
        fields.set("settings", Some(settings));
    }
    let mut budget = Fields(held("budget"));
    budget.set("bytes_per_second", extras.bytes_per_second);
    budget.set("requests_per_minute", extras.requests_per_minute);
    if extras.bytes_per_second.is_some() || extras.requests_per_minute.is_some() {
        fields.set("budget", Some(budget.0));
    }
}

async fn edit(client: &Client, output: Output, args: &EndpointEdit) -> Result<(), Failure> {
    let file = args.access_secret_file.as_deref();
    let secret = file.map(secret::from_file).transpose()?;
    let url = args.url.as_ref().map(|url| typed::url("--url", url)).transpose()?;
    let files = Files::read(args.ca.as_deref(), &args.extras)?;
    let stored = find(client, &args.endpoint).await?;
    let url = url.as_ref().map(EndpointUrl::as_str);
    let changes = changes(args, url, secret.as_ref(), files, &stored);
    if changes.0.is_empty() {
        return Err(Failure::usage("nothing to change was given")
            .hint("`portolan endpoint edit --help` shows what can be changed"));
    }
    let path = format!("{}/{}", own(), id_of(&stored)?);
    let changed = save(client, Method::PUT, &path, changes, args.unchecked).await?;
    output.done(&format!("Endpoint `{}` changed: {}", args.endpoint, health(&changed)), &changed)
}

fn changes(
    args: &EndpointEdit,
    url: Option<&str>,
    secret: Option<&Secret>,
    files: Files,
    stored: &Value,
) -> Fields {
    let mut changes = Fields::default();
    changes.set("name", args.name.as_deref());
    changes.set("url", url);
    changes.set("description", args.description.as_deref());
    changes.set("access_key", args.access_id.as_deref());
    changes.set("access_secret", secret.map(Secret::expose));
    changes.set("insecure", args.insecure);
    set_extras(&mut changes, &args.extras, files, stored);
    changes
}

/// A JSON object of what was given; what was not is absent, which the API takes for "keep".
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
    }
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

#[cfg(test)]
mod tests;
