//! `/api/v2.0/registries`: endpoints under Harbor's name (contract 1.10, 2).

use axum::http::Uri;
use portolan_core::id::EndpointId;

use super::wire::{
    adapter::RegistryInfo,
    registry::{NewRegistry, Pinged, Registry, RegistryPing, RegistryUpdate},
};
use crate::api::{
    auth::Access,
    extract::{Ids, Json},
    paging::Listing,
    respond::{Answer, ApiError, created, json, nothing},
};

/// `GET /registries`: every endpoint but Local, by ascending id.
pub(crate) async fn list(access: Access, listing: Listing) -> Answer {
    let host = access.viewer().await?;
    let found = host.find_endpoints(listing.of(&listing.query()?)).await?;
    listing.page(&found, |endpoint| Registry::from(endpoint))
}

/// `POST /registries`: saved only when the registry can be reached with these credentials.
pub(crate) async fn create(access: Access, uri: Uri, Json(body): Json<NewRegistry>) -> Answer {
    let host = access.admin().await?;
    let (spec, credentials) = body.check()?;
    let endpoint = host.create_endpoint(spec, credentials).await?;
    Ok(created(&uri, endpoint.id))
}

/// `GET /registries/{id}`; 0 is Local.
pub(crate) async fn show(access: Access, Ids([id]): Ids<1>) -> Answer {
    let endpoint = access.viewer().await?.endpoint(EndpointId(id)).await?;
    Ok(json(&Registry::from(&endpoint)))
}

/// `PUT /registries/{id}`: a merge, tested before it is stored. An unknown id is told first.
pub(crate) async fn update(
    access: Access,
    Ids([id]): Ids<1>,
    Json(body): Json<RegistryUpdate>,
) -> Answer {
    let host = access.admin().await?;
    let id = EndpointId(id);
    if id == EndpointId::LOCAL {
        return Err(ApiError::not_found(
            "the registry 0 is Local: it is set in the configuration file and cannot be changed here",
        ));
    }
    host.endpoint(id).await?;
    host.update_endpoint(id, body.check()?).await?;
    Ok(nothing())
}

/// `DELETE /registries/{id}`: refused while a policy names it.
pub(crate) async fn delete(access: Access, Ids([id]): Ids<1>) -> Answer {
    access.admin().await?.delete_endpoint(EndpointId(id)).await?;
    Ok(nothing())
}

/// `POST /registries/ping`: Test Connection; nothing is stored.
pub(crate) async fn ping(access: Access, Json(body): Json<RegistryPing>) -> Answer {
    let host = access.admin().await?;
    match body.check()? {
        Pinged::Stored(id, change) => host.check_stored_endpoint(id, *change).await?,
        Pinged::Given(spec, credentials) => host.check_settings(&spec, &credentials).await?,
    };
    Ok(nothing())
}

/// `GET /registries/{id}/info`: what a rule may use of it; labels are asked for live.
pub(crate) async fn info(access: Access, Ids([id]): Ids<1>) -> Answer {
    let id = EndpointId(id);
    let info = access.viewer().await?.endpoint_info(id).await?;
    Ok(json(&RegistryInfo::new(info, id == EndpointId::LOCAL)))
}

/// `ping` where an id belongs, with a method that only an id has.
pub(crate) async fn ping_is_no_id() -> ApiError {
    ApiError::unprocessable("id in path must be of type int64: \"ping\"")
}
