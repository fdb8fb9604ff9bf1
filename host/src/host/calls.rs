//! One function of an adapter, called by name against an endpoint that is not stored: for those
//! who write adapters. Nothing is listed further, repeated or kept but tokens.

use std::time::{Duration, Instant};

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    provider::{
        ArtifactEntry, ArtifactQuery, ChartLocation, DeliveryAuth, Event, Grant, HealthReport,
        Listing, RepositoryEntry, RepositoryQuery, Scope, Target,
    },
};

use super::{Host, change};
use crate::{
    error::Error,
    plugin::{Adapter, PluginError},
};

mod failure;
mod shown;

pub use failure::{CallFailure, Fault};

/// A function of an adapter, with its arguments.
#[derive(Clone, Debug)]
pub enum AdapterCall {
    /// `check-health`.
    CheckHealth,
    /// `list-repositories`: one page, with the cursor of the page before.
    ListRepositories(RepositoryQuery, Option<String>),
    /// `list-artifacts` of a repository: one page.
    ListArtifacts(String, ArtifactQuery, Option<String>),
    /// `locate` a repository.
    Locate(String),
    /// `authorize`.
    Authorize(Vec<Scope>),
    /// `prepare-targets`.
    PrepareTargets(Vec<String>),
    /// `delete-tag`: repository and tag.
    DeleteTag(String, String),
    /// `delete-artifact`: repository and digest.
    DeleteArtifact(String, String),
    /// `resolve-chart`: repository and tag.
    ResolveChart(String, String),
    /// `list-labels`: one page.
    ListLabels(Option<String>),
    /// `authentication` of webhooks.
    Authentication,
    /// `parse` a webhook: headers and body.
    Parse(Vec<(String, Vec<u8>)>, Vec<u8>),
}

/// What a function answered.
#[derive(Clone)]
pub enum Answer {
    /// Of `check-health`.
    Health(HealthReport),
    /// Of `list-repositories`.
    Repositories(Listing<RepositoryEntry>),
    /// Of `list-artifacts`.
    Artifacts(Listing<ArtifactEntry>),
    /// Of `locate`.
    Target(Target),
    /// Of `authorize`.
    Grant(Grant),
    /// Of `prepare-targets`: one result for each repository.
    Prepared(Vec<Result<(), CallFailure>>),
    /// Of a delete.
    Done,
    /// Of `resolve-chart`.
    Chart(ChartLocation),
    /// Of `list-labels`.
    Labels(Listing<String>),
    /// Of `authentication`.
    Ways(Vec<DeliveryAuth>),
    /// Of `parse`.
    Events(Vec<Event>),
}

impl AdapterCall {
    /// The function's name in WIT.
    #[must_use]
    pub fn function(&self) -> &'static str {
        match self {
            Self::CheckHealth => "check-health",
            Self::ListRepositories(..) => "list-repositories",
            Self::ListArtifacts(..) => "list-artifacts",
            Self::Locate(_) => "locate",
            Self::Authorize(_) => "authorize",
            Self::PrepareTargets(_) => "prepare-targets",
            Self::DeleteTag(..) => "delete-tag",
            Self::DeleteArtifact(..) => "delete-artifact",
            Self::ResolveChart(..) => "resolve-chart",
            Self::ListLabels(_) => "list-labels",
            Self::Authentication => "authentication",
            Self::Parse(..) => "parse",
        }
    }
}

impl Host {
    /// Calls one function. What it learnt (tokens, connections) is kept for the next call with the
    /// same settings, until [`forget_calls`](Self::forget_calls).
    ///
    /// # Errors
    /// What the adapter answered, or what stopped it.
    pub async fn call(
        &self,
        spec: &EndpointSpec,
        credentials: &Credentials,
        call: &AdapterCall,
    ) -> Result<Answer, CallFailure> {
        let invalid = |error: Error| CallFailure {
            fault: Fault::Invalid,
            message: error.to_string(),
            function: call.function(),
        };
        change::check(spec, credentials).map_err(invalid)?;
        let connections = self.shared.engine.connections();
        let adapter = connections.bind_unsaved(spec, credentials);
        let answer = match adapter.await {
            Ok(adapter) => ask(&adapter, call).await,
            Err(error) => Err(error),
        };
        answer.map_err(|error| CallFailure::new(error, call.function()))
    }

    /// Forgets what [`call`](Self::call) learnt.
    pub fn forget_calls(&self) {
        self.shared.engine.connections().forget_unsaved();
    }

    /// How long a fresh instance and its `describe` take, warm: the best of several.
    ///
    /// # Errors
    /// When the provider is unknown, or its adapter does not answer any more.
    pub async fn time_describe(&self, provider: &str) -> Result<Duration, Error> {
        const RUNS: u32 = 9;
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            let before = Instant::now();
            self.shared.plugins.describe(provider).await?;
            best = best.min(before.elapsed());
        }
        Ok(best)
    }
}

async fn ask(adapter: &Adapter, call: &AdapterCall) -> Result<Answer, PluginError> {
    Ok(match call {
        AdapterCall::CheckHealth => Answer::Health(adapter.check_health().await?),
        AdapterCall::ListRepositories(query, cursor) => {
            Answer::Repositories(adapter.list_repositories(query, cursor.as_deref()).await?)
        }
        AdapterCall::ListArtifacts(repository, query, cursor) => {
            let page = adapter.list_artifacts(repository, query, cursor.as_deref()).await?;
            Answer::Artifacts(page)
        }
        AdapterCall::Locate(repository) => Answer::Target(adapter.locate(repository).await?),
        AdapterCall::Authorize(scopes) => Answer::Grant(adapter.authorize(scopes, None).await?),
        AdapterCall::PrepareTargets(repositories) => {
            let failure = |error| CallFailure::new(error, call.function());
            let results = adapter.prepare_targets(repositories, None).await?.into_iter();
            Answer::Prepared(results.map(|result| result.map_err(failure)).collect())
        }
        AdapterCall::DeleteTag(repository, tag) => {
            adapter.delete_tag(repository, tag).await?;
            Answer::Done
        }
        AdapterCall::DeleteArtifact(repository, digest) => {
            adapter.delete_artifact(repository, digest).await?;
            Answer::Done
        }
        AdapterCall::ResolveChart(repository, tag) => {
            Answer::Chart(adapter.resolve_chart(repository, tag).await?)
        }
        AdapterCall::ListLabels(cursor) => {
            Answer::Labels(adapter.list_labels(cursor.as_deref()).await?)
        }
        AdapterCall::Authentication => Answer::Ways(adapter.authentication().await?),
        AdapterCall::Parse(headers, body) => Answer::Events(adapter.parse(headers, body).await?),
    })
}
