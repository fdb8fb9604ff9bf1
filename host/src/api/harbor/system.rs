//! What clients ask before their work: ping, health, system information, who am I (contract
//! 1.11). Nothing here is about endpoints or policies.

use axum::response::Response;
use portolan_core::account::Role;
use serde::Serialize;
use time::OffsetDateTime;

use super::wire::{Time, is_zero};
use crate::{
    api::{
        ApiSettings,
        auth::{ADMIN, Access, Kind},
        respond::{Answer, json, text},
    },
    error::{Code, Error},
};

/// The Harbor release whose contract this is; clients only look at the numbers.
const HARBOR_VERSION: &str = concat!("v2.16.0-portolan.", env!("CARGO_PKG_VERSION"));

/// `GET /ping`.
pub(crate) async fn ping() -> Response {
    text("Pong")
}

#[derive(Serialize)]
struct ApiVersion {
    version: &'static str,
}

/// `GET /api/version`: which API there is; another Harbor asks this first.
pub(crate) async fn api_version() -> Response {
    json(&ApiVersion { version: "v2.0" })
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    components: [Component; 3],
}

#[derive(Serialize)]
struct Component {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    error: &'static str,
}

/// `GET /health`: always 200, whatever it says.
pub(crate) async fn health(access: Access) -> Response {
    json(&health_of(access.store_answers().await))
}

fn health_of(store: bool) -> Health {
    let component = |name, fine, error| Component {
        name,
        status: if fine { "healthy" } else { "unhealthy" },
        error: if fine { "" } else { error },
    };
    Health {
        status: if store { "healthy" } else { "unhealthy" },
        components: [
            component("core", true, ""),
            component("database", store, "the store does not answer; see the log"),
            component("jobservice", store, "tasks wait for the store"),
        ],
    }
}

#[derive(Serialize)]
struct SystemInfo {
    auth_mode: &'static str,
    primary_auth_mode: bool,
    self_registration: bool,
    banner_message: &'static str,
    oidc_provider_name: &'static str,
    #[serde(flatten)]
    known: Option<KnownInfo>,
}

#[derive(Serialize)]
struct KnownInfo {
    has_ca_root: bool,
    project_creation_restriction: &'static str,
    harbor_version: &'static str,
    external_url: String,
    registry_url: String,
    read_only: bool,
    registry_storage_provider_name: &'static str,
    notification_enable: bool,
    current_time: Time,
}

/// `GET /systeminfo`: more of it for whoever is logged in.
pub(crate) async fn info(access: Access) -> Answer {
    let known = access.who().await?.map(|_| known(access.settings()));
    Ok(json(&system_info(known)))
}

fn system_info(known: Option<KnownInfo>) -> SystemInfo {
    SystemInfo {
        auth_mode: "db_auth",
        primary_auth_mode: false,
        self_registration: false,
        banner_message: "",
        oidc_provider_name: "",
        known,
    }
}

fn known(settings: &ApiSettings) -> KnownInfo {
    let external_url = settings.external_url.clone().unwrap_or_default();
    let registry_url = external_url.split_once("://").map_or("", |(_, rest)| rest).to_owned();
    KnownInfo {
        has_ca_root: false,
        project_creation_restriction: "adminonly",
        harbor_version: HARBOR_VERSION,
        external_url,
        registry_url,
        read_only: false,
        registry_storage_provider_name: "filesystem",
        notification_enable: true,
        current_time: OffsetDateTime::now_utc().into(),
    }
}

#[derive(Serialize)]
struct User {
    user_id: u64,
    username: String,
    realname: String,
    comment: &'static str,
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
        Kind::User(id) => users.into_iter().find(|user| user.id == id),
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
        comment: "",
        sysadmin_flag: who.role == Role::Admin,
        admin_role_in_auth: false,
        creation_time,
        update_time,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn health_shapes() {
        let fine = json!({"status": "healthy", "components": [
            {"name": "core", "status": "healthy"},
            {"name": "database", "status": "healthy"},
            {"name": "jobservice", "status": "healthy"},
        ]});
        assert_eq!(to_value(health_of(true)).unwrap(), fine);
        let broken = to_value(health_of(false)).unwrap();
        assert_eq!(broken["status"], "unhealthy");
        assert_eq!(broken["components"][1]["status"], "unhealthy");
        assert!(broken["components"][1]["error"].is_string());
        assert!(broken["components"][0].get("error").is_none());
    }

    #[test]
    fn system_info_says_more_to_the_administrator() {
        let anonymous = json!({"auth_mode": "db_auth", "primary_auth_mode": false,
            "self_registration": false, "banner_message": "", "oidc_provider_name": ""});
        assert_eq!(to_value(system_info(None)).unwrap(), anonymous);
        let settings = ApiSettings {
            external_url: Some("https://chart.example.com:8443".to_owned()),
            ..ApiSettings::default()
        };
        let info = to_value(system_info(Some(known(&settings)))).unwrap();
        assert_eq!(info["registry_url"], "chart.example.com:8443");
        assert_eq!(info["read_only"], false);
        assert!(info["harbor_version"].as_str().unwrap().starts_with("v2.16.0-"));
        assert!(info["current_time"].as_str().unwrap().ends_with('Z'));
    }
}
