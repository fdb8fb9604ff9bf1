//! Endpoints beyond Harbor's words: with the reason of their health, saved although they are down,
//! and what is at them.

use axum::{
    extract::Path,
    http::{StatusCode, Uri, header},
};
use portolan_core::{
    id::EndpointId,
    provider::{ArtifactEntry, RepositoryEntry},
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

use crate::{
    api::{
        auth::Access,
        extract::{Ids, Json, Parameter, Query, path_id},
        harbor::wire::registry::{NewRegistry, Registry, RegistryUpdate},
        paging::Listing,
        respond::{Answer, ApiError, json, json_as, set},
    },
    host::BrowsePage,
};

/// Rows of one page where the client says nothing.
const USUAL: usize = 100;
/// Most rows of one page.
const MOST: usize = 1_000;
/// Longest prefix or repository name that is asked for, in bytes.
const MAX_NAME: usize = 1_024;

/// `GET /endpoints`: pages, `q` and `sort` as for `/api/v2.0/registries`.
pub(crate) async fn list(access: Access, listing: Listing) -> Answer {
    let host = access.viewer().await?;
    let found = host.find_endpoints(listing.of(&listing.query()?)).await?;
    listing.page(&found, |endpoint| Registry::from(endpoint))
}

/// `GET /endpoints/{id}`; 0 is Local.
pub(crate) async fn show(access: Access, Ids([id]): Ids<1>) -> Answer {
    let endpoint = access.viewer().await?.endpoint(EndpointId(id)).await?;
    Ok(json(&Registry::from(&endpoint)))
}

/// A registry's body with `unchecked`: whether it is saved although it does not work.
#[derive(Default, Deserialize)]
pub(crate) struct Unchecked<T> {
    #[serde(default)]
    unchecked: bool,
    #[serde(flatten)]
    registry: T,
}

impl Parameter for Unchecked<NewRegistry> {
    const NAME: &'static str = NewRegistry::NAME;
}

impl Parameter for Unchecked<RegistryUpdate> {
    const NAME: &'static str = RegistryUpdate::NAME;
}

/// `POST /endpoints`: 201 with the endpoint. With `unchecked`, one that does not work is saved as
/// unhealthy with the reason; settings that cannot be are refused all the same.
pub(crate) async fn create(
    access: Access,
    uri: Uri,
    Json(body): Json<Unchecked<NewRegistry>>,
) -> Answer {
    let host = access.admin().await?;
    let (spec, credentials) = body.registry.check()?;
    let endpoint = match body.unchecked {
        true => host.create_endpoint_unchecked(spec, credentials).await?,
        false => host.create_endpoint(spec, credentials).await?,
    };
    let mut response = json_as(StatusCode::CREATED, &Registry::from(&endpoint));
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), endpoint.id);
    set(&mut response, header::LOCATION, &location);
    Ok(response)
}

/// `PUT /endpoints/{id}`: a merge, as for `/api/v2.0/registries/{id}`, with `unchecked`.
pub(crate) async fn update(
    access: Access,
    Ids([id]): Ids<1>,
    Json(body): Json<Unchecked<RegistryUpdate>>,
) -> Answer {
    let host = access.admin().await?;
    let id = EndpointId(id);
    if id == EndpointId::LOCAL {
        return Err(ApiError::not_found(
            "the endpoint 0 is Local: it is set in the configuration file and cannot be changed here",
        ));
    }
    host.endpoint(id).await?;
    let change = body.registry.check()?;
    let endpoint = match body.unchecked {
        true => host.update_endpoint_unchecked(id, change).await?,
        false => host.update_endpoint(id, change).await?,
    };
    Ok(json(&Registry::from(&endpoint)))
}

#[derive(Serialize)]
struct Repositories {
    repositories: Vec<RepositoryRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct RepositoryRow {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<bool>,
}

impl From<RepositoryEntry> for RepositoryRow {
    fn from(entry: RepositoryEntry) -> Self {
        Self { name: entry.name, private: entry.private }
    }
}

/// `GET /endpoints/{id}/repositories?prefix=&page_token=&limit=`.
pub(crate) async fn repositories(access: Access, Ids([id]): Ids<1>, query: Query) -> Answer {
    let limit = query.limit(USUAL, MOST)?;
    let prefix = query.text("prefix").map(name).transpose()?;
    let host = access.viewer().await?;
    let token = query.text("page_token");
    let page = host.browse_repositories(EndpointId(id), prefix, token, limit).await?;
    let BrowsePage { items, next } = page;
    let repositories = items.into_iter().map(RepositoryRow::from).collect();
    Ok(json(&Repositories { repositories, next_page_token: next }))
}

#[derive(Serialize)]
struct Artifacts {
    artifacts: Vec<ArtifactRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// What the listing tells, and no more: nothing is asked for each artifact.
#[derive(Serialize)]
struct ArtifactRow {
    digest: Option<String>,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", with = "rfc3339::option")]
    pushed: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
}

impl From<ArtifactEntry> for ArtifactRow {
    fn from(entry: ArtifactEntry) -> Self {
        Self {
            digest: entry.digest.map(|it| it.to_string()),
            tags: entry.tags,
            media_type: entry.media_type.map(|it| it.to_string()),
            artifact_type: entry.artifact_type,
            size: entry.size,
            pushed: entry.pushed,
            labels: entry.labels,
            subject: entry.subject.map(|it| it.to_string()),
        }
    }
}

/// `GET /endpoints/{id}/repositories/{name}/artifacts?page_token=&limit=`; slashes of the name are
/// written `%2F`.
pub(crate) async fn artifacts(
    access: Access,
    Path((id, repository)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let (id, repository) = (path_id(&id)?, name(&repository)?);
    let limit = query.limit(USUAL, MOST)?;
    let host = access.viewer().await?;
    let token = query.text("page_token");
    let page = host.browse_artifacts(EndpointId(id), &repository, token, limit).await?;
    let BrowsePage { items, next } = page;
    let artifacts = items.into_iter().map(ArtifactRow::from).collect();
    Ok(json(&Artifacts { artifacts, next_page_token: next }))
}

#[derive(Serialize)]
struct Detail {
    digest: String,
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifests: Option<usize>,
}

/// `GET /endpoints/{id}/repositories/{name}/artifacts/{reference}`: what a listing may not tell.
pub(crate) async fn artifact(
    access: Access,
    Path((id, repository, reference)): Path<(String, String, String)>,
) -> Answer {
    let (id, repository, reference) = (path_id(&id)?, name(&repository)?, name(&reference)?);
    let host = access.viewer().await?;
    let found = host.browse_artifact(EndpointId(id), &repository, &reference).await?;
    Ok(json(&Detail {
        digest: found.digest.to_string(),
        media_type: found.media_type.to_string(),
        size: found.size,
        manifests: (found.manifests > 0).then_some(found.manifests),
    }))
}

fn name(text: &str) -> Result<String, ApiError> {
    if text.len() > MAX_NAME || text.chars().any(char::is_control) {
        let rule = format!("a repository's name or prefix has at most {MAX_NAME} bytes");
        return Err(ApiError::unprocessable(rule));
    }
    Ok(text.to_owned())
}
