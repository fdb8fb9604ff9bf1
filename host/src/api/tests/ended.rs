//! What ends with a user, a role or a password, wherever it is changed.

use axum::Router;
use portolan_core::account::Role;
use serde_json::{Value, json};

use super::{
    Seen,
    accounts::{basic, body, log_in, with},
    host,
};
use crate::{
    api::{ApiSettings, auth::hash_password, router},
    host::Host,
};

const CURRENT: &str = "GET /api/portolan/v1/sessions/current";

/// A host with the administrator `ada` besides the first one, and two routers of it, with sessions of their own.
async fn two_routers() -> (Host, Router, Router) {
    let host = host().await;
    let hash = hash_password("first").unwrap();
    host.create_user("ada".parse().unwrap(), Role::Admin, hash).await.unwrap();
    let own = || router(host.clone(), ApiSettings::default());
    (host.clone(), own(), own())
}

async fn ask(api: &Router, line: &str, who: &str, body: Value) -> Seen {
    with(api, line, &[("authorization", who)], &body).await
}

#[tokio::test]
async fn sessions_follow_what_becomes_of_their_user_elsewhere() {
    let (_host, here, elsewhere) = two_routers().await;
    let (admin, ada) = (basic("admin", "right"), "/api/portolan/v1/users/2");
    let change = async |line: &str, body: Value| {
        let seen = ask(&elsewhere, line, &admin, body).await;
        assert!(seen.status < 300, "{line}: {}", seen.body);
    };
    let current = async |cookie: &str| with(&here, CURRENT, &[("cookie", cookie)], &json!(0)).await;

    let cookie = log_in(&here, "ada", "first").await;
    assert_eq!(body(&current(&cookie).await)["role"], "admin");
    change(&format!("PUT {ada}"), json!({"role": "viewer"})).await;
    assert_eq!(body(&current(&cookie).await)["role"], "viewer");
    change(&format!("PUT {ada}"), json!({"password": "second"})).await;
    assert_eq!(current(&cookie).await.status, 401, "another password");

    let cookie = log_in(&here, "ada", "second").await;
    assert_eq!(current(&cookie).await.status, 200);
    change(&format!("DELETE {ada}"), json!(null)).await;
    assert_eq!(current(&cookie).await.status, 401, "gone");
    let again = json!({"name": "ada", "password": "second"});
    change("POST /api/portolan/v1/users", again).await;
    assert_eq!(current(&cookie).await.status, 401, "another user of that name");
}

#[tokio::test]
async fn tokens_go_with_the_user_at_the_beginning_of_their_chain() {
    let (_host, api, _) = two_routers().await;
    let (admin, ada) = (basic("admin", "right"), "/api/portolan/v1/users/2");
    let mut maker = basic("ada", "first");
    let mut made = Vec::new();
    for name in ["one", "two"] {
        let token = json!({"name": name, "role": "admin"});
        let seen = ask(&api, "POST /api/portolan/v1/tokens", &maker, token).await;
        assert_eq!(body(&seen)["created_by"], "ada", "{}", seen.body);
        maker = format!("Bearer {}", body(&seen)["secret"].as_str().unwrap());
        made.push(maker.clone());
    }
    let statuses = async |line: &str| {
        let mut statuses = Vec::new();
        for token in &made {
            statuses.push(ask(&api, line, token, json!(null)).await.status);
        }
        statuses
    };
    let (users, registries) = ("GET /api/portolan/v1/users", "GET /api/v2.0/registries");
    assert_eq!(statuses(users).await, [200, 200]);
    ask(&api, &format!("PUT {ada}"), &admin, json!({"role": "viewer"})).await;
    assert_eq!(statuses(users).await, [403, 403], "no more than their maker");
    assert_eq!(statuses(registries).await, [200, 200]);
    ask(&api, &format!("DELETE {ada}"), &admin, json!(null)).await;
    assert_eq!(statuses(registries).await, [401, 401]);
}

#[tokio::test]
async fn a_backup_has_its_turn_before_anything_is_computed() {
    let (host, api, _) = two_routers().await;
    let turn = host.backup_turn().unwrap();
    let make = async || {
        let short = json!({"passphrase": "short"});
        ask(&api, "POST /api/portolan/v1/backup", &basic("admin", "right"), short).await.status
    };
    assert_eq!(make().await, 503);
    drop(turn);
    assert_eq!(make().await, 400, "then the passphrase is looked at");
}
