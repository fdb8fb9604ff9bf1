//! The real client meets the stage as it would meet the hosts that are played.

use portolan_core::provider::{AllowedHost, HostUse};

use super::*;
use crate::net::{
    Client, ClientConfig, Egress, HostGrant, ProxySettings, Purpose, TlsSettings, read_all,
};

fn client(stage: &Stage) -> Client {
    let other = AllowedHost {
        pattern: "https://other.example".to_owned(),
        uses: vec![HostUse::Credentials],
    };
    let egress = Egress::new(
        "https://registry.example".parse().unwrap(),
        vec![HostGrant::parse(&other, false).unwrap()],
    );
    let proxy = ProxySettings {
        url: stage.proxy().parse().unwrap(),
        credentials: None,
        no_proxy: Vec::new(),
    };
    let tls = TlsSettings { ca_certificate: Some(stage.ca().to_owned()), ..TlsSettings::default() };
    Client::new(ClientConfig {
        tls,
        proxy: Some(proxy),
        egress: Arc::new(egress),
        answers: Arc::default(),
    })
    .unwrap()
}

/// Status and length of an answer, or why there is none.
async fn asked(client: &Client, url: &str, limit: u64) -> Result<(u16, usize), String> {
    let request = Request::get(url).header("authorization", "Basic x").body(empty()).unwrap();
    let answer = client.send(request, Purpose::Credentials).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let body = read_all(answer.into_body(), limit, "it").await;
    body.map(|body| (status, body.len())).map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_host_is_played_and_heard() {
    let stage = Stage::start(|call| match (call.host.as_str(), call.path.as_str()) {
        (_, "/cut") => Reply { breaks: true, ..Reply::new(200, &[], "{") },
        (_, "/long") => Reply { padding: 1 << 20, ..Reply::new(200, &[], "") },
        ("other.example", _) => Reply::new(403, &[("x-test", "1"), ("bad name", "x")], "no"),
        _ => Reply::new(200, &[], "hello"),
    });
    let stage = stage.await.unwrap();
    let client = client(&stage);
    let cases = [
        ("https://registry.example/v2/?a=b", Ok((200, 5))),
        ("https://registry.example/again", Ok((200, 5))),
        ("https://other.example/", Ok((403, 2))),
        ("https://registry.example/cut", Err("broke")),
        ("https://registry.example/long", Err("larger than")),
        ("https://third.example/", Err("may not be sent")),
    ];
    for (url, wanted) in cases {
        match (asked(&client, url, 1 << 19).await, wanted) {
            (Ok(got), Ok(wanted)) => assert_eq!(got, wanted, "{url}"),
            (Err(why), Err(text)) => assert!(why.contains(text), "{url}: {why}"),
            (got, _) => panic!("{url}: {got:?}"),
        }
    }
    let heard = stage.heard();
    let first = &heard[0];
    assert_eq!((&*first.host, &*first.path, &*first.query), ("registry.example", "/v2/", "a=b"));
    assert_eq!(first.headers["authorization"], "Basic x");
    assert!(heard.iter().all(|call| call.host != "third.example"));
}
