//! What is followed, and what goes along.

use super::*;

async fn follow(client: &Client, url: &Url) -> Result<(u16, Url), NetError> {
    let mut request = get(url);
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer hidden"));
    headers.insert(header::RANGE, HeaderValue::from_static("bytes=1-"));
    headers.insert("x-other", HeaderValue::from_static("1"));
    let (response, url) = client.send_following(url.clone(), request, Purpose::Credentials).await?;
    Ok((response.status().as_u16(), url))
}

#[tokio::test]
async fn the_same_origin_keeps_everything() {
    for status in [301, 302, 303, 307, 308] {
        let server = Scripted::http(move |seen| match seen.target.as_str() {
            "/a/b" => answer(status, &[("location", "../c?d=%2F&e")], "moved"),
            _ => answer(200, &[], ""),
        })
        .await;
        let client = Client::new(config(&server.url("/"))).unwrap();
        let (status, url) = follow(&client, &server.url("/a/b")).await.unwrap();
        assert_eq!((status, url), (200, server.url("/c?d=%2F&e")));
        assert_eq!(server.lines(), ["GET /a/b", "GET /c?d=%2F&e"]);
        assert_eq!(server.seen().remove(1).header("authorization"), "Bearer hidden");
    }
}

#[tokio::test]
async fn another_origin_gets_a_bare_request_and_must_be_granted() {
    let storage = Scripted::http(|_| answer(200, &[], "")).await;
    let target = storage.url_by_name("/blob?sig=a%2Bb").to_string();
    let server = Scripted::http(move |_| answer(307, &[("location", &target)], "")).await;
    let origin = storage.url_by_name("/");
    for (uses, allowed) in [(vec![HostUse::Storage], true), (vec![HostUse::Signed], false)] {
        let egress = Egress::new(server.url("/"), vec![grant(origin.as_str(), &uses, true)]);
        let config = ClientConfig { egress: Arc::new(egress), ..config(&server.url("/")) };
        let client = Client::new(config).unwrap();
        let outcome = follow(&client, &server.url("/")).await;
        assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
        if let Err(error) = outcome {
            assert!(!error.to_string().contains("sig"), "{error}");
        }
    }
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line(), "GET /blob?sig=a%2Bb");
    assert_eq!(seen[0].header("range"), "bytes=1-");
    assert_eq!((seen[0].header("authorization"), seen[0].header("x-other")), ("", ""));
}

#[tokio::test]
async fn circles_end() {
    let server = Scripted::http(|_| answer(302, &[("location", "/")], "")).await;
    let client = Client::new(config(&server.url("/"))).unwrap();
    let error = follow(&client, &server.url("/")).await.unwrap_err().to_string();
    assert!(error.contains("circles"), "{error}");
    assert_eq!(server.lines().len(), 11);
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_the_answer() {
    let server = Scripted::http(|_| answer(304, &[("location", "/x")], "")).await;
    let client = Client::new(config(&server.url("/"))).unwrap();
    assert_eq!(follow(&client, &server.url("/")).await.unwrap().0, 304);
    let server = Scripted::http(|_| answer(302, &[], "")).await;
    let client = Client::new(config(&server.url("/"))).unwrap();
    assert_eq!(follow(&client, &server.url("/")).await.unwrap().0, 302);
}
