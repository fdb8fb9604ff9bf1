//! What authors of adapters type: `portolan plugin check` and `portolan plugin call`.

use std::path::PathBuf;

use clap::Args;

/// `portolan plugin check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Its hosts are played on loopback, nothing leaves this machine but to --url. Each line of the report \
is something that was found; exit status 0 means that nothing failed.

Examples:
  portolan plugin check ./acme.wasm
  portolan plugin check ./acme.wasm --fixtures acme.jsonl --played-url https://eu.acme.example
  portolan plugin check ./acme.wasm --url https://eu.acme.example --access-id ci \\
      --access-secret-file ./secret --write scratch/kit")]
pub struct PluginCheck {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub file: PathBuf,
    /// Recorded exchanges to replay, one JSON object a line; may be repeated
    #[arg(long, value_name = "FILE")]
    pub fixtures: Vec<PathBuf>,
    /// Repository that recorded exchanges are about, where no path of theirs tells; may be repeated
    #[arg(long, value_name = "REPOSITORY", requires = "fixtures")]
    pub repository: Vec<String>,
    /// Address of the endpoint that is played [default: the first the adapter offers]
    #[arg(long, value_name = "URL")]
    pub played_url: Option<String>,
    /// Repository of --url that may be written to, and whose artifacts may be deleted
    #[arg(long, value_name = "REPOSITORY", requires = "url")]
    pub write: Option<String>,
    /// The endpoint.
    #[command(flatten)]
    pub endpoint: PluginEndpoint,
}

/// `portolan plugin call`.
#[derive(Debug, Args)]
#[command(after_help = "\
Functions and their arguments:
  describe                              authentication
  check-health                          parse FILE   (a webhook's body)
  list-repositories                     list-labels
  list-artifacts REPOSITORY [TAG]       locate REPOSITORY
  authorize REPOSITORY [ACTIONS]        (pull,push,delete; pull by default)
  prepare-targets REPOSITORY...         delete-tag REPOSITORY TAG
  delete-artifact REPOSITORY DIGEST     resolve-chart REPOSITORY TAG

Secret values of a grant are never printed.

Examples:
  portolan plugin call docker-registry list-artifacts library/alpine --url https://mirror.example
  portolan plugin call ./acme.wasm describe")]
pub struct PluginCall {
    /// A component's file, or the provider of a bundled adapter
    #[arg(value_name = "FILE.wasm|PROVIDER")]
    pub plugin: String,
    /// The function, as WIT names it
    pub function: String,
    /// Its arguments
    #[arg(value_name = "ARGUMENT")]
    pub arguments: Vec<String>,
    /// Page of a listing: `next` of the page before
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// Project or path prefix of the repositories to list
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// Header of a webhook; may be repeated
    #[arg(long, value_name = "NAME:VALUE")]
    pub header: Vec<String>,
    /// The endpoint.
    #[command(flatten)]
    pub endpoint: PluginEndpoint,
}

/// An endpoint that is not stored.
#[derive(Debug, Args)]
#[command(next_help_heading = "Endpoint")]
pub struct PluginEndpoint {
    /// Address of a live endpoint; a bare host is taken as https
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// User, robot or key to log in with
    #[arg(long, value_name = "ID")]
    pub access_id: Option<String>,
    /// File with its secret; `-` for standard input; asked for on a terminal
    #[arg(long, value_name = "FILE")]
    pub access_secret_file: Option<PathBuf>,
    /// PEM certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Do not verify the certificate
    #[arg(long)]
    pub insecure: bool,
    /// Proxy to reach it through, http://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// One of the adapter's settings, JSON or else text; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub setting: Vec<String>,
}
