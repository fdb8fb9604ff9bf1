//! Who is logged in and what they may do, in Harbor's words (contract 1.2, 1.11). What a role may
//! do is decided where a handler asks for it; this list is held against it by a test.

use portolan_core::account::Role;
use serde::Serialize;

use super::wire::Time;
use crate::{
    api::{
        auth::{ADMIN, Access, Kind},
        extract::Query,
        respond::{Answer, json},
    },
    error::{Code, Error},
};

/// Harbor's name for what belongs to no project.
const SYSTEM: &str = "/system";

/// Resource, action, and the least role that may do it.
pub(crate) const PERMISSIONS: [(&str, &str, Role); 14] = [
    ("registry", "list", Role::Viewer),
    ("registry", "read", Role::Viewer),
    ("registry", "create", Role::Admin),
    ("registry", "update", Role::Admin),
    ("registry", "delete", Role::Admin),
    ("replication-adapter", "list", Role::Viewer),
    ("replication-policy", "list", Role::Viewer),
    ("replication-policy", "read", Role::Viewer),
    ("replication-policy", "create", Role::Admin),
    ("replication-policy", "update", Role::Admin),
    ("replication-policy", "delete", Role::Admin),
    ("replication", "create", Role::Operator),
    ("replication", "list", Role::Viewer),
    ("replication", "read", Role::Viewer),
];

#[derive(Serialize)]
struct Permission {
    resource: String,
    action: &'static str,
}

#[derive(Serialize)]
struct Permissions {
    system: Vec<Permission>,
    /// There are no projects; Harbor writes an unset array so.
    project: Option<Vec<Permission>>,
}

/// `GET /permissions`: all that can be granted.
pub(crate) async fn permissions(access: Access) -> Answer {
    access.admin().await?;
    Ok(json(&Permissions { system: granted(Role::Admin, ""), project: None }))
}

/// `GET /users/current/permissions`: `scope` is Harbor's `/system` or empty, and any other has
/// nothing; `relative` leaves the scope out of the names.
pub(crate) async fn current_permissions(access: Access, query: Query) -> Answer {
    let relative = query.boolean("relative")?.unwrap_or_default();
    let role = access.somebody().await?.role;
    let scope = query.text("scope").unwrap_or_default();
    let permissions = match scope {
        SYSTEM if relative => granted(role, ""),
        "" | SYSTEM => granted(role, "/system/"),
        _ => Vec::new(),
    };
    Ok(json(&permissions))
}

fn granted(role: Role, before: &str) -> Vec<Permission> {
    let mine = PERMISSIONS.into_iter().filter(|(_, _, least)| role >= *least);
    mine.map(|(resource, action, _)| Permission { resource: format!("{before}{resource}"), action })
        .collect()
}

#[derive(Serialize)]
struct User {
    user_id: u64,
    username: String,
    realname: String,
    sysadmin_flag: bool,
    admin_role_in_auth: bool,
    creation_time: Time,
    update_time: Time,
}

/// `GET /users/current`: who is logged in. A token is no user: 412, as for Harbor's robots.
pub(crate) async fn current_user(access: Access) -> Answer {
    let who = access.somebody().await?.clone();
    let users = access.viewer().await?.users().await?;
    let known = match who.kind {
        Kind::Token(_) => {
            let why = format!("`{}` is a token and no user", who.name);
            return Err(Error::new(Code::Precondition, why).into());
        }
        Kind::User(id, _) => users.into_iter().find(|user| user.id == id),
        // Kept nowhere: the proxy knows them.
        Kind::Proxy => None,
        Kind::Owner => users.into_iter().find(|user| user.name.as_str() == ADMIN),
    };
    let times = known.as_ref().map(|user| (user.created.into(), user.updated.into()));
    let (creation_time, update_time) = times.unwrap_or((Time::UNSET, Time::UNSET));
    Ok(json(&User {
        user_id: known.map_or(u64::from(who.kind == Kind::Owner), |user| user.id.0),
        realname: who.name.clone(),
        username: who.name,
        sysadmin_flag: who.role == Role::Admin,
        admin_role_in_auth: false,
        creation_time,
        update_time,
    }))
}
