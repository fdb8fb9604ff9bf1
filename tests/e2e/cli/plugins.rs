//! Plug-ins, of the daemon and of nobody yet.

use e2e::guests;
use portolan_testregistry::{Registry, layer};

use super::session::Session;

#[tokio::test]
async fn plugins() {
    let hub = Registry::builder().start().await.unwrap();
    hub.put_image("tools/compass", "1.0", &[layer(1, 1000)]);
    let mut session = Session::start("").await;
    session.name(&hub.url(), "http://HUB");
    session.file("acme.wasm", guests::bytes(guests::THIRD_PARTY));
    let bundled = bundled_plugins::ALL.iter().find(|one| one.provider == "docker-registry");
    session.file("docker.wasm", bundled.unwrap().bytes);
    session.file("half.wasm", guests::truncated());
    session
        .lines(
            "
            portolan plugin install none.wasm
            portolan plugin install half.wasm
            portolan plugin install acme.wasm
            portolan plugin list | grep acme
            portolan plugin list --server unix:none.sock
            portolan plugin list -o json | head -n 4
            portolan plugin show acme-registry
            portolan plugin show none
            portolan plugin approve acme-registry
            portolan plugin approve acme-registry --host https://evil.example
            portolan plugin approve acme-registry --yes
            portolan plugin show acme-registry
            portolan plugin revoke acme-registry
            portolan plugin revoke docker-registry
            portolan plugin remove acme-registry
            portolan plugin remove acme-registry
            portolan plugin check none.wasm
            portolan plugin check half.wasm
            portolan plugin check docker.wasm > report
            portolan plugin check docker.wasm -o json | tail -n 4
            portolan plugin call docker-registry list-repositories --url http://HUB
            portolan plugin call docker-registry list-artifacts tools/compass --url http://HUB
            portolan plugin call docker-registry list-artifacts --url http://HUB
            portolan plugin call acme list-repositories --url http://HUB
            portolan plugin warm-up
            portolan plugin warm-up -o yaml
            ",
        )
        .await;
    session.end("plugins");
}
