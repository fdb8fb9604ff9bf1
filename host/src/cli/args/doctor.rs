//! `portolan doctor`: what is wrong, and what to do.

use std::path::PathBuf;

use clap::Args;

use super::Connection;

/// `portolan doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
It looks at the settings, the data directory, the sealing key, the socket, TLS files, the clock and
the disk of this computer, and, where a daemon answers, at its plug-ins and endpoints: each is tested.
Nothing is changed. With --server, and without --config and --data-dir, only the daemon is asked.

Exit status: 0 where nothing failed, warnings or not; 1 where something did.

Examples:
  portolan doctor
  portolan doctor --config /etc/portolan.toml -o json
  portolan doctor --server https://portolan.example.com --token-file ./token")]
pub struct DoctorArgs {
    /// Settings of the daemon [env: PORTOLAN_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Its data directory [env: PORTOLAN_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
}
