//! Authority for requests: which scopes an operation needs, the grants that were given, and how
//! they are put on a request. Where tokens come from is the [`super::Authorizer`]'s matter.

use std::{collections::HashMap, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use portolan_core::{
    oci::{Challenge, Repository},
    provider::{Action, Grant, HostUse, Scope},
};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use url::Url;

use super::{DistributionError, Remote};
use crate::net::Purpose;

/// How long before its end a grant is renewed.
const EARLY: Duration = Duration::seconds(15);

/// Most sets of scopes remembered for one repository.
const MAX_GRANTS: usize = 64;

/// The grants of one repository by the scopes they were asked for.
#[derive(Default)]
pub(super) struct Grants {
    // Held while asking: those who want the same grant wait for it instead of asking too.
    by_scopes: Mutex<HashMap<Vec<Scope>, Grant>>,
}

/// A grant that was not enough or has ended, and what the registry asked for.
pub(super) struct Denied {
    pub(super) grant: Grant,
    pub(super) challenge: Challenge,
}

impl Remote {
    /// Scopes to read the repository.
    pub(super) fn pull(&self) -> Vec<Scope> {
        vec![scope(&self.target.repository, &[Action::Pull])]
    }

    /// Scopes to write to the repository.
    pub(super) fn push(&self) -> Vec<Scope> {
        vec![scope(&self.target.repository, &[Action::Pull, Action::Push])]
    }

    /// Scopes to mount a blob of `from`.
    pub(super) fn mount(&self, from: &Repository) -> Vec<Scope> {
        vec![
            scope(from, &[Action::Pull]),
            scope(&self.target.repository, &[Action::Pull, Action::Push]),
        ]
    }

    /// Authority for `scopes`: one that is there and lasts, or a new one. With `denied`, one that
    /// another request fetched meanwhile is tried before the authorizer is asked again.
    pub(super) async fn grant(
        &self,
        scopes: &[Scope],
        denied: Option<&Denied>,
    ) -> Result<Grant, DistributionError> {
        let mut grants = self.grants.by_scopes.lock().await;
        let usable = |grant: &&Grant| {
            let lasts = grant.expires.is_none_or(|end| end - EARLY > OffsetDateTime::now_utc());
            lasts && denied.is_none_or(|old| !Arc::ptr_eq(&old.grant.headers, &grant.headers))
        };
        if let Some(grant) = grants.get(scopes).filter(usable) {
            return Ok(grant.clone());
        }
        let challenge = denied.map(|denied| &denied.challenge);
        let grant = self.authorizer.authorize(scopes, challenge).await?;
        if grants.len() >= MAX_GRANTS {
            grants.clear();
        }
        grants.insert(scopes.to_vec(), grant.clone());
        Ok(grant)
    }

    /// Forgets what was granted for `scopes`: it was refused where that could not be answered.
    pub(super) async fn forget(&self, scopes: &[Scope]) {
        self.grants.by_scopes.lock().await.remove(scopes);
    }

    /// Puts a grant on a request. Another origin than the registry's (an upload's Location) gets
    /// it only where the egress rules say so, and a bare request otherwise.
    pub(super) fn apply(
        &self,
        grant: &Grant,
        url: &Url,
        headers: &mut HeaderMap,
    ) -> Result<Purpose, DistributionError> {
        let purpose = Purpose::Data { carries: grant.carries };
        let home = url.origin() == self.target.base_url.origin();
        if !home && self.client.egress().check(url, purpose).is_err() {
            return Ok(Purpose::Data { carries: HostUse::Data });
        }
        for (name, secret) in grant.headers.iter() {
            let unusable = || DistributionError::Authority {
                repository: self.target.repository.to_string(),
                why: format!("the header `{name}` that was granted cannot be sent"),
                may_pass: false,
            };
            let key = HeaderName::try_from(name.as_str()).map_err(|_| unusable())?;
            let mut value = HeaderValue::try_from(secret.expose()).map_err(|_| unusable())?;
            value.set_sensitive(true);
            headers.append(key, value);
        }
        Ok(purpose)
    }
}

fn scope(repository: &Repository, actions: &[Action]) -> Scope {
    Scope { repository: repository.clone(), actions: actions.to_vec() }
}
