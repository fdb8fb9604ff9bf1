//! The settings' credential sources as the library takes them. Reads and runs nothing.

use std::path::PathBuf;

use portolan_core::endpoint::CredentialSource;

use crate::{
    Allowed, SourceHosts, SourceSettings,
    config::{PathKeys, RoleKeys, SourceKeys},
    daemon::DaemonError,
};

/// What the settings allow.
///
/// # Errors
/// When a pattern of a host, or a role, means nothing.
pub(super) fn sources(keys: &SourceKeys) -> Result<SourceSettings, DaemonError> {
    Ok(SourceSettings {
        files: keys.files.iter().map(|it| path("files", it)).collect::<Result<_, _>>()?,
        helpers: keys.helpers.iter().map(|it| path("helpers", it)).collect::<Result<_, _>>()?,
        aws: keys.aws.iter().map(role).collect::<Result<_, _>>()?,
    })
}

fn path(list: &'static str, keys: &PathKeys) -> Result<Allowed<PathBuf>, DaemonError> {
    let what = keys.path.display().to_string();
    Ok(Allowed { what: keys.path.clone(), hosts: hosts(list, &what, &keys.hosts)? })
}

fn role(keys: &RoleKeys) -> Result<Allowed<CredentialSource>, DaemonError> {
    let what = match &keys.token_file {
        None => CredentialSource::AwsInstance {},
        Some(file) => {
            let (role_arn, token_file) = (keys.role.clone(), file.clone());
            CredentialSource::AwsWebIdentity { role_arn, token_file }
        }
    };
    what.check().map_err(|why| refused("aws", &keys.role, why.to_string()))?;
    Ok(Allowed { what, hosts: hosts("aws", &keys.role, &keys.hosts)? })
}

fn hosts(list: &'static str, what: &str, hosts: &[String]) -> Result<SourceHosts, DaemonError> {
    SourceHosts::parse(hosts).map_err(|why| refused(list, what, why.to_string()))
}

fn refused(list: &'static str, what: &str, why: String) -> DaemonError {
    DaemonError::CredentialSource { list, what: what.to_owned(), why }
}
