//! Tokens: list, make, delete. The text of one is shown once, when it is made.

use axum::http::Uri;
use portolan_core::{
    account::{AccountName, Role, Token},
    id::TokenId,
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::users::made;
use crate::{
    api::{
        auth::{self, Access},
        extract::{Ids, Json, Parameter},
        respond::{Answer, ApiError, json, nothing},
    },
    host::TokenSpec,
};

/// What every token begins with, so that scanners for leaked secrets know one.
const PREFIX: &str = "portolan_";

/// `GET /tokens`, by ascending id.
pub(crate) async fn list(access: Access) -> Answer {
    Ok(json(&access.admin().await?.tokens().await?))
}

/// Body of `POST /tokens`.
#[derive(Default, Deserialize)]
pub(crate) struct NewToken {
    #[serde(default)]
    name: String,
    role: Option<Role>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires: Option<OffsetDateTime>,
}

impl Parameter for NewToken {
    const NAME: &'static str = "token";
}

/// A new token with its text: the only answer that ever has it.
#[derive(Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    token: &'a Token,
    secret: &'a str,
}

/// `POST /tokens`: 201 with the text. Without a role: a viewer.
pub(crate) async fn create(access: Access, uri: Uri, Json(body): Json<NewToken>) -> Answer {
    let host = access.admin().await?;
    let name: AccountName = body.name.parse().map_err(ApiError::invalid)?;
    let secret = Secret::new(format!("{PREFIX}{}", auth::random()?.expose()));
    let spec = TokenSpec {
        name,
        role: body.role.unwrap_or(Role::Viewer),
        created_by: access.somebody().await?.name.clone(),
        expires: body.expires,
        digest: auth::digest(&secret),
    };
    let token = host.create_token(spec).await?;
    Ok(made(&uri, token.id.0, &Made { token: &token, secret: secret.expose() }))
}

/// `DELETE /tokens/{id}`: refused from the next request on.
pub(crate) async fn delete(access: Access, Ids([id]): Ids<1>) -> Answer {
    access.admin().await?.delete_token(TokenId(id)).await?;
    Ok(nothing())
}
