//! Endpoints: tested, then stored.

use portolan_core::{
    endpoint::{self, Credentials, Endpoint, EndpointChange, EndpointSpec, Health},
    id::EndpointId,
    policy::Policy,
    provider::HealthReport,
};
use time::OffsetDateTime;

use super::{EndpointInfo, Host, change, failure::plugin_code};
use crate::{
    error::{Code, Error},
    plugin::Adapter,
    store::StoreError,
};

/// Most pages of labels asked for.
const LABEL_PAGES: usize = 20;
/// Most times a change is applied anew because somebody else was faster.
const UPDATES: u32 = 5;

impl Host {
    /// Test Connection for settings that are not stored.
    ///
    /// # Errors
    /// `Invalid` for settings that cannot be, `Unreachable`, `Unauthenticated` or `Forbidden` for
    /// a registry that does not work, `PluginFault` for an adapter that misbehaves.
    pub async fn check_settings(
        &self,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<HealthReport, Error> {
        change::check(spec, credentials)?;
        let connections = self.shared.engine.connections();
        let health = match connections.bind_unsaved(spec, credentials).await {
            Ok(adapter) => health_of(&adapter, spec).await,
            Err(error) => Err(self.unbound(error).await),
        };
        connections.forget_unsaved();
        health
    }

    /// Test Connection for a stored endpoint, with a change of its provider or credentials tried
    /// on it. Id 0 is Local.
    ///
    /// # Errors
    /// `NotFound`, or as [`check_settings`](Self::check_settings).
    pub async fn check_stored_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<HealthReport, Error> {
        let (spec, credentials) = self.stored_settings(id).await?;
        let (spec, credentials) = change.apply(spec, credentials);
        self.check_settings(&spec, &credentials).await
    }

    /// Tests the connection, then stores the endpoint.
    ///
    /// # Errors
    /// As [`check_settings`](Self::check_settings); `Conflict` where the name is taken.
    pub async fn create_endpoint(
        &self,
        spec: EndpointSpec,
        credentials: Credentials,
    ) -> Result<Endpoint, Error> {
        let (spec, credentials) = spec.settled(credentials);
        change::check_named(&spec, &credentials)?;
        self.check_settings(&spec, &credentials).await?;
        self.store_endpoint(spec, credentials, Health::Healthy).await
    }

    /// Tests the connection, and stores the endpoint whatever the registry says: where it does not
    /// work, as unhealthy with the reason.
    ///
    /// # Errors
    /// `Invalid` for settings that cannot be, `Conflict` where the name is taken.
    pub async fn create_endpoint_unchecked(
        &self,
        spec: EndpointSpec,
        credentials: Credentials,
    ) -> Result<Endpoint, Error> {
        let (spec, credentials) = spec.settled(credentials);
        change::check_named(&spec, &credentials)?;
        let health = self.health_as_found(&spec, &credentials).await?;
        self.store_endpoint(spec, credentials, health).await
    }

    /// What a test says, where the registry or the network is at fault; an error where the
    /// settings are.
    async fn health_as_found(
        &self,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Health, Error> {
        let Err(error) = self.check_settings(spec, credentials).await else {
            return Ok(Health::Healthy);
        };
        match error.code() {
            Code::Unreachable | Code::Unauthenticated | Code::Forbidden | Code::PluginFault => {
                Ok(Health::Unhealthy(error.to_string()))
            }
            _ => Err(error),
        }
    }

    /// Stores an endpoint that nobody tested: for one-shot work that will find out by itself.
    pub(crate) async fn store_endpoint(
        &self,
        spec: EndpointSpec,
        credentials: Credentials,
        health: Health,
    ) -> Result<Endpoint, Error> {
        change::check_named(&spec, &credentials)?;
        let now = OffsetDateTime::now_utc();
        Ok(self.store.create_endpoint(spec, credentials, health, now).await?)
    }

    /// Every endpoint by ascending id, without Local.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        Ok(self.store.endpoints().await?)
    }

    /// One endpoint; id 0 is Local.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn endpoint(&self, id: EndpointId) -> Result<Endpoint, Error> {
        if id == EndpointId::LOCAL {
            return self.local_endpoint();
        }
        Ok(self.store.endpoint(id).await?)
    }

    /// What the endpoint's adapter can do; asks the registry for labels, and for what it holds where
    /// the provider has several types.
    ///
    /// # Errors
    /// `NotFound`, or as [`check_settings`](Self::check_settings) where the registry does not
    /// answer.
    pub async fn endpoint_info(&self, id: EndpointId) -> Result<EndpointInfo, Error> {
        let adapter = self.shared.engine.connections().adapter(id).await?;
        let (mut labels, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..LABEL_PAGES {
            let page = adapter.list_labels(cursor.as_deref()).await?;
            labels.extend(page.items);
            if page.next.is_none() || page.next == cursor {
                break;
            }
            cursor = page.next;
        }
        let mut info = adapter.info().clone();
        info.resources = adapter.resources().await;
        Ok(EndpointInfo { adapter: info, labels })
    }

    /// Applies a change, tests the connection, and stores the result. Where somebody else changed
    /// the endpoint meanwhile, the change is applied to, and tested with, what they made of it.
    ///
    /// # Errors
    /// `NotFound`, also for Local; `Conflict`; or as [`check_settings`](Self::check_settings).
    pub async fn update_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Endpoint, Error> {
        self.change_endpoint(id, change, true).await
    }

    /// The same, stored whatever the registry says: where it does not work, as unhealthy with the
    /// reason.
    ///
    /// # Errors
    /// `NotFound`, also for Local; `Conflict`; `Invalid` for settings that cannot be.
    pub async fn update_endpoint_unchecked(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Endpoint, Error> {
        self.change_endpoint(id, change, false).await
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
        must_work: bool,
    ) -> Result<Endpoint, Error> {
        let store = &self.store;
        let mut tries = 1;
        loop {
            let (seen, credentials) = store.endpoint_with_credentials(id).await?;
            let (spec, credentials) = change.clone().apply(seen.spec.clone(), credentials);
            change::check_named(&spec, &credentials)?;
            let health = if must_work {
                self.check_settings(&spec, &credentials).await?;
                Health::Healthy
            } else {
                self.health_as_found(&spec, &credentials).await?
            };
            let now = OffsetDateTime::now_utc();
            match store.update_endpoint(&seen, spec, credentials, health, now).await {
                Err(StoreError::Changed { .. }) if tries < UPDATES => tries += 1,
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Deletes an endpoint.
    ///
    /// # Errors
    /// `Precondition` while a policy names it; `NotFound`, also for Local.
    pub async fn delete_endpoint(&self, id: EndpointId) -> Result<(), Error> {
        if id == EndpointId::LOCAL {
            self.check_local_is_unused().await?;
        }
        self.store.delete_endpoint(id).await?;
        self.shared.engine.connections().forget(id);
        self.shared.engine.forget_endpoint(id);
        Ok(())
    }

    /// Local is stored nowhere, and so cannot be deleted; that a rule names it is told first.
    async fn check_local_is_unused(&self) -> Result<(), Error> {
        let policies = self.store.policies().await?;
        let names_local = |policy: &&Policy| {
            let Policy { spec, .. } = policy;
            spec.source == EndpointId::LOCAL
                || spec.destinations.iter().any(|to| to.endpoint == EndpointId::LOCAL)
        };
        match policies.iter().find(names_local) {
            None => Ok(()),
            Some(policy) => Err(Error::new(
                Code::Precondition,
                format!("the endpoint `Local` is used by a policy (id {})", policy.id),
            )),
        }
    }

    /// An endpoint's settings with its secrets; 0 is Local.
    pub(super) async fn stored_settings(
        &self,
        id: EndpointId,
    ) -> Result<(EndpointSpec, Credentials), Error> {
        if id == EndpointId::LOCAL {
            let local = self.shared.engine.connections().local();
            let missing = || {
                Error::new(Code::Invalid, "no local registry is configured: add a [local] section")
            };
            return local.cloned().ok_or_else(missing);
        }
        let (endpoint, credentials) = self.store.endpoint_with_credentials(id).await?;
        Ok((endpoint.spec, credentials))
    }

    fn local_endpoint(&self) -> Result<Endpoint, Error> {
        let configured = self.shared.engine.connections().local();
        let (spec, credentials) = configured.cloned().map_or_else(change::no_local, Ok)?;
        let health = if configured.is_some() {
            Health::Healthy
        } else {
            Health::Unhealthy("no local registry is configured".to_owned())
        };
        Ok(Endpoint {
            id: EndpointId::LOCAL,
            spec,
            has_secret: credentials.access_secret.is_some(),
            generation: 0,
            health,
            created: endpoint::NEVER,
            updated: endpoint::NEVER,
        })
    }
}

/// Runs the health check and says on which endpoint it failed.
async fn health_of(adapter: &Adapter, spec: &EndpointSpec) -> Result<HealthReport, Error> {
    adapter.check_health().await.map_err(|error| {
        let gap = if spec.name.is_empty() { "" } else { " " };
        let unhealthy = format!("the endpoint{gap}{} at {} is unhealthy", spec.name, spec.url);
        Error::new(plugin_code(&error), format!("{unhealthy}: {error}"))
    })
}
