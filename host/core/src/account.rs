//! Who may use the API: users with passwords, tokens for programs, and what a role may do.
//!
//! Passwords and token texts are nowhere here: the store keeps their hashes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{TokenId, UserId};

/// Longest name of a user or token in bytes.
const MAX_NAME: usize = 64;

/// What somebody may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything that is no secret.
    Viewer,
    /// Run and stop rules.
    Operator,
    /// Everything.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

impl FromStr for Role {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            _ => Err(InvalidAccount(format!(
                "`{}` is no role: viewer, operator or admin is wanted",
                shown(text)
            ))),
        }
    }
}

/// Why a name or role is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAccount(String);

/// The name of a user or token: 1 to 64 of lower-case letters, digits, `.`, `_` and `-`, beginning
/// with a letter or digit. `$` stays free: clients write a token as `robot$NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let first =
            text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if first && text.len() <= MAX_NAME && text.bytes().all(inner) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidAccount(format!(
            "`{}` is no name: 1 to {MAX_NAME} lower-case letters, digits, `.`, `_` and `-` are \
             wanted, a letter or digit first",
            shown(text)
        )))
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidAccount;

    fn try_from(text: String) -> Result<Self, InvalidAccount> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect::<String>().escape_debug().to_string()
}

/// Somebody with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id; the first administrator is 1.
    pub id: UserId,
    /// The name to log in with.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When name, role or password changed last.
    #[serde(with = "time::serde::rfc3339")]
    pub updated: OffsetDateTime,
}

/// A program's way in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The name people know it by.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// Who made it: the name of a user, or empty for the daemon's own socket.
    pub created_by: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// From when on it is refused; `None` is never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires: Option<OffsetDateTime>,
    /// When it was used last, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used: Option<OffsetDateTime>,
}

impl Token {
    /// Whether it is refused by now.
    #[must_use]
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_include_those_below() {
        assert!(Role::Admin > Role::Operator && Role::Operator > Role::Viewer);
        for role in [Role::Viewer, Role::Operator, Role::Admin] {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.to_string());
        }
        assert!("Admin".parse::<Role>().is_err());
    }

    #[test]
    fn names() {
        let long = "x".repeat(65);
        for (text, good) in [
            ("admin", true),
            ("0-a.b_c", true),
            ("", false),
            ("-a", false),
            ("Admin", false),
            ("a b", false),
            ("robot$a", false),
            ("ä", false),
            (long.as_str(), false),
        ] {
            assert_eq!(text.parse::<AccountName>().is_ok(), good, "{text}");
        }
    }
}
