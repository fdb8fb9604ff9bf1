//! `portolan key`: rotate.

use clap::{Args, Subcommand};

use super::Connection;

/// `portolan key`.
#[derive(Debug, Args)]
#[command(after_help = "\
The secrets of endpoints are stored sealed under a key that the daemon keeps in the file sealing-key
of its data directory, or is given. Backups made before hold the key of their time.

Examples:
  portolan key rotate")]
pub struct KeyArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What can be done with the key.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Seal every stored secret with a new key, and forget the old one
    #[command(after_help = "\
All secrets change over in one transaction; until it is done the old key stays. A daemon that is
given its key by a variable or a systemd credential cannot replace it, and says what to do.

Examples:
  portolan key rotate")]
    Rotate,
}
