//! The pieces the other tests stand on do what they say.

use e2e::{
    debian::{DockerRegistry, Mode, PASSWORD, USER},
    guests,
    http::Client,
    oracles,
    poll::{PATIENCE, eventually},
    tls::{Certificate, Front},
    token::TokenServer,
};
use portolan_testregistry::{Registry, layer};
use tokio::process::Command;

#[tokio::test]
async fn debians_registry_asks_for_its_password() {
    let mode = Mode { htpasswd: true, ..Mode::default() };
    let Some(registry) = DockerRegistry::start(mode).await else { return };
    let client = Client::new(registry.url());
    assert_eq!(client.get("/v2/").await.status, 401);
    assert_eq!(client.basic(USER, PASSWORD).get("/v2/").await.status, 200);
}

/// docker-registry checks the signature: a push through it proves the token server.
#[tokio::test]
async fn debians_registry_takes_the_token_servers_tokens() {
    let tokens = TokenServer::start().await;
    let mode = Mode { token: Some(&tokens), ..Mode::default() };
    let Some(target) = DockerRegistry::start(mode).await else { return };
    let source = Registry::builder().start().await.unwrap();
    source.put_image("lib/app", "v1", &[layer(1, 10_000)]);
    let copy = async |password: &str| {
        let place = |url: &str| format!("{}/lib/app:v1", url.replace("http", "docker"));
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["copy", "--src-tls-verify=false", "--dest-tls-verify=false"]);
        skopeo.arg(format!("--dest-creds={USER}:{password}"));
        skopeo.args([place(&source.url()), place(target.url())]).output().await
    };
    let Ok(refused) = copy("wrong").await else {
        oracles::skipped("skopeo is not installed");
        return;
    };
    assert!(!refused.status.success());
    let output = copy(PASSWORD).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// skopeo is the judge: it trusts the certificate alone and gets the image through both.
#[tokio::test]
async fn tls_stands_before_the_test_registry_and_debians() {
    let certificate = Certificate::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.crt"), &certificate.pem).unwrap();
    let source = Registry::builder().start().await.unwrap();
    source.put_image("lib/app", "v1", &[layer(1, 10_000)]);
    let front = Front::start(&source, &certificate).await;
    let mode = Mode { htpasswd: true, tls: Some(&certificate), ..Mode::default() };
    let Some(target) = DockerRegistry::start(mode).await else { return };
    let place = |url: &str| format!("{}/lib/app:v1", url.replace("https", "docker"));
    let output = Command::new("skopeo")
        .args(["copy", "--preserve-digests", &format!("--dest-creds={USER}:{PASSWORD}")])
        .arg(format!("--src-cert-dir={}", folder.path().display()))
        .arg(format!("--dest-cert-dir={}", folder.path().display()))
        .args([place(&front.url()), place(target.url())])
        .output()
        .await;
    let Ok(output) = output else {
        oracles::skipped("skopeo is not installed");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(source.total_requests() > 2);
}

#[tokio::test]
async fn polling_ends_with_what_it_last_saw() {
    let mut tries = 0;
    let third = eventually(PATIENCE, "the third try", async || {
        tries += 1;
        if tries == 3 { Ok(tries) } else { Err(tries) }
    });
    assert_eq!(third.await, 3);
}

#[test]
fn guests_are_components_and_broken_ones_are_broken() {
    let all = [
        guests::DESCRIBE_CALLS_HTTP,
        guests::HOSTILE,
        guests::OTHER_WORLD,
        guests::THIRD_PARTY,
        guests::WASI_SOCKETS,
        guests::WRONG_WORLD,
    ];
    for guest in all {
        // The magic number and the layer "component" of the binary format.
        assert_eq!(guests::bytes(guest)[..8], *b"\0asm\x0d\0\x01\0", "{guest}");
    }
    let holds = |guest, text: &str| {
        guests::bytes(guest).windows(text.len()).any(|window| window == text.as_bytes())
    };
    assert!(holds(guests::WASI_SOCKETS, "wasi:sockets"));
    assert!(!holds(guests::THIRD_PARTY, "wasi:sockets"));
    let good = guests::bytes(guests::THIRD_PARTY);
    assert_ne!(guests::corrupt(), good);
    assert!(guests::truncated().len() < good.len());
}
