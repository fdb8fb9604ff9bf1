//! `portolan token`: add, list, show, remove.

use clap::{Args, Subcommand};
use portolan_core::account::{AccountName, Role};
use time::{Date, Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::Connection;

/// `portolan token`.
#[derive(Debug, Args)]
#[command(after_help = "\
A token is a program's way in: it is sent as `Authorization: Bearer TOKEN`, or as the password of
the user robot$NAME. The daemon keeps a digest of it alone, so its text is shown once.

Examples:
  portolan token add ci --role operator --expires 90d > ci.token
  portolan token list")]
pub struct TokenArgs {
    /// How the daemon is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// What is to be done.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// List the tokens; their texts are shown nowhere
    #[command(after_help = "\
Examples:
  portolan token list")]
    List,
    /// Show one token, but for its text
    #[command(after_help = "\
Examples:
  portolan token show ci")]
    Show {
        /// Its name or id
        token: String,
    },
    /// Make a token and print it, this once
    Add(TokenAdd),
    /// Remove a token: it is refused from then on
    #[command(after_help = "\
Examples:
  portolan token remove ci")]
    Remove {
        /// Its name or id
        token: String,
    },
}

/// `portolan token add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan token add ci --role operator --expires 90d > ci.token
  portolan endpoint list --server http://127.0.0.1:8282 --token-file ci.token")]
pub struct TokenAdd {
    /// Its name: unique; lower-case letters, digits, `.`, `_` and `-`
    pub name: AccountName,
    /// What it may do: viewer, operator or admin
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    pub role: Role,
    /// When it ends: a date (UTC), a date-time of RFC 3339, or days from now as in 90d; never
    /// without
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    pub expires: Option<OffsetDateTime>,
}

/// A date, a date-time, or days from now.
fn instant(text: &str) -> Result<OffsetDateTime, String> {
    const DATE: &[time::format_description::BorrowedFormatItem<'_>] =
        time::macros::format_description!("[year]-[month]-[day]");
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        let end = OffsetDateTime::now_utc().checked_add(Duration::days(i64::from(days)));
        return end.ok_or_else(|| "these are too many days".to_owned());
    }
    if let Ok(date) = Date::parse(text, DATE) {
        return Ok(date.midnight().assume_utc());
    }
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "a date, a date-time of RFC 3339 or days as in 90d are wanted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_dates_instants_or_days() {
        let shown = |text| instant(text).ok().map(|it| it.format(&Rfc3339).unwrap());
        let cases = [
            ("2027-01-01", Some("2027-01-01T00:00:00Z")),
            ("2027-01-01T10:00:00+02:00", Some("2027-01-01T10:00:00+02:00")),
            ("tomorrow", None),
            ("-3d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
        let days = instant("90d").unwrap() - OffsetDateTime::now_utc();
        assert!((Duration::days(89)..=Duration::days(90)).contains(&days));
    }
}
