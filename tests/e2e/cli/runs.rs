//! Rules and their runs.

use portolan_testregistry::{Registry, layer};

use super::session::Session;

#[tokio::test]
async fn rules_and_runs() {
    let hub = Registry::builder().start().await.unwrap();
    let edge = Registry::builder().start().await.unwrap();
    let isle = Registry::builder().start().await.unwrap();
    hub.put_image("tools/compass", "1.0", &[layer(1, 1000)]);
    let mut session = Session::start("").await;
    session.name(&hub.url(), "http://HUB");
    session.name(&edge.url(), "http://EDGE");
    session.name(&isle.url(), "http://ISLE");
    session
        .lines(
            "
            portolan endpoint add hub --url http://HUB
            portolan endpoint add edge --url http://EDGE
            portolan endpoint add down --url http://127.0.0.1:1 --unchecked
            portolan rule list
            portolan rule add mirror --from hub --to edge --repository 'tools/**' --dest-namespace mirror
            portolan rule add mirror --from hub --to edge
            portolan rule add other --from hub --to none
            portolan rule add other --from hub --to edge --tag '['
            portolan rule list
            portolan rule list --server unix:none.sock
            portolan rule show mirror
            portolan rule show none
            portolan rule plan mirror
            portolan rule plan none
            portolan rule edit mirror --latest 3
            portolan rule edit mirror --bytes-per-second 5000000 --requests-per-minute 6000
            portolan rule show mirror | grep options
            portolan rule edit mirror --requests-per-minute many
            portolan rule edit none --latest 3
            portolan rule run mirror --wait
            portolan rule run none
            portolan rule plan mirror
            portolan execution show 1
            portolan execution show 9
            portolan execution list
            portolan execution list --rule none
            portolan execution logs 1
            portolan execution logs 1 --follow -o json
            portolan execution logs 1 --task 9
            portolan execution watch 1
            portolan execution stop 1
            portolan execution stop 9
            portolan execution retry 1
            portolan rule add doomed --from hub --to down
            portolan rule run doomed
            ",
        )
        .await;
    let failed_once = |log: &serde_json::Value| log.to_string().contains("127.0.0.1:1");
    session.wait_for("portolan execution logs 2 -o json", failed_once).await;
    session
        .lines(
            "
            portolan execution retry 2
            portolan execution stop 2 > /dev/null
            portolan execution watch 2
            portolan execution retry 2
            portolan execution stop 3 > /dev/null
            portolan execution watch 3 -o json
            portolan execution list
            portolan rule remove doomed
            portolan rule remove doomed
            portolan replicate --from hub --to edge --dest-namespace once | cut -d ';' -f 1
            portolan replicate --from hub --to edge --dest-namespace once -o json
            portolan endpoint add isle --url http://ISLE
            portolan replicate --from hub --to isle --to edge --dest-namespace all | cut -d ';' -f 1
            portolan replicate --from hub --to isle --to isle
            portolan replicate --from hub --to isle --to oci:copy
            portolan replicate --from hub --to none
            portolan replicate --from hub --to http://EDGE
            portolan replicate --from hub --to edge --to-insecure
            portolan rule list
            ",
        )
        .await;
    hub.verify_all().unwrap();
    session.end("runs");
}
