//! What can be typed: clap definitions and nothing else. No value is looked up here, and no
//! secret can be given as an argument: only files, standard input and prompts take one.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

mod audit;
mod backup;
mod doctor;
mod endpoint;
mod execution;
mod key;
mod plugin;
mod provider;
mod replicate;
mod rule;
mod shell;
mod token;
mod user;

pub use audit::AuditArgs;
pub use backup::{BackupArgs, RestoreArgs};
pub use doctor::DoctorArgs;
pub use endpoint::{
    EndpointAdd, EndpointArgs, EndpointBrowse, EndpointCommand, EndpointEdit, EndpointExtras,
};
pub use execution::{
    ExecutionArgs, ExecutionCommand, ExecutionList, ExecutionLogs, ExecutionRetry,
};
pub use key::{KeyArgs, KeyCommand};
pub use plugin::{
    PluginApprove, PluginArgs, PluginCall, PluginCheck, PluginCommand, PluginEndpoint,
};
pub use provider::{ProviderArgs, ProviderCommand};
pub use replicate::{DEFAULT_PROVIDER, ReplicateArgs};
pub use rule::{
    RuleAdd, RuleArgs, RuleCommand, RuleEdit, RuleOptions, RulePlan, RuleRun, RuleSays,
    RuleSelects, Yes,
};
pub use shell::{CompletionsArgs, ManArgs};
pub use token::{TokenAdd, TokenArgs, TokenCommand};
pub use user::{UserAdd, UserArgs, UserCommand, UserEdit, UserPassword};

/// Everything that was typed.
#[derive(Debug, Parser)]
#[command(
    name = "portolan",
    version,
    about = "Keeps container registry endpoints and replicates artifacts between them",
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  portolan demo --once
  portolan serve --data-dir /var/lib/portolan
  portolan endpoint add hub --url https://registry.example.com --access-id ci
  portolan rule add mirror --from hub --to edge --repository 'library/**'
  portolan rule run mirror --wait"
)]
pub struct Cli {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    Serve(ServeArgs),
    /// Show what it does: two registries in memory, and an image replicated between them
    Demo(DemoArgs),
    /// Copy from a registry to others once, without a daemon
    Replicate(Box<ReplicateArgs>),
    /// What asks a running daemon.
    #[command(flatten)]
    Noun(Noun),
    /// Make a data directory from a backup, while no daemon runs on it
    Restore(RestoreArgs),
    /// Look for what is wrong, and say what to do about it
    Doctor(DoctorArgs),
    /// Print what completes commands in a shell
    Completions(CompletionsArgs),
    /// Write manual pages
    Man(ManArgs),
    /// Compile an adapter for this machine (the daemon calls this)
    #[command(name = "compile-plugin", hide = true)]
    CompilePlugin(CompilePluginArgs),
}

/// What asks a running daemon, by noun.
#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Registries that artifacts are read from and written to
    Endpoint(EndpointArgs),
    /// Kinds of registry that an endpoint can be
    Provider(ProviderArgs),
    /// Adapters: the sandboxed components that implement providers
    Plugin(PluginArgs),
    /// What is replicated, from where to where, and when
    Rule(RuleArgs),
    /// Runs of rules
    Execution(ExecutionArgs),
    /// People who may log in
    User(UserArgs),
    /// Ways in for programs
    Token(TokenArgs),
    /// The key that seals stored secrets
    Key(KeyArgs),
    /// Show who changed what
    Audit(AuditArgs),
    /// Write everything the daemon has stored into one sealed file
    Backup(BackupArgs),
}

/// `portolan serve`: what is absent comes from a variable, the file, or a default.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Each option is also a variable and, but for --config, a key of the file; an option wins over a \
variable, a variable over the file.

A minimal file:
  data_dir = \"/var/lib/portolan\"
  listen = \"127.0.0.1:8282\"

Signals: SIGTERM and SIGINT let running tasks come to a safe point, for 20 s at most; a second \
one ends at once. SIGHUP reads the TLS files again.

Examples:
  portolan serve --data-dir /var/lib/portolan
  portolan serve --listen 0.0.0.0:8443 --tls-certificate chain.pem --tls-key key.pem")]
pub struct ServeArgs {
    /// Settings in TOML [env: PORTOLAN_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the database and the keys are [env: PORTOLAN_DATA_DIR] [default: $STATE_DIRECTORY,
    /// $XDG_STATE_HOME/portolan or ~/.local/state/portolan]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address to serve HTTP on [env: PORTOLAN_LISTEN] [default: 127.0.0.1:8282]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Unix socket to serve HTTP on [env: PORTOLAN_SOCKET] [default: portolan.sock in the data
    /// directory]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Directory watched for third-party adapters [env: PORTOLAN_PLUGINS] [default: plugins in
    /// the data directory]
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,
    /// Serve HTTPS with this certificate chain in PEM; read again when it changes
    /// [env: PORTOLAN_TLS_CERTIFICATE]
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, in PEM [env: PORTOLAN_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Ask clients for a certificate that one of these CAs signed, in PEM
    /// [env: PORTOLAN_TLS_CLIENT_CA]
    #[arg(long, value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,
    /// Let passwords cross the network in clear: without TLS, on any address
    /// [env: PORTOLAN_ALLOW_PLAIN_HTTP]
    #[arg(long)]
    pub allow_plain_http: bool,
}

/// `portolan demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan demo
  portolan demo --once")]
pub struct DemoArgs {
    /// Replicate, verify, print the result, and exit
    #[arg(long)]
    pub once: bool,
    /// Address to serve HTTP on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8282")]
    pub listen: SocketAddr,
}

/// `portolan compile-plugin`.
#[derive(Debug, Args)]
pub struct CompilePluginArgs {
    /// The component
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Where the machine code goes
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
}

/// How the daemon is reached, and how answers are shown.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Daemon")]
pub struct Connection {
    /// The daemon: unix:PATH, https://HOST[:PORT] or http://HOST:PORT [env: PORTOLAN_SERVER]
    /// [default: the socket in the data directory]
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// PEM certificates to trust at an https:// daemon besides the system's
    /// [env: PORTOLAN_SERVER_CA]
    #[arg(long = "server-ca", global = true, value_name = "FILE")]
    pub server_ca: Option<PathBuf>,
    /// Name to log in with
    #[arg(long, global = true, value_name = "NAME", default_value = "admin")]
    pub user: String,
    /// File with the password, `-` for standard input [env: PORTOLAN_PASSWORD_FILE] [default: none
    /// on the daemon's own socket, else a prompt]
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// File with a token to log in with instead, `-` for standard input
    /// [env: PORTOLAN_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "password_file")]
    pub token_file: Option<PathBuf>,
    /// How to print: table, or json as the API gives it
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: Format,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    #[default]
    Table,
    /// The API's own JSON
    Json,
}

#[cfg(test)]
mod tests;
