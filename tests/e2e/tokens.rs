//! Debian's docker-registry with a token server on another port: the password goes there only
//! once the administrator has named it.

use e2e::{
    api::{create_registry, refused, registry, replicate},
    daemon::Daemon,
    debian::{DockerRegistry, Mode, PASSWORD, USER},
    token::TokenServer,
};
use portolan_testregistry::{Registry, layer};
use serde_json::json;

#[tokio::test]
async fn a_token_server_elsewhere_is_named_and_used_once_it_is_allowed() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let tokens = TokenServer::start().await;
    let mode = Mode { token: Some(&tokens), ..Mode::default() };
    let Some(debian) = DockerRegistry::start(mode).await else { return };
    let realm = tokens.realm();
    let host = realm.strip_suffix("/token").unwrap();
    let mut body = registry("docker-registry", "tokens", debian.url(), Some((USER, PASSWORD)));
    let message = refused(&client, &body).await;
    let address = host.strip_prefix("http://").unwrap();
    assert!(message.contains(address) && message.contains("allowed hosts"), "{message}");
    body["allowed_hosts"] = json!([{"pattern": host, "uses": ["credentials"]}]);
    let wrong = json!("not the password");
    let right = std::mem::replace(&mut body["credential"]["access_secret"], wrong);
    let message = refused(&client, &body).await;
    assert!(message.contains("refused the credentials"), "{message}");
    body["credential"]["access_secret"] = right;
    let guarded = create_registry(&client, &body).await;

    let (from, back) = (Registry::builder().start(), Registry::builder().start());
    let (from, back) = (from.await.unwrap(), back.await.unwrap());
    let shared = layer(9, 100_000);
    for (number, name) in ["team/app", "team/other/deep"].into_iter().enumerate() {
        from.put_image(name, "v1", &[shared.clone(), layer(number as u64, 20_000)]);
    }
    let plain = |name: &str, it: &Registry| registry("docker-registry", name, &it.url(), None);
    let source = create_registry(&client, &plain("from", &from)).await;
    let target = create_registry(&client, &plain("back", &back)).await;
    for (from, to) in [(source, guarded), (guarded, target)] {
        let ended = replicate(&client, from, to, json!({})).await;
        assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
        assert_eq!(ended.execution["total"], 2);
    }
    assert_eq!(back.tags(), from.tags());
    for (name, tag) in from.tags() {
        assert_eq!(back.tag(&name, &tag), from.tag(&name, &tag));
    }
    back.verify_all().unwrap();
}
