//! `portolan execution`: list, show, watch, stop, logs.

use clap::{Args, Subcommand};

use super::Connection;

/// `portolan execution`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan execution list --rule mirror
  portolan execution logs 7")]
pub struct ExecutionArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: ExecutionCommand,
}

/// What can be done with runs.
#[derive(Debug, Subcommand)]
pub enum ExecutionCommand {
    /// List the latest runs
    List(ExecutionList),
    /// Show one run and its tasks
    Show {
        /// Its id
        id: u64,
    },
    /// Wait for the end of a run; exit status 1 unless everything was copied
    Watch {
        /// Its id
        id: u64,
    },
    /// Stop a run
    Stop {
        /// Its id
        id: u64,
    },
    /// Print the logs of a run's tasks
    Logs(ExecutionLogs),
}

/// `portolan execution list`.
#[derive(Debug, Args)]
pub struct ExecutionList {
    /// Only the runs of this rule, by name or id
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// How many, at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub limit: u32,
}

/// `portolan execution logs`.
#[derive(Debug, Args)]
pub struct ExecutionLogs {
    /// Id of the run
    pub id: u64,
    /// Only this task
    #[arg(long, value_name = "ID")]
    pub task: Option<u64>,
}
