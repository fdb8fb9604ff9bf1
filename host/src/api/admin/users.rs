//! Users: list, make, change, delete, and everybody's own password. A password is never shown.

use axum::http::{StatusCode, Uri, header};
use portolan_core::{
    account::{AccountName, Role, User},
    id::UserId,
    secret::Secret,
};
use serde::Deserialize;

use crate::{
    api::{
        auth::{Access, Kind},
        extract::{Ids, Json, Parameter},
        respond::{Answer, ApiError, json, json_as, nothing, set},
    },
    error::{Code, Error},
};

/// `GET /users`, by ascending id.
pub(crate) async fn list(access: Access) -> Answer {
    Ok(json(&access.admin().await?.users().await?))
}

/// Body of `POST /users`.
#[derive(Default, Deserialize)]
pub(crate) struct NewUser {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    role: Option<Role>,
}

impl Parameter for NewUser {
    const NAME: &'static str = "user";
}

/// `POST /users`: 201 with the user. Without a role: a viewer.
pub(crate) async fn create(access: Access, uri: Uri, Json(body): Json<NewUser>) -> Answer {
    let host = access.admin().await?;
    let name: AccountName = body.name.parse().map_err(ApiError::invalid)?;
    let hash = access.hash(body.password).await?;
    let user = host.create_user(name, body.role.unwrap_or(Role::Viewer), hash).await?;
    Ok(made(&uri, user.id.0, &user))
}

/// Body of `PUT /users/{id}`; what is absent stays.
#[derive(Default, Deserialize)]
pub(crate) struct UserUpdate {
    role: Option<Role>,
    password: Option<String>,
}

impl Parameter for UserUpdate {
    const NAME: &'static str = "user";
}

/// `PUT /users/{id}`: another role, another password, or both. Sessions end with the password.
pub(crate) async fn update(
    access: Access,
    Ids([id]): Ids<1>,
    Json(body): Json<UserUpdate>,
) -> Answer {
    let host = access.admin().await?;
    let hash = match body.password {
        Some(password) => Some(access.hash(password).await?),
        None => None,
    };
    let user: User = host.update_user(UserId(id), body.role, hash).await?;
    Ok(json(&user))
}

/// `DELETE /users/{id}`, with the tokens and sessions of that user.
pub(crate) async fn delete(access: Access, Ids([id]): Ids<1>) -> Answer {
    access.admin().await?.delete_user(UserId(id)).await?;
    Ok(nothing())
}

/// Body of `PUT /users/current/password`.
#[derive(Default, Deserialize)]
pub(crate) struct OwnPassword {
    #[serde(default)]
    old_password: String,
    #[serde(default)]
    new_password: String,
}

impl Parameter for OwnPassword {
    const NAME: &'static str = "password";
}

/// `PUT /users/current/password`: the old one is asked for again, since a session may be borrowed.
pub(crate) async fn change_own_password(access: Access, Json(body): Json<OwnPassword>) -> Answer {
    let host = access.viewer().await?;
    let who = access.somebody().await?;
    let Kind::User(id, _) = who.kind else {
        let why = "only a user has a password of its own; log in with one";
        return Err(Error::new(Code::Precondition, why).into());
    };
    let old = Secret::new(body.old_password);
    if access.log_in(&who.name, &old).await?.is_none() {
        return Err(ApiError::invalid("the old password is wrong"));
    }
    let hash = access.hash(body.new_password).await?;
    host.update_user(id, None, Some(hash)).await?;
    Ok(nothing())
}

/// 201 with what was made and where it is.
pub(super) fn made(uri: &Uri, id: u64, value: &impl serde::Serialize) -> axum::response::Response {
    let mut response = json_as(StatusCode::CREATED, value);
    let location = format!("{}/{id}", uri.path().trim_end_matches('/'));
    set(&mut response, header::LOCATION, &location);
    response
}
