//! The terminal: what is typed, the daemon's HTTP interface, what is printed.
//!
//! It decides nothing: every noun is a file that sends requests and shows answers.

pub mod args;
mod audit;
pub mod backup;
mod bar;
mod browse;
mod client;
pub mod demo;
mod doctor;
mod endpoint;
mod execution;
mod key;
mod logs;
pub mod output;
mod pages;
mod plan;
mod plugin;
mod provider;
pub mod replicate;
mod rule;
pub mod secret;
pub mod shell;
mod token;
mod typed;
mod user;
mod watch;

use args::{DoctorArgs, Noun, ServeArgs};
use output::Failure;

use crate::config::Flags;

/// Asks a running daemon. `lookup` answers for environment variables.
///
/// # Errors
/// With the daemon's own sentence, or why it cannot be reached.
pub async fn run(noun: Noun, lookup: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
    match noun {
        Noun::Endpoint(args) => endpoint::run(args, lookup).await,
        Noun::Provider(args) => provider::run(args, lookup).await,
        Noun::Plugin(args) => plugin::run(args, lookup).await,
        Noun::Rule(args) => rule::run(args, lookup).await,
        Noun::Execution(args) => execution::run(args, lookup).await,
        Noun::User(args) => user::run(args, lookup).await,
        Noun::Token(args) => token::run(args, lookup).await,
        Noun::Key(args) => key::run(args, lookup).await,
        Noun::Backup(args) => backup::run(args, lookup).await,
        Noun::Audit(args) => audit::run(args, lookup).await,
    }
}

/// Looks for what is wrong, with a daemon or without. `lookup` answers for environment variables.
///
/// # Errors
/// Where something is.
pub async fn doctor(
    args: DoctorArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    doctor::run(args, lookup).await
}

impl From<ServeArgs> for Flags {
    fn from(args: ServeArgs) -> Self {
        Self {
            config: args.config,
            data_dir: args.data_dir,
            listen: args.listen,
            socket: args.socket,
            plugins: args.plugins,
            tls_certificate: args.tls_certificate,
            tls_key: args.tls_key,
            tls_client_ca: args.tls_client_ca,
            allow_plain_http: args.allow_plain_http,
        }
    }
}
