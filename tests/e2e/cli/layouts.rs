//! Endpoints that are image layouts, and rules between them and registries.

use portolan_testregistry::{Registry, layer};

use super::session::Session;

#[tokio::test]
async fn rules_between_registries_and_layouts() {
    let hub = Registry::builder().start().await.unwrap();
    let edge = Registry::builder().start().await.unwrap();
    hub.put_image("tools/compass", "1.0", &[layer(1, 1000)]);
    let mut session = Session::start("[layouts]\ndirectory = \"layouts\"\n").await;
    session.name(&hub.url(), "http://HUB");
    session.name(&edge.url(), "http://EDGE");
    session
        .lines(
            "
            portolan endpoint add hub --url http://HUB
            portolan endpoint add edge --url http://EDGE
            portolan endpoint add disk --url oci:transfer
            portolan endpoint add outside --url oci:../transfer
            portolan endpoint list
            portolan rule add out --from hub --to disk --repository 'tools/**'
            portolan rule run out --wait
            ls layouts/transfer
            portolan endpoint browse disk
            portolan rule add in --from disk --to edge
            portolan rule plan in
            portolan rule run in --wait
            portolan replicate --from disk --to edge --dest-namespace once | cut -d ';' -f 1
            portolan replicate --from disk --to oci:elsewhere
            ",
        )
        .await;
    assert_eq!(hub.tag("tools/compass", "1.0"), edge.tag("tools/compass", "1.0"));
    edge.verify_all().unwrap();
    session.end("layouts");
}
