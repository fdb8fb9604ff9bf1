//! `portolan user`: add, list, show, edit, remove, password.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use portolan_core::account::{AccountName, Role};

use super::Connection;

/// `portolan user`.
#[derive(Debug, Args)]
#[command(after_help = "\
Roles: viewer looks at everything that is no secret, operator also runs and stops rules, admin does
the rest. A user is named by name or id.

Examples:
  portolan user add ada --role operator
  portolan user password ada")]
pub struct UserArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user
    Add(UserAdd),
    /// List the users
    #[command(after_help = "\
Examples:
  portolan user list")]
    List,
    /// Show one user
    #[command(after_help = "\
Examples:
  portolan user show ada")]
    Show {
        /// Name or id
        #[arg(value_name = "USER")]
        whose: String,
    },
    /// Give a user another role
    Edit(UserEdit),
    /// Remove a user, with the tokens and sessions of that user
    #[command(after_help = "\
Examples:
  portolan user remove ada")]
    Remove {
        /// Name or id
        #[arg(value_name = "USER")]
        whose: String,
    },
    /// Set a password: your own, or that of a user
    Password(UserPassword),
}

/// `portolan user add`.
#[derive(Debug, Args)]
#[command(after_help = "\
The password is asked for on a terminal without --new-password-file.

Examples:
  portolan user add ada --role operator
  portolan user add ci --role viewer --new-password-file ./password")]
pub struct UserAdd {
    /// Name: unique; lower-case letters, digits, `.`, `_` and `-`
    pub name: AccountName,
    /// What the user may do: viewer, operator or admin
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    pub role: Role,
    /// File with the password; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}

/// `portolan user edit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan user edit ada --role admin")]
pub struct UserEdit {
    /// Name or id
    #[arg(value_name = "USER")]
    pub whose: String,
    /// What the user may do: viewer, operator or admin
    #[arg(long, value_name = "ROLE")]
    pub role: Role,
}

/// `portolan user password`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without USER it is your own password: you log in with the old one (--user, --password-file or a
prompt). An administrator may set that of any USER. Sessions of the user end.

Examples:
  portolan user password --server http://127.0.0.1:8282 --user ada
  portolan user password ada --new-password-file ./password")]
pub struct UserPassword {
    /// Name or id
    #[arg(value_name = "USER")]
    pub whose: Option<String>,
    /// File with the new password; `-` for standard input; asked for on a terminal
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}
