//! What clients ask before their work: ping, health, system information (contract 1.11). Nothing
//! here is about endpoints or policies.

use std::path::PathBuf;

use axum::response::Response;
use serde::Serialize;
use time::OffsetDateTime;

use super::wire::{Time, is_zero};
use crate::{
    api::{
        ApiSettings,
        auth::Access,
        respond::{Answer, ApiError, json, text},
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
struct Volumes {
    storage: [Volume; 1],
}

#[derive(Default, Serialize)]
struct Volume {
    total: u64,
    free: u64,
}

/// `GET /systeminfo/volumes`: the file system of the data directory, in bytes; zeros where there
/// is none.
pub(crate) async fn volumes(access: Access) -> Answer {
    access.admin().await?;
    let volume = match access.settings().data_dir.clone() {
        Some(data_dir) => measured(data_dir).await?,
        None => Volume::default(),
    };
    Ok(json(&Volumes { storage: [volume] }))
}

/// Asked apart: a file system over a network may take its time.
async fn measured(data_dir: PathBuf) -> Result<Volume, Error> {
    let shown = data_dir.display().to_string();
    let failed = |why: &dyn std::fmt::Display| {
        Error::new(Code::Internal, format!("the file system of {shown} cannot be asked: {why}"))
    };
    let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&data_dir));
    let stat = asked.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Volume { total: bytes(stat.f_blocks), free: bytes(stat.f_bavail) })
}

/// `GET /systeminfo/getcert`: the root certificate of the site, which is not kept here.
pub(crate) async fn root_certificate() -> ApiError {
    ApiError::not_found(
        "there is no root certificate to hand out: get it where the certificate of this daemon was made",
    )
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
