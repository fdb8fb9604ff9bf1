//! `portolan rule`: add, edit, list, show, plan, run, remove. Harbor's API calls a rule a policy.

use clap::{Args, Subcommand, ValueEnum};

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
    /// Change a rule
    Edit(Box<RuleEdit>),
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
Several of one option select what fits any of them; several options, what fits all of them.

Examples:
  portolan rule add mirror --from hub --to edge --repository 'library/**'
  portolan rule add releases --from hub --to edge --tag 'v*' --dest-namespace mirror
  portolan rule add nightly --from hub --to edge --to island --tag-semver '>=1.2' --latest 5 \\
      --schedule '0 0 2 * * *' --time-zone Europe/Berlin")]
pub struct RuleAdd {
    /// Its name: unique
    pub name: String,
    /// Endpoint to read from; 0 is the local registry
    #[arg(long, value_name = "ENDPOINT")]
    pub from: String,
    /// Endpoint to write to; 0 is the local registry; may be repeated
    #[arg(long, value_name = "ENDPOINT", required = true)]
    pub to: Vec<String>,
    /// Store it without letting it run
    #[arg(long)]
    pub disabled: bool,
    /// What it selects and does.
    #[command(flatten)]
    pub says: RuleSays,
}

/// `portolan rule edit`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is not named stays. An option that selects replaces all of its kind that the rule has; the \
empty text takes them away.

Examples:
  portolan rule edit mirror --latest 3
  portolan rule edit mirror --bytes-per-second 5000000 --requests-per-minute 600
  portolan rule edit mirror --tag '' --tag-semver '>=2' --override yes
  portolan rule edit mirror --schedule '' --disable")]
pub struct RuleEdit {
    /// Its name or id
    pub rule: String,
    /// Another name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Endpoint to read from; 0 is the local registry
    #[arg(long, value_name = "ENDPOINT")]
    pub from: Option<String>,
    /// Endpoint to write to; 0 is the local registry; may be repeated
    #[arg(long, value_name = "ENDPOINT")]
    pub to: Vec<String>,
    /// Let it run
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Keep it from running
    #[arg(long)]
    pub disable: bool,
    /// What it selects and does.
    #[command(flatten)]
    pub says: RuleSays,
}

/// What a rule selects and does; what is absent is the default, or stays.
#[derive(Debug, Default, Args)]
pub struct RuleSays {
    /// A line for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Which artifacts.
    #[command(flatten)]
    pub selects: RuleSelects,
    /// Namespace at every destination, put before the repository's name
    #[arg(long, value_name = "NS")]
    pub dest_namespace: Option<String>,
    /// Leading components of the name that the namespace replaces; -1 leaves the last alone
    #[arg(long, value_name = "N", allow_negative_numbers = true, requires = "dest_namespace")]
    pub flatten: Option<i8>,
    /// When it runs by itself: second (0), minute, hour, day of month, month, day of week
    #[arg(long, value_name = "CRON")]
    pub schedule: Option<String>,
    /// Whose clocks the schedule goes by, e.g. Europe/Berlin; UTC by default
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Move tags that stand for something else at the destination
    #[arg(
        long = "override",
        value_name = "yes|no",
        hide_possible_values = true,
        num_args = 0..=1,
        default_missing_value = "yes"
    )]
    pub override_tags: Option<Yes>,
    /// Refuse a run while another is under way
    #[arg(
        long,
        value_name = "yes|no",
        hide_possible_values = true,
        num_args = 0..=1,
        default_missing_value = "yes"
    )]
    pub single_active: Option<Yes>,
    /// Beyond that.
    #[command(flatten)]
    pub options: RuleOptions,
}

/// A switch that an edit can turn off again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Yes {
    /// On.
    Yes,
    /// Off.
    No,
}

/// Which artifacts a rule selects.
#[derive(Debug, Default, Args)]
pub struct RuleSelects {
    /// Repositories to copy; all of them by default; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub repository: Vec<String>,
    /// Repositories to leave out; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub exclude_repository: Vec<String>,
    /// Repositories whose name has a part like this
    #[arg(long, value_name = "REGEX")]
    pub repository_regex: Vec<String>,
    /// Tags to copy; all of them by default; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub tag: Vec<String>,
    /// Tags to leave out; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub exclude_tag: Vec<String>,
    /// Tags that have a part like this
    #[arg(long, value_name = "REGEX")]
    pub tag_regex: Vec<String>,
    /// Tags to leave out that have a part like this
    #[arg(long, value_name = "REGEX")]
    pub exclude_tag_regex: Vec<String>,
    /// Tags that are versions in this range, e.g. '>=1.2, <2'
    #[arg(long, value_name = "RANGE")]
    pub tag_semver: Vec<String>,
    /// Labels an artifact must carry; may be repeated
    #[arg(long, value_name = "LABEL")]
    pub label: Vec<String>,
    /// Only images, or artifacts of every kind
    #[arg(long, value_name = "KIND", value_parser = ["image", "artifact"])]
    pub resource: Option<String>,
}

/// What a rule says beyond Harbor's properties.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "More")]
pub struct RuleOptions {
    /// Only this platform of an index, e.g. linux/amd64; may be repeated
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Vec<String>,
    /// An index with other platforms goes whole, sparse (its digest stays) or rewritten
    #[arg(long, value_name = "HOW", value_parser = ["whole", "sparse", "rewrite"])]
    pub index: Option<String>,
    /// Only the newest of each repository; 0 is all
    #[arg(long, value_name = "N")]
    pub latest: Option<u32>,
    /// What makes one newer
    #[arg(long, value_name = "BY", value_parser = ["semver", "push_time"])]
    pub latest_by: Option<String>,
    /// Quarantine: only what was first seen this long ago, e.g. 72h
    #[arg(long, value_name = "TIME")]
    pub min_age: Option<String>,
    /// Only what was pushed no longer ago, e.g. 90d, where the source tells
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// Only artifacts of this type; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub media_type: Vec<String>,
    /// Whether signatures, SBOMs and other referrers go along: yes by default
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    pub referrers: Option<Yes>,
    /// Only referrers of this type; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub referrer_type: Vec<String>,
    /// Tags that never move at the destination, and are not asked for again; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub immutable_tag: Vec<String>,
    /// What a tag is kept under before it is moved, e.g. '{tag}-before'
    #[arg(long, value_name = "NAME")]
    pub backup_tag: Option<String>,
    /// Bytes of blobs a second, all runs of the rule together; 0 is unlimited
    #[arg(long, value_name = "BYTES")]
    pub bytes_per_second: Option<u64>,
    /// Requests a minute, to source and destinations, all runs of the rule together; 0 is unlimited
    #[arg(long, value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// Whether tags that are gone at the source are deleted at the destinations, after a whole run
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    pub prune: Option<Yes>,
    /// Delete nothing where more than this share of the tags there is gone: 0.1 by default
    #[arg(long, value_name = "SHARE")]
    pub prune_max_share: Option<f64>,
    /// How long a tag must have been gone: 24h by default
    #[arg(long, value_name = "TIME")]
    pub prune_grace: Option<String>,
    /// How many of its ended runs are kept; 0 is what the daemon's settings say
    #[arg(long, value_name = "N")]
    pub history: Option<u32>,
    /// Days that its ended runs are kept; 0 is what the daemon's settings say
    #[arg(long, value_name = "DAYS")]
    pub history_days: Option<u32>,
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
