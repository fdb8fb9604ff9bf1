//! `portolan execution`: list, show, watch, stop, retry, logs.

use clap::{Args, Subcommand};

use super::Connection;

/// `portolan execution`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan execution list --rule mirror
  portolan execution watch 7
  portolan execution logs 7 --follow")]
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
    #[command(after_help = "\
Examples:
  portolan execution show 7")]
    Show {
        /// Its id
        id: u64,
    },
    /// Wait for the end of a run; exit status 1 unless everything was copied
    #[command(after_help = "\
On a terminal a bar shows artifacts, bytes, their rate and the time left.

Examples:
  portolan execution watch 7")]
    Watch {
        /// Its id
        id: u64,
    },
    /// Stop a run
    #[command(after_help = "\
Tasks that wait are stopped at once, those under way at their next safe point.

Examples:
  portolan execution stop 7")]
    Stop {
        /// Its id
        id: u64,
    },
    /// Start a new run of the tasks that failed or were stopped
    Retry(ExecutionRetry),
    /// Print the logs of a run's tasks
    Logs(ExecutionLogs),
}

/// `portolan execution list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan execution list --rule mirror --limit 5")]
pub struct ExecutionList {
    /// Only the runs of this rule, by name or id
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// How many, at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub limit: u32,
}

/// `portolan execution retry`.
#[derive(Debug, Args)]
#[command(after_help = "\
The tasks are those of the run that ended, as they were planned then: nothing is listed again. What
the source has got since comes with the next run of the rule.

Examples:
  portolan execution retry 7
  portolan execution retry 7 --wait")]
pub struct ExecutionRetry {
    /// Id of the run that ended
    pub id: u64,
    /// Wait for the end; exit status 1 unless everything was copied
    #[arg(long)]
    pub wait: bool,
}

/// `portolan execution logs`.
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json and --follow each line is an object of its own.

Examples:
  portolan execution logs 7
  portolan execution logs 7 --task 12 --follow")]
pub struct ExecutionLogs {
    /// Id of the run
    pub id: u64,
    /// Only this task
    #[arg(long, value_name = "ID")]
    pub task: Option<u64>,
    /// Go on printing until the run has ended
    #[arg(short, long)]
    pub follow: bool,
}
