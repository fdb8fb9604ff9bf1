//! What Harbor has and Portolan does not: projects, their repositories, labels, a registry of its
//! own (contract 1.11, 4.5). Each answers as a Harbor without any, so that clients and other
//! Harbors that look around first find nothing rather than an error.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use portolan_core::page::Field;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    api::{
        auth::Access,
        extract::{Json, Parameter, Query},
        paging::Listing,
        respond::{Answer, ApiError, json as answer, set},
    },
    error::{Code, Error},
};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// `GET /projects` and `GET /repositories`: there are none.
pub(crate) async fn none(listing: Listing) -> Answer {
    listing.answer(Vec::<()>::new(), "", no_column, |()| Value::Null)
}

/// `HEAD /projects`: no project has the name that is asked for.
pub(crate) async fn no_project() -> ApiError {
    ApiError::not_found("there are no projects here")
}

fn no_column<'r>((): &'r (), _key: &str) -> Option<Field<'r>> {
    None
}

/// Body of `POST /projects`.
#[derive(Default, Deserialize)]
pub(crate) struct NewProject {
    project_name: Option<String>,
}

impl Parameter for NewProject {
    const NAME: &'static str = "project";
}

/// `POST /projects`: 409, which a Harbor that makes sure of a project before it pushes takes for
/// good. That nothing can be pushed to, `/v2/` says.
pub(crate) async fn create_project(access: Access, Json(body): Json<NewProject>) -> Answer {
    access.admin().await?;
    let name = body.project_name.unwrap_or_default();
    if name.is_empty() {
        return Err(ApiError::invalid("the name of the project is missing"));
    }
    let why = "projects are not kept here: name the registry that has them as an endpoint";
    Err(Error::new(Code::Conflict, why).into())
}

/// `GET /labels`: none of `scope` `g`; those of a project need one.
pub(crate) async fn labels(access: Access, query: Query, listing: Listing) -> Answer {
    access.viewer().await?;
    match query.text("scope").unwrap_or_default() {
        "g" => none(listing).await,
        "p" => Err(ApiError::invalid("labels of a project need a project, and there is none")),
        _ => Err(ApiError::invalid("invalid scope: use g")),
    }
}

#[derive(Default, Serialize)]
struct Statistics {
    private_project_count: i64,
    private_repo_count: i64,
    public_project_count: i64,
    public_repo_count: i64,
    total_project_count: i64,
    total_repo_count: i64,
    total_storage_consumption: i64,
}

/// `GET /statistics`: of projects and repositories, so all zero.
pub(crate) async fn statistics(access: Access) -> Answer {
    access.viewer().await?;
    Ok(answer(&Statistics::default()))
}

/// `GET /v2/`: the first request of every registry client. A login is checked, so that another
/// Harbor can test its connection; there is no repository below it.
pub(crate) async fn registry(access: Access) -> Result<Response, ApiError> {
    let mut response = match access.who().await? {
        Some(_) => answer(&json!({})),
        None => {
            let mut refusal = ApiError::unauthorized().into_response();
            let challenge = HeaderValue::from_static("Basic realm=\"portolan\"");
            refusal.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            refusal
        }
    };
    set(&mut response, API_VERSION, "registry/2.0");
    Ok(response)
}
