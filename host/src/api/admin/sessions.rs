//! The console's sessions: log in, who am I, log out.

use std::time::Instant;

use axum::http::header;
use portolan_core::{account::Role, secret::Secret};
use serde::{Deserialize, Serialize};

use crate::api::{
    auth::{Access, Kind, Who, cookie},
    extract::{Json, Parameter},
    respond::{Answer, ApiError, json, nothing, set},
};

/// Body of `POST /sessions`.
#[derive(Default, Deserialize)]
pub(crate) struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

impl Parameter for Login {
    const NAME: &'static str = "login";
    /// Anybody may send one: a name and a password of the longest kind, each sign escaped.
    const MOST: usize = 8 << 10;
}

#[derive(Serialize)]
struct Session<'a> {
    name: &'a str,
    role: Role,
    kind: &'static str,
    /// What changes must carry in `X-Portolan-CSRF`; told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<&'a str>,
}

impl<'a> Session<'a> {
    fn new(who: &'a Who, csrf: Option<&'a str>) -> Self {
        let kind = match who.kind {
            Kind::Owner => "owner",
            Kind::User(..) => "user",
            Kind::Token(_) => "token",
            Kind::Proxy => "proxy",
        };
        Self { name: &who.name, role: who.role, kind, csrf }
    }
}

/// `POST /sessions`: a cookie, and the text that later changes must carry. 401 for a wrong name or
/// password, which it does not tell apart.
pub(crate) async fn log_in(access: Access, Json(body): Json<Login>) -> Answer {
    let password = Secret::new(body.password);
    let who = access.log_in(&body.username, &password).await?;
    let who = who.ok_or_else(ApiError::unauthorized)?;
    let new = access.sessions().begin(who.clone(), Instant::now())?;
    let mut response = json(&Session::new(&who, Some(new.csrf.expose())));
    set(&mut response, header::SET_COOKIE, &cookie(Some(&new.id), access.is_secure()));
    Ok(response)
}

/// `GET /sessions/current`: who is calling, however they logged in.
pub(crate) async fn show(access: Access) -> Answer {
    Ok(json(&Session::new(access.somebody().await?, None)))
}

/// `DELETE /sessions/current`: ends the session, and forgets the cookie in any case.
pub(crate) async fn log_out(access: Access) -> Answer {
    access.somebody().await?;
    if let Some(id) = access.session_id() {
        access.sessions().end(id);
    }
    let mut response = nothing();
    set(&mut response, header::SET_COOKIE, &cookie(None, access.is_secure()));
    Ok(response)
}
