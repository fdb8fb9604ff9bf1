//! Endpoints and providers.

use std::time::Duration;

use portolan_testregistry::{Registry, layer};

use super::session::Session;

#[tokio::test]
async fn endpoints() {
    let hub = Registry::builder().bearer("ci", "sesame", Duration::from_secs(300)).start().await;
    let (hub, edge) = (hub.unwrap(), Registry::builder().start().await.unwrap());
    hub.put_image("tools/compass", "1.0", &[layer(1, 1000)]);
    let mut session = Session::start("").await;
    session.name(&hub.url(), "http://HUB");
    session.name(&edge.url(), "http://EDGE");
    session.file("secret", "sesame\n");
    session.file("wrong", "mustard\n");
    session
        .lines(
            "
            portolan endpoint list
            portolan endpoint add hub --url http://HUB --access-id ci --access-secret-file wrong
            portolan endpoint add hub --url http://HUB --access-id ci --access-secret-file none
            portolan endpoint add hub --url http://HUB --access-id ci --access-secret-file secret
            portolan endpoint add edge --url http://EDGE --description 'the edge' -o json
            portolan endpoint add edge --url http://EDGE
            portolan endpoint add
            portolan endpoint add e --url ftp://x
            portolan endpoint add e --url http://EDGE --provider acme
            portolan endpoint add disk --url oci:transfer
            portolan endpoint add down --url http://127.0.0.1:1
            portolan endpoint add down --url http://127.0.0.1:1 --unchecked
            portolan endpoint list
            portolan endpoint list -o json | head -n 12
            portolan endpoint list --server unix:none.sock
            portolan endpoint list --server https://127.0.0.1:1 --token-file secret
            portolan endpoint list --server ftp://x
            portolan endpoint show hub
            portolan endpoint show 3
            portolan endpoint show none
            portolan endpoint edit hub --description 'all we have'
            portolan endpoint edit hub
            portolan endpoint edit hub --bytes-per-second 5000000 --requests-per-minute 600
            portolan endpoint show hub | grep budget
            portolan endpoint edit hub --bytes-per-second 0 -o json | grep per_
            portolan endpoint edit hub --bytes-per-second 5MB
            portolan endpoint edit hub --access-secret-file wrong
            portolan endpoint edit hub --webhook-secret-file none
            portolan endpoint edit hub --webhook-secret-file secret
            portolan endpoint show hub | grep webhooks
            portolan endpoint edit edge --name rim --insecure -o json
            portolan endpoint test hub
            portolan endpoint test down
            portolan endpoint browse hub
            portolan endpoint browse hub tools/compass
            portolan endpoint browse hub tools/none
            portolan endpoint browse down
            portolan endpoint remove down
            portolan rule add mirror --from hub --to rim
            portolan endpoint remove hub
            portolan provider list
            portolan provider list --server unix:none.sock
            portolan provider show docker-registry
            portolan provider show google-gcr
            portolan provider show google-gcr -o json | head -n 6
            portolan provider show acme
            ",
        )
        .await;
    session.end("endpoints");
}
