//! `/api/v2.0/replication/policies` and the adapter listings (contract 1.10, 3).

use std::collections::{BTreeSet, HashMap};

use axum::http::Uri;
use portolan_core::{
    id::{EndpointId, PolicyId},
    policy::Policy,
};
use time::OffsetDateTime;

use super::wire::{
    adapter,
    policy::{PolicyBody, PolicyWire},
    registry::Registry,
};
use crate::{
    api::{
        auth::Access,
        extract::{Ids, Json},
        paging::Listing,
        respond::{Answer, ApiError, created, json, nothing},
    },
    host::Host,
};

/// Endpoints as policies show them.
struct Registries(HashMap<EndpointId, Registry>);

impl Registries {
    /// Reads the endpoints that `policies` name: all at once, and Local where it is one of them.
    async fn of(host: &Host, policies: &[Policy]) -> Result<Self, ApiError> {
        let named: BTreeSet<EndpointId> = policies
            .iter()
            .flat_map(|policy| {
                let destinations = policy.spec.destinations.iter().map(|to| to.endpoint);
                destinations.chain([policy.spec.source])
            })
            .collect();
        let ids: Vec<EndpointId> = named.iter().copied().collect();
        let mut endpoints = host.endpoints_among(&ids).await?;
        if named.contains(&EndpointId::LOCAL) {
            endpoints.push(host.endpoint(EndpointId::LOCAL).await?);
        }
        let shown = endpoints.iter().map(|endpoint| (endpoint.id, Registry::from(endpoint)));
        Ok(Self(shown.collect()))
    }

    fn show(&self, id: EndpointId) -> Registry {
        self.0.get(&id).cloned().unwrap_or_else(|| Registry::gone(id))
    }
}

/// `GET /replication/policies`: newest first.
pub(crate) async fn list(access: Access, listing: Listing) -> Answer {
    let host = access.viewer().await?;
    let found = host.find_policies(listing.of(&listing.query()?)).await?;
    let registries = Registries::of(host, &found.rows).await?;
    let now = OffsetDateTime::now_utc();
    listing.page(&found, |policy| PolicyWire::new(policy, now, |id| registries.show(id)))
}

/// `POST /replication/policies`.
pub(crate) async fn create(access: Access, uri: Uri, Json(body): Json<PolicyBody>) -> Answer {
    let host = access.admin().await?;
    let policy = host.create_policy(body.check(None)?).await?;
    Ok(created(&uri, policy.id))
}

/// `GET /replication/policies/{id}`.
pub(crate) async fn show(access: Access, Ids([id]): Ids<1>) -> Answer {
    let host = access.viewer().await?;
    let policy = host.policy(PolicyId(id)).await?;
    let registries = Registries::of(host, std::slice::from_ref(&policy)).await?;
    let now = OffsetDateTime::now_utc();
    Ok(json(&PolicyWire::new(&policy, now, |id| registries.show(id))))
}

/// `PUT /replication/policies/{id}`: full replacement.
pub(crate) async fn update(
    access: Access,
    Ids([id]): Ids<1>,
    Json(body): Json<PolicyBody>,
) -> Answer {
    let host = access.admin().await?;
    let id = PolicyId(id);
    let current = host.policy(id).await?;
    host.update_policy(id, body.check(Some(&current.spec))?).await?;
    Ok(nothing())
}

/// `DELETE /replication/policies/{id}`: with its history, unless a run is not final.
pub(crate) async fn delete(access: Access, Ids([id]): Ids<1>) -> Answer {
    access.admin().await?.delete_policy(PolicyId(id)).await?;
    Ok(nothing())
}

/// `GET /replication/adapters`: providers in byte order.
pub(crate) async fn adapters(access: Access) -> Answer {
    let adapters = access.viewer().await?.providers();
    Ok(json(&adapter::names(adapters)))
}

/// `GET /replication/adapterinfos`: what the New Endpoint form offers.
pub(crate) async fn adapter_infos(access: Access) -> Answer {
    let adapters = access.viewer().await?.providers();
    Ok(json(&adapter::patterns(adapters)))
}
