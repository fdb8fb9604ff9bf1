//! Endpoints, their names, and which policies need them.
//!
//! Secrets are handed to `secrets` at once and stand in no record here.

use std::sync::Arc;

use portolan_core::{
    endpoint::{Credentials, Endpoint, EndpointSpec, Health},
    id::EndpointId,
};
use redb::ReadableTable;
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    meta::{Counter, next_id, take_ids},
    rows::{all, indexed, load, unreadable},
    secrets,
    tables::Tables,
};

const WHAT: &str = "endpoint";

impl Store {
    /// Stores an endpoint and its sealed secrets. `Conflict` when the name is taken.
    pub(crate) async fn create_endpoint(
        &self,
        spec: EndpointSpec,
        credentials: Credentials,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<Endpoint, StoreError> {
        let sealer = Arc::clone(&self.shared.sealer);
        let create = move |tables: &mut Tables<'_>| {
            free_name(tables, &spec.name, None)?;
            let id = next_id(tables, Counter::Endpoint)?;
            let sealed = secrets::seal(&sealer, id, 1, &credentials)?;
            take_ids(tables, Counter::Endpoint, 1)?;
            let endpoint = Endpoint {
                id: EndpointId(id),
                spec,
                has_secret: has_secret(&credentials),
                generation: 1,
                health,
                created: now,
                updated: now,
            };
            secrets::put(tables, id, sealed)?;
            put(tables, &endpoint)?;
            Ok(endpoint)
        };
        self.write(create).await
    }

    /// One endpoint, or `NotFound`.
    pub(crate) async fn endpoint(&self, id: EndpointId) -> Result<Endpoint, StoreError> {
        self.read(move |tables| load(&tables.endpoints, WHAT, id.0)).await
    }

    /// The unsealed secrets of an endpoint, or `NotFound`.
    pub(crate) async fn credentials(&self, id: EndpointId) -> Result<Credentials, StoreError> {
        let sealer = Arc::clone(&self.shared.sealer);
        self.read(move |tables| {
            let endpoint = load(&tables.endpoints, WHAT, id.0)?;
            secrets::load(&sealer, &tables.secrets, &endpoint)
        })
        .await
    }

    /// Every endpoint, by ascending id.
    pub(crate) async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read(|tables| all(&tables.endpoints)).await
    }

    /// Replaces what an administrator said. `credentials` replaces every secret. Counts the
    /// generation up when address, provider, access key or a secret changed. `Conflict` when the
    /// name is taken.
    pub(crate) async fn update_endpoint(
        &self,
        id: EndpointId,
        spec: EndpointSpec,
        credentials: Credentials,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<Endpoint, StoreError> {
        let sealer = Arc::clone(&self.shared.sealer);
        let update = move |tables: &mut Tables<'_>| {
            let old: Endpoint = load(&*tables.endpoints, WHAT, id.0)?;
            free_name(tables, &spec.name, Some(id))?;
            let known = secrets::load(&sealer, &*tables.secrets, &old)?;
            let changed = old.spec.url != spec.url
                || old.spec.provider != spec.provider
                || old.spec.access_key != spec.access_key
                || secrets::parts(&known) != secrets::parts(&credentials);
            let generation = old.generation + u64::from(changed);
            let sealed = secrets::seal(&sealer, id.0, generation, &credentials)?;
            let has_secret = has_secret(&credentials);
            tables.endpoint_names.remove(old.spec.name.as_str())?;
            let endpoint = Endpoint { spec, has_secret, generation, health, updated: now, ..old };
            secrets::put(tables, id.0, sealed)?;
            put(tables, &endpoint)?;
            Ok(endpoint)
        };
        self.write(update).await
    }

    /// Records what a check found; `updated` moves only where that is news.
    pub(crate) async fn set_health(
        &self,
        id: EndpointId,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let set = move |tables: &mut Tables<'_>| {
            let old: Endpoint = load(&*tables.endpoints, WHAT, id.0)?;
            if old.health == health {
                return Ok(());
            }
            tables.endpoints.put_json(id.0, &Endpoint { health, updated: now, ..old })
        };
        self.write(set).await
    }

    /// Deletes an endpoint and its secrets. `InUse` when a policy names it: checked in the same
    /// transaction.
    pub(crate) async fn delete_endpoint(&self, id: EndpointId) -> Result<(), StoreError> {
        let delete = move |tables: &mut Tables<'_>| {
            let endpoint: Endpoint = load(&*tables.endpoints, WHAT, id.0)?;
            let policies = indexed(&*tables.endpoint_policies, id.0)?;
            if !policies.is_empty() {
                let name = &endpoint.spec.name;
                let ids = policies.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                return Err(StoreError::InUse(format!(
                    "the endpoint `{name}` is used by {} (id {ids}); delete or change what uses \
                     it first",
                    if policies.len() == 1 { "a policy" } else { "policies" },
                )));
            }
            tables.endpoints.remove(id.0)?;
            tables.endpoint_names.remove(endpoint.spec.name.as_str())?;
            tables.secrets.remove(id.0)?;
            Ok(())
        };
        self.write(delete).await
    }
}

fn has_secret(credentials: &Credentials) -> bool {
    credentials.access_secret.as_ref().is_some_and(|secret| !secret.is_empty())
}

/// Checks that a name is nobody's, or its own.
fn free_name(tables: &Tables<'_>, name: &str, own: Option<EndpointId>) -> Result<(), StoreError> {
    match tables.endpoint_names.get(name).map_err(unreadable)? {
        Some(id) if Some(EndpointId(id.value())) != own => {
            Err(StoreError::Conflict { what: WHAT, name: name.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Stores the record and its name.
fn put(tables: &mut Tables<'_>, endpoint: &Endpoint) -> Result<(), StoreError> {
    tables.endpoint_names.put(endpoint.spec.name.as_str(), endpoint.id.0)?;
    tables.endpoints.put_json(endpoint.id.0, endpoint)
}
