//! `portolan audit`: who changed what.

use clap::Args;

use super::Connection;

/// `portolan audit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Changes are there with what was before and after (-o json shows both), refused ones and failed
logins with the reason. Of secrets it says only that they were set, changed or removed.

Examples:
  portolan audit --who ada
  portolan audit --noun endpoint --id 3 -o json")]
pub struct AuditArgs {
    /// Only what this user or token did; a token is robot$NAME
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Only what was done to: endpoint, policy, execution, plugin, user, token, session,
    /// key, backup
    #[arg(long, value_name = "NOUN")]
    pub noun: Option<String>,
    /// Only what was done to the one with this id
    #[arg(long, value_name = "ID", requires = "noun")]
    pub id: Option<String>,
    /// Only what was done since this date-time of RFC 3339
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// How many entries, at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
}
