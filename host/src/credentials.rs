//! Credentials that are read where they are kept, whenever they are needed: files, Docker's
//! credential helpers, AWS.
//!
//! Reading a file and running a program on this machine are not the API's to allow: what may be
//! read and run stands in the daemon's settings, with the hosts it may be sent to, and nothing may
//! where they say nothing. No adapter sees any of it; it is used as a stored secret is.

mod aws;
mod exec;
mod file;
mod place;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};

use portolan_core::{
    endpoint::{CredentialSource, Credentials, EndpointSpec, EndpointUrl},
    secret::Secret,
};
use tokio::{sync::Mutex, time::Instant};

pub use place::{Allowed, InvalidHosts, SourceHosts};

/// Longest secret, in bytes.
const MAX_SECRET: u64 = 64 << 10;
/// Most logins kept.
const MAX_KEPT: usize = 1024;

/// What endpoints may have their credentials from; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct SourceSettings {
    /// Files that may be read, and directories of such files.
    pub files: Vec<Allowed<PathBuf>>,
    /// Docker credential helpers that may be run: paths of `docker-credential-NAME`.
    pub helpers: Vec<Allowed<PathBuf>>,
    /// The role of this machine, and roles for a token in a file, that may be used on AWS.
    pub aws: Vec<Allowed<CredentialSource>>,
}

/// Why there are no credentials. Says no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The settings do not allow it.
    #[error("the credential source {what} is not allowed: {cure}")]
    Denied { what: String, cure: String },
    /// It could not be read, or gave nothing usable.
    #[error("the credential source {what} gives no credentials: {why}")]
    Failed { what: String, why: String },
}

/// What a source gave.
#[derive(Clone)]
pub(crate) struct Login {
    /// `None`: the endpoint's own.
    pub(crate) access_key: Option<String>,
    pub(crate) secret: Secret,
    /// Goes with temporary keys of AWS.
    pub(crate) session_token: Option<Secret>,
}

/// When what was read is to be read again.
#[derive(Clone, PartialEq)]
enum Until {
    /// When the file is another one.
    Changed(file::Mark),
    At(Instant),
}

type Kept = Arc<Mutex<Option<(Login, Until)>>>;

/// Every source, and what was last read of each.
pub(crate) struct Sources {
    settings: SourceSettings,
    kept: std::sync::Mutex<HashMap<(CredentialSource, EndpointUrl), Kept>>,
}

impl Sources {
    pub(crate) fn new(settings: SourceSettings) -> Self {
        Self { settings, kept: std::sync::Mutex::default() }
    }

    /// Whether the settings allow a source for an endpoint.
    ///
    /// # Errors
    /// `Denied`, with what to set.
    pub(crate) fn permit(
        &self,
        source: &CredentialSource,
        spec: &EndpointSpec,
    ) -> Result<(), SourceError> {
        let (known, list, entry) = match source {
            CredentialSource::Static {} => return Ok(()),
            CredentialSource::File { path } => (
                allowed(
                    &self.settings.files,
                    |it| file::is_below(path, std::slice::from_ref(it)),
                    spec,
                ),
                "files",
                format!("path = {path:?}"),
            ),
            CredentialSource::Exec { helper } => (
                allowed(&self.settings.helpers, |it| exec::is_helper(it, helper), spec),
                "helpers",
                format!("path = \"/usr/bin/docker-credential-{helper}\""),
            ),
            CredentialSource::AwsInstance {} => (
                allowed(&self.settings.aws, |it| it == source, spec),
                "aws",
                "role = \"instance\"".to_owned(),
            ),
            CredentialSource::AwsWebIdentity { role_arn, token_file } => (
                allowed(&self.settings.aws, |it| it == source, spec),
                "aws",
                format!("role = {role_arn:?}, token_file = {token_file:?}"),
            ),
        };
        let cure = match known {
            Some(true) => {
                let way = place::permit_aws(source, spec).and_then(|()| place::permit_way(spec));
                let denied = |cure| SourceError::Denied { what: what(source), cure };
                return way.map_err(denied);
            }
            Some(false) => format!(
                "it may not be sent to {}, nor to every allowed host of this endpoint; whoever \
                 administers this machine may name them in `hosts` of its entry in `{list}` under \
                 [credential_sources] in the settings file",
                spec.url
            ),
            None => format!(
                "whoever administers this machine may add {{ {entry}, hosts = [{:?}] }} to \
                 `{list}` under [credential_sources] in the settings file",
                spec.url.url().origin().ascii_serialization()
            ),
        };
        Err(SourceError::Denied { what: what(source), cure })
    }

    /// The directories, or single files, whose content may go to an endpoint.
    fn files_for(&self, spec: &EndpointSpec) -> Vec<PathBuf> {
        let files = self.settings.files.iter().filter(|it| it.hosts.include(spec));
        files.map(|it| it.what.clone()).collect()
    }

    /// The credentials of an endpoint, as they are now: a changed file is read again, a helper is
    /// asked again after some minutes, and keys are renewed before they end. Callers for the same
    /// endpoint wait for one another.
    ///
    /// # Errors
    /// `Denied`, or `Failed`.
    pub(crate) async fn login(
        &self,
        source: &CredentialSource,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Login, SourceError> {
        self.permit(source, spec)?;
        let slot = self.slot(source, &spec.url);
        let mut kept = slot.lock().await;
        let mark = match source {
            CredentialSource::File { path } => {
                Some(file::mark(path, &self.files_for(spec)).await.map_err(failed(source))?)
            }
            _ => None,
        };
        if let Some((login, until)) = &*kept
            && is_current(until, mark.as_ref())
        {
            return Ok(login.clone());
        }
        *kept = None;
        let (login, until) =
            self.read(source, (spec, credentials), mark).await.map_err(failed(source))?;
        *kept = Some((login.clone(), until));
        Ok(login)
    }

    async fn read(
        &self,
        source: &CredentialSource,
        (spec, credentials): (&EndpointSpec, &Credentials),
        mark: Option<file::Mark>,
    ) -> Result<(Login, Until), String> {
        let (login, life) = match (source, mark) {
            (CredentialSource::File { .. }, Some(mark)) => {
                let secret = file::read(&mark).await?;
                let login = Login { access_key: None, secret, session_token: None };
                return Ok((login, Until::Changed(mark)));
            }
            (CredentialSource::File { .. } | CredentialSource::Static {}, _) => {
                return Err("it is no source that is read".to_owned());
            }
            (CredentialSource::Exec { helper }, _) => {
                let mut helpers = self.settings.helpers.iter();
                let one =
                    helpers.find(|it| exec::is_helper(&it.what, helper) && it.hosts.include(spec));
                let program = &one.ok_or("there is no such helper")?.what;
                exec::ask(program, &server(&spec.url)).await?
            }
            (CredentialSource::AwsInstance {}, _) => aws::instance(aws::METADATA).await?,
            (CredentialSource::AwsWebIdentity { role_arn, token_file }, _) => {
                // The settings name this very file, wherever its links lead.
                let real =
                    tokio::fs::canonicalize(token_file).await.map_err(|it| it.to_string())?;
                let mark = file::mark(token_file, &[real]).await?;
                let token = file::read(&mark).await?;
                let service = aws::security_token_service(spec);
                aws::web_identity(&service, (spec, credentials), role_arn, &token).await?
            }
        };
        Ok((login, Until::At(Instant::now() + life)))
    }

    fn slot(&self, source: &CredentialSource, url: &EndpointUrl) -> Kept {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (source.clone(), url.clone());
        if all.len() >= MAX_KEPT && !all.contains_key(&key) {
            all.clear();
        }
        Arc::clone(all.entry(key).or_default())
    }
}

/// Whether the settings name something, and for this endpoint; `None` where they do not name it.
fn allowed<T>(
    list: &[Allowed<T>],
    is_it: impl Fn(&T) -> bool,
    spec: &EndpointSpec,
) -> Option<bool> {
    let named = list.iter().filter(|it| is_it(&it.what)).map(|it| it.hosts.include(spec));
    named.reduce(|one, other| one || other)
}

fn is_current(until: &Until, mark: Option<&file::Mark>) -> bool {
    match until {
        Until::Changed(known) => mark == Some(known),
        Until::At(end) => Instant::now() < *end,
    }
}

fn failed(source: &CredentialSource) -> impl Fn(String) -> SourceError + use<'_> {
    move |why| SourceError::Failed { what: what(source), why }
}

/// A source as people name it.
fn what(source: &CredentialSource) -> String {
    match source {
        CredentialSource::Static {} => "static".to_owned(),
        CredentialSource::File { path } => format!("file {}", path.display()),
        CredentialSource::Exec { helper } => format!("docker-credential-{helper}"),
        CredentialSource::AwsInstance {} => "aws-instance".to_owned(),
        CredentialSource::AwsWebIdentity { role_arn, .. } => format!("aws-web-identity {role_arn}"),
    }
}

/// What a helper is asked for: host, and port where it is not that of the scheme.
fn server(url: &EndpointUrl) -> String {
    let url = url.url();
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// How long keys that end at an instant are used: five minutes less than they live, since a call
/// may take long, and a minute at least.
fn life(expires: time::OffsetDateTime) -> Duration {
    let left = expires - time::OffsetDateTime::now_utc() - time::Duration::minutes(5);
    Duration::try_from(left).unwrap_or_default().max(Duration::from_secs(60))
}
