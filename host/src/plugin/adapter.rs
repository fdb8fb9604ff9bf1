//! The version-free face of one adapter bound to one endpoint. Each method is one call of one
//! fresh instance; only grants are kept.

use std::{sync::Arc, time::Duration};

pub(super) mod optional;

use portolan_bindings::v0_1::{
    exports::portolan::adapter::registry_adapter::Grant as GuestGrant, portolan::adapter::types,
};
use portolan_core::{
    accepts::Accepts,
    oci::Challenge,
    provider::{
        AdapterInfo, ArtifactEntry, ArtifactQuery, Grant, HealthReport, HostUse, Listing,
        RepositoryEntry, RepositoryQuery, Scope, Target,
    },
    secret::Secret,
    visibility::Visibility,
};
use tokio::time::{Instant, error::Elapsed};

use super::{
    Inner, Package, PluginError,
    account::Carries,
    bound::Bound,
    instance::{Allowance, Call, Tripped},
    v0_1,
};
use crate::net::{self, Purpose};

/// Most repositories of one `prepare-targets`.
const BATCH: usize = 100;

/// What a timed call of a guest gives.
type Outcome<T> = Result<wasmtime::Result<T>, Elapsed>;

/// One adapter bound to one endpoint. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Adapter {
    pub(super) inner: Arc<Inner>,
    pub(super) package: Arc<Package>,
    pub(super) bound: Arc<Bound>,
    /// The endpoint's client, within the budgets of the work at hand.
    pub(super) client: net::Client,
}

impl Adapter {
    /// The endpoint's client: the data plane goes through the same one.
    pub(crate) fn client(&self) -> &net::Client {
        &self.client
    }

    /// The same for work that has these limits, too: of its bytes and of its requests, those of the
    /// guest included.
    #[must_use]
    pub(crate) fn within(self, budgets: &net::Budgets) -> Self {
        Self { client: self.client.within(budgets), ..self }
    }

    /// What the adapter says of itself.
    pub(crate) fn info(&self) -> &AdapterInfo {
        &self.package.info
    }

    /// Test Connection.
    pub(crate) async fn check_health(&self) -> Result<HealthReport, PluginError> {
        let mut call = self.begin("check-health").await?;
        let guest = self.package.exports.registry(&mut call)?;
        let endpoint = self.endpoint();
        let work = guest.call_check_health(&mut call.store, &endpoint);
        let outcome = call.deadline.within(work).await;
        self.finish(call, "check-health", outcome).map(v0_1::health)
    }

    /// The resource types of this endpoint. Where the provider has several the endpoint is asked,
    /// since some have fewer, as a Harbor 1.x has; where it does not tell now it has all of them.
    pub(crate) async fn resources(&self) -> Vec<String> {
        let provider = &self.info().resources;
        if provider.len() > 1
            && let Ok(report) = self.check_health().await
        {
            return report.resources(provider);
        }
        provider.clone()
    }

    /// One page of repositories.
    pub(crate) async fn list_repositories(
        &self,
        query: &RepositoryQuery,
        cursor: Option<&str>,
    ) -> Result<Listing<RepositoryEntry>, PluginError> {
        let mut call = self.begin("list-repositories").await?;
        let guest = self.package.exports.registry(&mut call)?;
        let endpoint = self.endpoint();
        let (filter, page) = (v0_1::repository_filter(query), v0_1::page(cursor));
        let outcome = call
            .deadline
            .within(guest.call_list_repositories(&mut call.store, &endpoint, &filter, &page))
            .await;
        v0_1::repositories(self.finish(call, "list-repositories", outcome)?)
    }

    /// One page of a repository's artifacts.
    pub(crate) async fn list_artifacts(
        &self,
        repository: &str,
        query: &ArtifactQuery,
        cursor: Option<&str>,
    ) -> Result<Listing<ArtifactEntry>, PluginError> {
        let mut call = self.begin("list-artifacts").await?;
        let guest = self.package.exports.registry(&mut call)?;
        let endpoint = self.endpoint();
        let (filter, page) = (v0_1::artifact_filter(query), v0_1::page(cursor));
        let outcome = call
            .deadline
            .within(guest.call_list_artifacts(
                &mut call.store,
                &endpoint,
                repository,
                &filter,
                &page,
            ))
            .await;
        v0_1::artifacts(self.finish(call, "list-artifacts", outcome)?)
    }

    /// Where the distribution API of a repository is. The host of the answer is checked: one that
    /// is neither the endpoint nor granted `data` is `Transport` of the kind `denied-by-policy`.
    pub(crate) async fn locate(&self, repository: &str) -> Result<Target, PluginError> {
        let mut call = self.begin("locate").await?;
        let locate = self.package.exports.locate(&mut call)?;
        let endpoint = self.endpoint();
        let work = locate.call_async(&mut call.store, (&endpoint, repository));
        let outcome = call.deadline.within(work).await;
        let outcome = outcome.map(|answer| answer.map(|(target,)| target));
        let target = v0_1::target(self.finish(call, "locate", outcome)?)?;
        // What the requests there carry is known with the grant, and checked again then.
        let purpose = Purpose::Data { carries: HostUse::Data };
        match self.bound.memory.client.egress().check(&target.base_url, purpose) {
            Ok(()) => Ok(target),
            Err(refused) => Err(PluginError::Transport {
                kind: "denied-by-policy".to_owned(),
                message: refused.to_string(),
            }),
        }
    }

    /// What manifests are taken on push at a target of this adapter.
    pub(crate) fn accepts(&self, target: &Target) -> Accepts {
        let own = &self.info().accepted_manifests;
        let media_types = target.accepted_manifests.as_ref().unwrap_or(own);
        Accepts::new(&self.info().provider, media_types.clone())
    }

    /// Authority for scopes, secret inserted. Simultaneous asks for the same scopes make one
    /// call; grants are kept until shortly before they expire.
    pub(crate) async fn authorize(
        &self,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant, PluginError> {
        let (grants, anonymous) = (&self.bound.memory.grants, self.bound.account.is_nobody());
        if let Some(nothing) = grants.nothing(challenge, anonymous) {
            return Ok(nothing);
        }
        let ask = self.ask_grant(scopes, challenge);
        // A call takes a large future, and is rare.
        Box::pin(grants.get(scopes, (challenge, anonymous), ask)).await
    }

    async fn ask_grant(
        &self,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant, PluginError> {
        let mut call = self.begin("authorize").await?;
        let guest = self.package.exports.registry(&mut call)?;
        let endpoint = self.endpoint();
        let (scopes, challenge) = (v0_1::scopes(scopes), challenge.map(v0_1::challenge));
        let outcome = call
            .deadline
            .within(guest.call_authorize(&mut call.store, &endpoint, &scopes, challenge.as_ref()))
            .await;
        grant(&self.bound, self.finish(call, "authorize", outcome)?)
    }

    /// Makes repositories ready to be pushed to, at most 100 at once; one result for each. What has
    /// to be made for them is of this visibility. Does nothing where the adapter has no `management`.
    pub(crate) async fn prepare_targets(
        &self,
        repositories: &[String],
        visibility: Option<Visibility>,
    ) -> Result<Vec<Result<(), PluginError>>, PluginError> {
        if !self.info().capabilities.management {
            return Ok(repositories.iter().map(|_| Ok(())).collect());
        }
        let mut results = Vec::with_capacity(repositories.len());
        for batch in repositories.chunks(BATCH) {
            results.extend(self.prepare_batch(batch, visibility).await?);
        }
        Ok(results)
    }

    async fn prepare_batch(
        &self,
        batch: &[String],
        visibility: Option<Visibility>,
    ) -> Result<Vec<Result<(), PluginError>>, PluginError> {
        const FUNCTION: &str = "prepare-targets";
        let mut call = self.begin(FUNCTION).await?;
        let Some(guest) = self.package.exports.management(&mut call)? else {
            return Ok(batch.iter().map(|_| Ok(())).collect());
        };
        let endpoint = self.endpoint();
        let metadata: Vec<_> = visibility.map(v0_1::visibility).into_iter().collect();
        let work = guest.call_prepare_targets(&mut call.store, &endpoint, batch, &metadata);
        let outcome = call.deadline.within(work).await;
        let (results, tripped) = self.end(call, outcome)?;
        if results.len() != batch.len() {
            let (asked, got) = (batch.len(), results.len());
            return Err(v0_1::malformed(&format!("{got} results for {asked} repositories")));
        }
        let error = |error| self.error(error, FUNCTION, tripped.clone());
        Ok(results.into_iter().map(|result| result.map_err(error)).collect())
    }

    /// One page of label names; empty where the adapter knows none.
    pub(crate) async fn list_labels(
        &self,
        cursor: Option<&str>,
    ) -> Result<Listing<String>, PluginError> {
        let nothing = Listing { items: Vec::new(), next: None, total: None };
        if !self.info().capabilities.labels {
            return Ok(nothing);
        }
        let mut call = self.begin("list-labels").await?;
        let Some(guest) = self.package.exports.labels(&mut call)? else { return Ok(nothing) };
        let (endpoint, page) = (self.endpoint(), v0_1::page(cursor));
        let work = guest.call_list_labels(&mut call.store, &endpoint, &page);
        let outcome = call.deadline.within(work).await;
        v0_1::label_page(self.finish(call, "list-labels", outcome)?)
    }

    fn endpoint(&self) -> types::Endpoint {
        v0_1::endpoint(&self.bound)
    }

    async fn begin(&self, function: &'static str) -> Result<Call, PluginError> {
        let limits = &self.inner.limits;
        self.package.trouble.check(&self.bound.provider, Instant::now())?;
        let allowance = Allowance {
            provider: self.bound.provider.clone(),
            function,
            bound: Some(self.bound.clone()),
            budgets: self.client.budgets().clone(),
            time: Duration::from_millis(limits.call_ms),
            memory: limits.memory,
            requests: limits.requests,
            log_lines: limits.log_lines,
        };
        let begun = Call::begin(&self.inner.engine, &self.package.pre, allowance).await;
        begun.inspect_err(|error| self.note(error))
    }

    /// Ends a call and keeps count of how the adapter does.
    fn end<T>(&self, call: Call, outcome: Outcome<T>) -> Result<(T, Option<Tripped>), PluginError> {
        let ended = call.finish(outcome);
        match &ended {
            Ok(_) => self.package.trouble.note(None, Instant::now()),
            Err(error) => self.note(error),
        }
        ended
    }

    fn note(&self, error: &PluginError) {
        tracing::warn!(provider = self.bound.provider, endpoint = self.bound.id, %error, "call");
        self.package.trouble.note(Some(error), Instant::now());
    }

    fn finish<T>(
        &self,
        call: Call,
        function: &'static str,
        outcome: Outcome<Result<T, types::Error>>,
    ) -> Result<T, PluginError> {
        let (result, tripped) = self.end(call, outcome)?;
        result.map_err(|error| self.error(error, function, tripped))
    }

    fn error(
        &self,
        error: types::Error,
        function: &'static str,
        tripped: Option<Tripped>,
    ) -> PluginError {
        v0_1::error(error, (&self.bound.provider, function), tripped)
    }
}

/// The grant's headers with the secret in them.
fn grant(bound: &Bound, grant: GuestGrant) -> Result<Grant, PluginError> {
    let given = bound.account.authority(grant.auth, &grant.headers);
    let authority = given.map_err(|why| v0_1::malformed(&format!("its grant: {why}")))?;
    let mut headers = Vec::with_capacity(authority.headers.len());
    for (name, value) in &authority.headers {
        let text = value.to_str().map_err(|_| {
            v0_1::malformed(&format!("the header `{name}` of its grant is no ASCII text"))
        })?;
        headers.push((name.as_str().to_owned(), Secret::new(text.to_owned())));
    }
    let carries = match authority.carries {
        Carries::Secret => HostUse::Credentials,
        Carries::Token => HostUse::Signed,
        // A header of the guest's own may be a token.
        Carries::Nothing if !headers.is_empty() => HostUse::Signed,
        Carries::Nothing => HostUse::Data,
    };
    let expires = grant.expires.map(v0_1::instant).transpose()?;
    Ok(Grant { headers: headers.into(), carries, expires })
}

#[cfg(test)]
mod tests {
    use portolan_bindings::v0_1::portolan::adapter::http::{Auth, Header, HeaderValue};

    use super::*;
    use crate::plugin::testing;

    #[test]
    fn grants_say_what_they_carry() {
        let bound = testing::bound("https://registry.example", Some("s3cret"));
        let plain = Header { name: "X-Token".to_owned(), value: HeaderValue::Plain(b"t".to_vec()) };
        let cases = [
            (Auth::Anonymous, Vec::new(), (HostUse::Data, 0)),
            (Auth::Anonymous, vec![plain.clone()], (HostUse::Signed, 1)),
            (Auth::Bearer("t".to_owned()), vec![plain], (HostUse::Signed, 2)),
            (Auth::Basic, Vec::new(), (HostUse::Credentials, 1)),
        ];
        for (auth, headers, wanted) in cases {
            let given = GuestGrant { auth, headers, expires: Some(0), extra: Vec::new() };
            let grant = grant(&bound, given).unwrap();
            assert_eq!((grant.carries, grant.headers.len()), wanted);
            assert_eq!(grant.expires.unwrap().unix_timestamp(), 0);
        }
        let far = GuestGrant {
            auth: Auth::Anonymous,
            headers: Vec::new(),
            expires: Some(u64::MAX),
            extra: Vec::new(),
        };
        assert!(grant(&bound, far).is_err());
    }
}
