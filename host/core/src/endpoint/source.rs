//! Where an endpoint's credentials come from, if not from the store. Names a place, holds no
//! secret, reads nothing.

use std::{path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

/// A place that credentials are read from whenever they are needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CredentialSource {
    /// The store: what every endpoint has where nothing is said.
    Static {},
    /// A file whose whole text is the access secret.
    File {
        /// Absolute.
        path: PathBuf,
    },
    /// A Docker credential helper, which gives user name and secret.
    Exec {
        /// What stands after `docker-credential-` in its name.
        helper: String,
    },
    /// The role of the AWS machine this daemon runs on.
    AwsInstance {},
    /// An AWS role, for the token of another identity provider (Kubernetes, say).
    AwsWebIdentity {
        /// `arn:aws:iam::ACCOUNT:role/NAME`
        role_arn: String,
        /// Absolute; the token is read anew each time.
        token_file: PathBuf,
    },
}

/// Why a source cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential source cannot be used: {0}")]
pub struct InvalidSource(String);

impl CredentialSource {
    /// Checks what can be checked without looking.
    ///
    /// # Errors
    /// When a path is not absolute, a helper's name has other characters than `a-z0-9-`, or a role
    /// is no ARN.
    pub fn check(&self) -> Result<(), InvalidSource> {
        let invalid = |why: String| Err(InvalidSource(why));
        match self {
            Self::File { path } | Self::AwsWebIdentity { token_file: path, .. }
                if !path.is_absolute() =>
            {
                invalid(format!("`{}` is not an absolute path", path.display()))
            }
            Self::Exec { helper } if !is_helper(helper) => invalid(format!(
                "`{helper}` is no name of a helper: it is what stands after \
                 `docker-credential-`, of the characters a-z, 0-9 and `-`"
            )),
            Self::AwsWebIdentity { role_arn, .. } if !is_role(role_arn) => invalid(format!(
                "`{role_arn}` is no role: arn:aws:iam::ACCOUNT:role/NAME is wanted"
            )),
            _ => Ok(()),
        }
    }

    /// Whether it gives the user name too.
    #[must_use]
    pub fn gives_access_key(&self) -> bool {
        !matches!(self, Self::File { .. } | Self::Static {})
    }
}

fn is_helper(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (arn, partition, service) = (next(), next(), next());
    let (region, account, resource) = (next(), next(), next());
    arn == "arn"
        && partition.starts_with("aws")
        && (service, region) == ("iam", "")
        && account.bytes().all(|b| b.is_ascii_digit())
        && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        && resource.len() <= 2048
}

/// As the command line has it: `static`, `file:PATH`, `exec:HELPER`, `aws-instance`,
/// `aws-web-identity:ROLE_ARN,TOKEN_FILE`.
impl FromStr for CredentialSource {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let source = match (kind, rest) {
            ("file", path) => Self::File { path: path.into() },
            ("exec", helper) => Self::Exec { helper: helper.to_owned() },
            ("static", "") => Self::Static {},
            ("aws-instance", "") => Self::AwsInstance {},
            ("aws-web-identity", rest) => {
                let (role_arn, file) = rest.split_once(',').unwrap_or((rest, ""));
                Self::AwsWebIdentity { role_arn: role_arn.to_owned(), token_file: file.into() }
            }
            _ => {
                return Err(InvalidSource(format!(
                    "`{text}` is none of file:PATH, exec:HELPER, aws-instance, \
                     aws-web-identity:ROLE_ARN,TOKEN_FILE and static"
                )));
            }
        };
        source.check().map(|()| source)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/path/pull";

    #[test]
    fn sources_are_written_in_two_ways() {
        let web = format!("aws-web-identity:{ROLE},/run/token");
        for (text, json) in [
            ("file:/run/s", json!({"kind": "file", "path": "/run/s"})),
            ("exec:ecr-login", json!({"kind": "exec", "helper": "ecr-login"})),
            ("static", json!({"kind": "static"})),
            ("aws-instance", json!({"kind": "aws-instance"})),
            (
                &web,
                json!({"kind": "aws-web-identity", "role_arn": ROLE, "token_file": "/run/token"}),
            ),
        ] {
            let source: CredentialSource = text.parse().unwrap();
            assert_eq!(serde_json::to_value(&source).unwrap(), json);
            assert_eq!(serde_json::from_value::<CredentialSource>(json).unwrap(), source);
        }
    }

    #[test]
    fn what_cannot_be_says_why() {
        for (text, why) in [
            ("file:", "not an absolute path"),
            ("file:secret", "not an absolute path"),
            ("exec:", "no name of a helper"),
            ("exec:../../bin/sh", "no name of a helper"),
            ("exec:a b", "no name of a helper"),
            ("exec:A", "no name of a helper"),
            ("aws-instance:x", "is none of"),
            ("aws-web-identity:arn:aws:iam::1:role/x", "not an absolute path"),
            ("aws-web-identity:arn:aws:iam::1:user/x,/t", "is no role"),
            ("aws-web-identity:arn:aws:sts::1:role/x,/t", "is no role"),
            ("vault:x", "is none of"),
        ] {
            let error = text.parse::<CredentialSource>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        for json in [json!({"kind": "file"}), json!({"kind": "x"}), json!({"path": "/x"})] {
            assert!(serde_json::from_value::<CredentialSource>(json).is_err());
        }
    }
}
