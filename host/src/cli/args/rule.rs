//! `portolan rule`: add, list, show, remove, plan, run. Harbor's API calls a rule a policy.

use clap::{Args, Subcommand};

use super::Connection;

/// `portolan rule`.
#[derive(Debug, Args)]
#[command(after_help = "\
A rule is named by its name or its id.

Examples:
  portolan rule add mirror --from hub --to edge --repository 'library/**' --tag 'v1.*'
  portolan rule run mirror --wait")]
pub struct RuleArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: RuleCommand,
}

/// What can be done with rules.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// Store a rule
    Add(Box<RuleAdd>),
    /// List the rules
    #[command(after_help = "\
Examples:
  portolan rule list")]
    List,
    /// Show one rule
    #[command(after_help = "\
Examples:
  portolan rule show mirror")]
    Show {
        /// Its name or id
        rule: String,
    },
    /// Show what a run would do; nothing is copied
    Plan(RulePlan),
    /// Start a run
    Run(RuleRun),
    /// Remove a rule and the history of its runs
    #[command(after_help = "\
Examples:
  portolan rule remove mirror")]
    Remove {
        /// Its name or id
        rule: String,
    },
}

/// `portolan rule add`.
#[derive(Debug, Args)]
#[command(after_help = "\
GLOB: `*` stands for any characters but `/`, `**` for any at all, `?` for one, `{a,b}` for either.

Examples:
  portolan rule add mirror --from hub --to edge --repository 'library/**'
  portolan rule add releases --from hub --to edge --tag 'v*' --dest-namespace mirror")]
pub struct RuleAdd {
    /// Its name: unique
    pub name: String,
    /// Endpoint to read from; 0 is the local registry
    #[arg(long, value_name = "ENDPOINT")]
    pub from: String,
    /// Endpoint to write to; 0 is the local registry
    #[arg(long, value_name = "ENDPOINT")]
    pub to: String,
    /// A line for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Repositories to copy; all of them by default
    #[arg(long, value_name = "GLOB")]
    pub repository: Option<String>,
    /// Tags to copy; all of them by default
    #[arg(long, value_name = "GLOB")]
    pub tag: Option<String>,
    /// Tags to leave out
    #[arg(long, value_name = "GLOB")]
    pub exclude_tag: Option<String>,
    /// Labels an artifact must carry; may be repeated
    #[arg(long, value_name = "LABEL")]
    pub label: Vec<String>,
    /// Namespace at the destination, put before the repository's name
    #[arg(long, value_name = "NS")]
    pub dest_namespace: Option<String>,
    /// Leading components of the name that the namespace replaces; -1 leaves the last alone
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true,
        requires = "dest_namespace"
    )]
    pub flatten: i8,
    /// Keep this schedule with the rule; nothing runs by it yet
    #[arg(long, value_name = "CRON", hide = true)]
    pub schedule: Option<String>,
    /// Move tags that stand for something else at the destination
    #[arg(long = "override")]
    pub override_tags: bool,
    /// Store it without letting it run
    #[arg(long)]
    pub disabled: bool,
    /// Refuse a run while another is under way
    #[arg(long)]
    pub single_active: bool,
}

/// `portolan rule plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan rule plan mirror
  portolan rule plan mirror --limit 10000 -o json")]
pub struct RulePlan {
    /// Its name or id
    pub rule: String,
    /// How many artifacts, at most: each is a question to a registry
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// `portolan rule run`.
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal --wait shows a bar with artifacts, bytes, their rate and the time left.

Examples:
  portolan rule run mirror
  portolan rule run mirror --wait")]
pub struct RuleRun {
    /// Its name or id
    pub rule: String,
    /// Wait for the end; exit status 1 unless everything was copied
    #[arg(long)]
    pub wait: bool,
}
