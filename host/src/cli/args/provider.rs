//! `portolan provider`: list, show.

use clap::{Args, Subcommand};

use super::Connection;

/// `portolan provider`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan provider list
  portolan provider show google-gcr")]
pub struct ProviderArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: ProviderCommand,
}

/// What can be done with providers.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// List the providers that have an enabled adapter
    #[command(after_help = "\
Examples:
  portolan provider list -o json")]
    List,
    /// Show which addresses and logins a provider's endpoints have
    #[command(after_help = "\
Examples:
  portolan provider show google-gcr")]
    Show {
        /// The provider
        provider: String,
    },
}
