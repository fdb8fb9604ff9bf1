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
        auth::{self, Access, Kind, Who},
        extract::{Ids, Json, Parameter},
        respond::{Answer, ApiError, json, nothing},
    },
    error::Error,
    host::{Host, TokenSpec},
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
        created_by: maker(host, access.somebody().await?).await?,
        expires: body.expires,
        digest: auth::digest(&secret),
    };
    let token = host.create_token(spec).await?;
    Ok(made(&uri, token.id.0, &Made { token: &token, secret: secret.expose() }))
}

/// Whoever a new token goes with: for a token, whoever made that one, so that a chain of tokens
/// ends with its user.
async fn maker(host: &Host, who: &Who) -> Result<String, Error> {
    let Kind::Token(id) = who.kind else { return Ok(who.name.clone()) };
    let tokens = host.tokens().await?;
    let own = tokens.into_iter().find(|token| token.id == id);
    Ok(own.map_or_else(|| who.name.clone(), |token| token.created_by))
}

/// `DELETE /tokens/{id}`: refused from the next request on.
pub(crate) async fn delete(access: Access, Ids([id]): Ids<1>) -> Answer {
    access.admin().await?.delete_token(TokenId(id)).await?;
    Ok(nothing())
}
