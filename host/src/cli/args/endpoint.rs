//! `portolan endpoint`: add, list, show, edit, browse, test, remove.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use portolan_core::{
    endpoint::CredentialSource,
    provider::{AllowedHost, HostUse},
};
use serde_json::Value;

use super::Connection;

/// `portolan endpoint`.
#[derive(Debug, Args)]
#[command(after_help = "\
An endpoint is named by its name or its id; 0 is the local registry of the daemon's settings.

Examples:
  portolan endpoint add hub --provider harbor --url https://harbor.example.com --access-id ci
  portolan endpoint list -o json
  portolan endpoint test hub")]
pub struct EndpointArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: EndpointCommand,
}

/// What can be done with endpoints.
#[derive(Debug, Subcommand)]
pub enum EndpointCommand {
    /// Test the connection, then store the endpoint
    Add(Box<EndpointAdd>),
    /// List the endpoints
    #[command(after_help = "\
Examples:
  portolan endpoint list
  portolan endpoint list -o json")]
    List,
    /// Show one endpoint; a stored secret is shown as *****
    #[command(after_help = "\
Examples:
  portolan endpoint show hub")]
    Show {
        /// Its name or id
        endpoint: String,
    },
    /// Change what is given and keep the rest, after a test of the connection
    Edit(Box<EndpointEdit>),
    /// List the repositories of an endpoint, or the artifacts of one of them
    Browse(EndpointBrowse),
    /// Test the connection of a stored endpoint
    #[command(after_help = "\
Examples:
  portolan endpoint test hub")]
    Test {
        /// Its name or id
        endpoint: String,
    },
    /// Remove an endpoint that no rule uses
    #[command(after_help = "\
Examples:
  portolan endpoint remove hub")]
    Remove {
        /// Its name or id
        endpoint: String,
    },
}

/// `portolan endpoint browse`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan endpoint browse hub --prefix library/
  portolan endpoint browse hub library/alpine")]
pub struct EndpointBrowse {
    /// Name or id of the endpoint
    pub endpoint: String,
    /// Repository whose artifacts are wanted
    #[arg(value_name = "REPOSITORY")]
    pub repository: Option<String>,
    /// Only repositories whose names begin so
    #[arg(long, value_name = "TEXT", conflicts_with = "repository")]
    pub prefix: Option<String>,
    /// How many rows, at most
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// `portolan endpoint add`.
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal it asks for what is missing: all of it where NAME or --url is, else the secret of an
--access-id that comes without --access-secret-file and --credential-source.

Examples:
  portolan endpoint add
  portolan endpoint add edge --url http://127.0.0.1:5000 --requests-per-minute 600
  portolan endpoint add disk --url oci:transfer
  portolan endpoint add hub --provider harbor --url https://harbor.example.com \\
      --access-id 'robot$ci' --access-secret-file ./secret --ca ./ca.pem")]
pub struct EndpointAdd {
    /// Its name: unique, at most 64 bytes
    pub name: Option<String>,
    /// Base address of the registry; oci:NAME for an image layout below the `directory` that
    /// `[layouts]` of the daemon's settings names, oci:NAME.tar for one in a tar file
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Kind of registry; `portolan provider list` shows which there are [default: docker-registry]
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<String>,
    /// A line for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// User, robot or key; anonymous without
    #[arg(long, value_name = "ID")]
    pub access_id: Option<String>,
    /// File with the secret; `-` for standard input
    #[arg(long, value_name = "FILE", requires = "access_id")]
    pub access_secret_file: Option<PathBuf>,
    /// PEM certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Do not verify the registry's certificate
    #[arg(long)]
    pub insecure: bool,
    /// Store it although it does not work now
    #[arg(long)]
    pub unchecked: bool,
    /// What few endpoints need.
    #[command(flatten)]
    pub extras: EndpointExtras,
}

/// What few endpoints need.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Rarely needed")]
pub struct EndpointExtras {
    /// Where the secret is read from, in place of a stored one: file:PATH, exec:HELPER,
    /// aws-instance, aws-web-identity:ROLE_ARN,TOKEN_FILE, or static. The daemon's settings must
    /// allow it
    #[arg(long, value_name = "FROM", conflicts_with = "access_secret_file")]
    pub credential_source: Option<CredentialSource>,
    /// A setting of the provider, e.g. upload=chunked; may be repeated
    #[arg(long = "setting", value_name = "KEY=VALUE", value_parser = setting)]
    pub settings: Vec<(String, Value)>,
    /// A host that belongs to the registry, and what may be sent there: credentials, signed, data,
    /// storage; may be repeated
    #[arg(long = "allow-host", value_name = "URL=USE,...", value_parser = allowed_host)]
    pub allowed_hosts: Vec<AllowedHost>,
    /// Bytes of blobs a second, from and to it, all rules together; 0 is unlimited
    #[arg(long, value_name = "BYTES")]
    pub bytes_per_second: Option<u64>,
    /// Requests a minute to it, all rules together; 0 is unlimited
    #[arg(long, value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// Proxy to reach it through
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// PEM certificates to show to the registry
    #[arg(long, value_name = "FILE", requires = "client_key_file")]
    pub client_certificate: Option<PathBuf>,
    /// PEM key of these; `-` for standard input
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub client_key_file: Option<PathBuf>,
    /// File with the secret that the registry proves its webhooks with, which start event-based
    /// rules; `-` for standard input. `endpoint show` says what to tell the registry
    #[arg(long, value_name = "FILE")]
    pub webhook_secret_file: Option<PathBuf>,
}

/// `KEY=VALUE`; a value that is JSON is taken as such, any other as text.
fn setting(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("a key, `=` and a value are wanted")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

/// `URL=USE,USE`, e.g. `https://auth.example.com=credentials`.
fn allowed_host(text: &str) -> Result<AllowedHost, String> {
    let (pattern, uses) = text.rsplit_once('=').ok_or("a URL, `=` and uses are wanted")?;
    let uses = uses.split(',').map(|name| {
        HostUse::parse(name).ok_or_else(|| {
            format!(
                "`{name}` is no use; credentials, signed, data, storage and any-public-download are"
            )
        })
    });
    Ok(AllowedHost { pattern: pattern.to_owned(), uses: uses.collect::<Result<_, _>>()? })
}

/// `portolan endpoint edit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Another address forgets the stored secret unless a new one is given with it: a password goes only \
where it was meant to go.
--allow-host replaces the hosts that were allowed; --setting changes the named settings alone.

Examples:
  portolan endpoint edit hub --access-id ci --access-secret-file ./secret
  portolan endpoint edit hub --webhook-secret-file ./hook-secret
  portolan endpoint edit hub --bytes-per-second 5000000 --requests-per-minute 0
  portolan endpoint edit hub --name harbour --insecure=false")]
pub struct EndpointEdit {
    /// Its name or id
    pub endpoint: String,
    /// New name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// New base address
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// New line for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// New user, robot or key; an empty one makes it anonymous
    #[arg(long, value_name = "ID")]
    pub access_id: Option<String>,
    /// File with the new secret; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub access_secret_file: Option<PathBuf>,
    /// New PEM certificates to trust besides the system's; an empty file removes them
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Whether the registry's certificate is not verified
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub insecure: Option<bool>,
    /// Store it although it does not work now
    #[arg(long)]
    pub unchecked: bool,
    /// What few endpoints need.
    #[command(flatten)]
    pub extras: EndpointExtras,
}
