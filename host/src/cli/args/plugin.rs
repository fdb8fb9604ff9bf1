//! `portolan plugin`: list, show, install, approve, revoke, remove, warm-up, check, call.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Connection;

mod author;

pub use author::{PluginCall, PluginCheck, PluginEndpoint};

/// `portolan plugin`.
#[derive(Debug, Args)]
#[command(after_help = "\
PLUGIN is a provider, or a digest of which the first 8 characters are enough.
An installed adapter does nothing until it is approved; changed bytes need a new approval.

Examples:
  portolan plugin install ./acme.wasm
  portolan plugin approve acme
  portolan plugin list
  portolan plugin check ./acme.wasm --fixtures ./acme.jsonl")]
pub struct PluginArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: PluginCommand,
}

/// What can be done with adapters.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// List the adapters, and the hosts they may reach
    #[command(after_help = "\
Examples:
  portolan plugin list")]
    List,
    /// Show one adapter: what it asks for, what it was granted, how it does
    #[command(after_help = "\
Examples:
  portolan plugin show acme")]
    Show {
        /// Its provider or digest
        plugin: String,
    },
    /// Check a component and store it; it waits for approval
    #[command(after_help = "\
Examples:
  portolan plugin install ./acme.wasm")]
    Install {
        /// The component
        #[arg(value_name = "FILE.wasm")]
        file: PathBuf,
    },
    /// Let an adapter work, with the hosts it asks for or fewer
    Approve(PluginApprove),
    /// Take the approval away
    #[command(after_help = "\
Examples:
  portolan plugin revoke acme")]
    Revoke {
        /// Its provider or digest
        plugin: String,
    },
    /// Revoke an adapter and forget it
    #[command(after_help = "\
Examples:
  portolan plugin remove acme")]
    Remove {
        /// Its provider or digest
        plugin: String,
    },
    /// Compile the bundled adapters ahead of the first `portolan replicate`, without a daemon
    #[command(after_help = "\
Examples:
  portolan plugin warm-up")]
    WarmUp,
    /// Hold a component against what the interface asks, without a daemon
    Check(Box<PluginCheck>),
    /// Call one function of an adapter and print its answer as JSON, without a daemon
    Call(Box<PluginCall>),
}

/// `portolan plugin approve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan plugin approve acme
  portolan plugin approve acme --host 'https://*.acme.example' --yes")]
pub struct PluginApprove {
    /// Its provider or digest
    pub plugin: String,
    /// Grant only this one of the hosts it asks for, as `plugin list` shows it; may be repeated
    #[arg(long = "host", value_name = "PATTERN")]
    pub hosts: Vec<String>,
    /// Do not ask whether these hosts are meant
    #[arg(long)]
    pub yes: bool,
}
