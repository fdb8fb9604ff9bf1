//! `portolan backup` and `portolan restore`.

use std::path::PathBuf;

use clap::Args;

use super::{Connection, Format};

/// `portolan backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
The backup holds everything that the daemon has stored, secrets included, as of one moment. It is
sealed under the passphrase: who loses that loses the backup.

Examples:
  portolan backup /var/backups/portolan.backup --passphrase-file ./passphrase")]
pub struct BackupArgs {
    /// File to make; one that is there is not replaced
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// File with the passphrase, `-` for standard input; asked for without
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
}

/// `portolan restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
No daemon is asked: the data directory is made for the next `portolan serve`. The sealing key of
the backup is put there, too, as the file sealing-key.

Examples:
  portolan restore ./portolan.backup --data-dir /var/lib/portolan")]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Directory to make; it must be empty or missing [env: PORTOLAN_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// File with the passphrase, `-` for standard input; asked for without
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How to print: table, or json
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true
    )]
    pub output: Format,
}
