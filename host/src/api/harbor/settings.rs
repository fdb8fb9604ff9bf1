//! `/api/v2.0/configurations`: Harbor's settings as they are here (contract 1.11). None of them
//! can be changed over HTTP: the daemon's own are in its configuration file.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::{
    auth::Access,
    extract::{Json, Parameter},
    respond::{Answer, ApiError, json as answer, nothing},
};

/// Settings that say something about this daemon.
const SAID: [(&str, Shown); 9] = [
    ("auth_mode", Shown::Text("db_auth")),
    ("notification_enable", Shown::Yes(true)),
    ("project_creation_restriction", Shown::Text("adminonly")),
    ("robot_name_prefix", Shown::Text("robot$")),
    ("robot_token_duration", Shown::Number(-1)),
    ("scan_all_policy", Shown::Text("{\"type\":\"none\"}")),
    ("session_timeout", Shown::Number(60)),
    ("storage_per_project", Shown::Number(-1)),
    ("token_expiration", Shown::Number(30)),
];

/// Settings of what is not here, by the type of their values: each has its type's zero.
const TEXTS: [&str; 27] = [
    "audit_log_forward_endpoint",
    "banner_message",
    "disabled_audit_log_event_types",
    "http_authproxy_admin_groups",
    "http_authproxy_admin_usernames",
    "http_authproxy_endpoint",
    "http_authproxy_server_certificate",
    "http_authproxy_tokenreview_endpoint",
    "ldap_base_dn",
    "ldap_filter",
    "ldap_group_admin_dn",
    "ldap_group_attribute_name",
    "ldap_group_base_dn",
    "ldap_group_membership_attribute",
    "ldap_group_search_filter",
    "ldap_search_dn",
    "ldap_uid",
    "ldap_url",
    "oidc_admin_group",
    "oidc_client_id",
    "oidc_endpoint",
    "oidc_extra_redirect_parms",
    "oidc_group_filter",
    "oidc_groups_claim",
    "oidc_name",
    "oidc_scope",
    "oidc_user_claim",
];
const FLAGS: [&str; 12] = [
    "http_authproxy_skip_search",
    "http_authproxy_verify_cert",
    "ldap_group_attach_parallel",
    "ldap_verify_cert",
    "oidc_auto_onboard",
    "oidc_verify_cert",
    "primary_auth_mode",
    "quota_per_project_enable",
    "read_only",
    "scanner_skip_update_pulltime",
    "self_registration",
    "skip_audit_log_database",
];
const NUMBERS: [&str; 3] = ["ldap_group_search_scope", "ldap_scope", "ldap_timeout"];

#[derive(Clone, Copy)]
enum Shown {
    Text(&'static str),
    Yes(bool),
    Number(i64),
}

impl From<Shown> for Value {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Text(text) => text.into(),
            Shown::Yes(yes) => yes.into(),
            Shown::Number(number) => number.into(),
        }
    }
}

#[derive(Serialize)]
struct Setting {
    value: Value,
    editable: bool,
}

fn settings() -> BTreeMap<&'static str, Value> {
    let texts = TEXTS.iter().map(|name| (*name, json!("")));
    let flags = FLAGS.iter().map(|name| (*name, json!(false)));
    let numbers = NUMBERS.iter().map(|name| (*name, json!(0)));
    let said = SAID.iter().map(|(name, shown)| (*name, Value::from(*shown)));
    texts.chain(flags).chain(numbers).chain(said).collect()
}

/// `GET /configurations`.
pub(crate) async fn show(access: Access) -> Answer {
    access.admin().await?;
    let shown = settings().into_iter();
    let shown = shown.map(|(name, value)| (name, Setting { value, editable: false }));
    Ok(answer(&shown.collect::<BTreeMap<_, _>>()))
}

/// Body of `PUT /configurations`: a flat map.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Changes(Map<String, Value>);

impl Parameter for Changes {
    const NAME: &'static str = "configurations";
}

/// `PUT /configurations`: what is as it should be already is fine, an unknown name is ignored; a
/// real change is refused, as by a Harbor that has its settings from the environment.
pub(crate) async fn update(access: Access, Json(Changes(changes)): Json<Changes>) -> Answer {
    access.admin().await?;
    let current = settings();
    let differs = |(name, value): &(&String, &Value)| {
        !value.is_null() && current.get(name.as_str()).is_some_and(|current| current != *value)
    };
    match changes.iter().find(differs) {
        None => Ok(nothing()),
        Some((name, _)) => Err(ApiError::framework(
            StatusCode::FORBIDDEN,
            format!("`{name}` cannot be changed here: see the settings in the configuration file"),
        )),
    }
}
