//! What needs no daemon.

use portolan_testregistry::{Registry, layer};

use super::session::Session;

#[tokio::test]
async fn without_a_daemon() {
    let hub = Registry::builder().start().await.unwrap();
    let edge = Registry::builder().start().await.unwrap();
    hub.put_image("tools/compass", "1.0", &[layer(1, 1000)]);
    let mut session = Session::alone().await;
    session.name(&hub.url(), "http://HUB");
    session.name(&edge.url(), "http://EDGE");
    session.file("bad.toml", "listne = \"127.0.0.1:0\"\n");
    session
        .lines(
            "
            portolan
            portolan sail
            portolan --version
            portolan serve --config bad.toml
            portolan serve --listen nowhere
            portolan demo --once
            portolan demo --listen 0.0.0.0:8282
            portolan replicate --from http://HUB --to http://EDGE --repository 'tools/**'
            portolan replicate --from http://HUB --to http://EDGE -o json
            portolan replicate --from hub --to http://EDGE
            portolan replicate --from hub --to edge
            portolan replicate --from http://HUB --to http://127.0.0.1:1 -o json
            portolan replicate --from http://HUB --to oci:transfer
            portolan replicate --from http://HUB --to oci:transfer
            portolan replicate --from oci:transfer --to http://EDGE --dest-namespace carried
            portolan replicate --from http://HUB --to oci-archive:transfer.tar
            portolan replicate --from oci-archive:transfer.tar --to oci:transfer
            ls -p
            portolan replicate --from oci:transfer --to oci:transfer
            portolan replicate --from oci:nowhere --to http://EDGE
            portolan replicate --from oci:transfer:tools/compass --to http://EDGE
            portolan replicate --from http://HUB --to http://EDGE --to oci:copy --dest-namespace two
            portolan replicate --from http://HUB --to http://EDGE --to http://EDGE/
            portolan replicate --from http://HUB --to http://EDGE --to http://127.0.0.1:1
            portolan replicate --from http://HUB --to http://EDGE --to island
            portolan replicate --from http://HUB --to http://EDGE --to a.example --to-access-id ci
            portolan completions bash | head -n 1
            portolan completions zsh | head -n 1
            portolan completions fish | tail -n 1
            portolan completions bash > /dev/null
            portolan completions tcsh
            portolan man pages
            ls pages | head -n 5
            portolan man /dev/null
            portolan doctor
            portolan doctor --config bad.toml
            portolan doctor -o json | tail -n 4
            portolan endpoint list
            portolan restore none --data-dir data
            ",
        )
        .await;
    session.end("alone");
}
