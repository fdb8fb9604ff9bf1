//! `portolan endpoint`: add, list, show, edit, test, remove.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
    List,
    /// Show one endpoint; a stored secret is shown as *****
    Show {
        /// Its name or id
        endpoint: String,
    },
    /// Change what is given and keep the rest, after a test of the connection
    Edit(Box<EndpointEdit>),
    /// Test the connection of a stored endpoint
    Test {
        /// Its name or id
        endpoint: String,
    },
    /// Remove an endpoint that no rule uses
    Remove {
        /// Its name or id
        endpoint: String,
    },
}

/// `portolan endpoint add`.
#[derive(Debug, Args)]
#[command(after_help = "\
The secret is asked for on a terminal when --access-id is given without --access-secret-file.

Examples:
  portolan endpoint add edge --url http://127.0.0.1:5000
  portolan endpoint add hub --provider harbor --url https://harbor.example.com \\
      --access-id 'robot$ci' --access-secret-file ./secret --ca ./ca.pem")]
pub struct EndpointAdd {
    /// Its name: unique, at most 64 bytes
    pub name: String,
    /// Base address of the registry
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// Kind of registry; `portolan provider list` shows which there are
    #[arg(long, value_name = "PROVIDER", default_value = "docker-registry")]
    pub provider: String,
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
}

/// `portolan endpoint edit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Another address forgets the stored secret unless a new one is given with it: a password goes only \
where it was meant to go.")]
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
}
