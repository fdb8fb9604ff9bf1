//! The client against real sockets on loopback: TLS, proxy, timeouts, redirects, realms.

mod proxies;
mod redirects;
mod trust;

use std::time::Duration;

use http::{HeaderValue, Method, Request};
use portolan_core::provider::{AllowedHost, HostUse};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    scripted::{Scripted, answer},
    *,
};

/// Short enough for a test that waits for one of them.
fn hasty() -> Timeouts {
    let short = Duration::from_millis(300);
    Timeouts { head: short, stored: short, body: short, ..Timeouts::default() }
}

fn grant(pattern: &str, uses: &[HostUse], administrator: bool) -> HostGrant {
    let allowed = AllowedHost { pattern: pattern.to_owned(), uses: uses.to_vec() };
    HostGrant::parse(&allowed, administrator).unwrap()
}

fn config(endpoint: &Url) -> ClientConfig {
    let egress = Arc::new(Egress::new(endpoint.clone(), Vec::new()));
    ClientConfig { tls: TlsSettings::default(), proxy: None, egress, answers: Arc::default() }
}

fn request(method: Method, url: &Url) -> Request<Body> {
    Request::builder().method(method).uri(url.as_str()).body(empty()).unwrap()
}

fn get(url: &Url) -> Request<Body> {
    request(Method::GET, url)
}

/// A server that writes `bytes` to whoever connects, and then holds the line.
async fn raw(bytes: &'static [u8]) -> Url {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(bytes).await;
            open.push(stream);
        }
    });
    format!("http://{address}/").parse().unwrap()
}

#[tokio::test]
async fn sends_what_it_is_given_and_reads_a_bounded_answer() {
    let server = Scripted::http(|seen| answer(200, &[], seen.body.clone())).await;
    let url = server.url("/x?y=1");
    let client = Client::new(config(&url)).unwrap();
    for (limit, fits) in [(5, true), (4, false)] {
        let mut post = request(Method::POST, &url);
        *post.body_mut() = full("hello");
        let response = client.send(post, Purpose::Credentials).await.unwrap();
        let body = read_all(response.into_body(), limit, "h").await;
        assert_eq!(body.is_ok(), fits, "{body:?}");
    }
    let seen = server.seen().remove(0);
    assert_eq!(seen.line(), "POST /x?y=1");
    assert!(seen.header("user-agent").starts_with("portolan/"));
}

#[tokio::test]
async fn each_way_not_to_be_reached_has_its_own_words() {
    let closed = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    let plain = Scripted::http(|_| answer(200, &[], "")).await;
    let unknown = format!("http://{}.invalid/", "x".repeat(70));
    let cases = [
        (format!("http://{closed}/"), "nothing listens at"),
        (unknown, "cannot find the address"),
        (raw(b"SSH-2.0-OpenSSH_9\r\n").await.to_string(), "is not HTTP"),
        (raw(b"").await.to_string(), "did not answer the request"),
        (format!("https://{}/", plain.address), "does not speak TLS"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "metadata"),
        ("http://[::ffff:a9fe:a9fe]/".to_owned(), "metadata"),
        ("http://0x7f.1:1/".to_owned(), "two ways"),
    ];
    for (text, expected) in cases {
        let url: Url = text.parse().unwrap();
        let client = Client::with_timeouts(config(&url), hasty()).unwrap();
        let request = Request::builder().uri(&text).body(empty()).unwrap();
        let error = client.send(request, Purpose::Credentials).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_stalled_body_is_an_error() {
    let url = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
    let client = Client::with_timeouts(config(&url), hasty()).unwrap();
    let limit = hasty().body;
    let response = client.send(get(&url), Purpose::Anonymous).await.unwrap();
    let error = body::read_all(response.into_body(), 99, "h", limit).await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { .. }), "{error}");
    let response = client.send(get(&url), Purpose::Anonymous).await.unwrap();
    let mut passed_on = stream(&client, response.into_body(), "h");
    assert!(passed_on.frame().await.unwrap().is_ok());
    let error = passed_on.frame().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("with more data"), "{error}");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_body_is_the_answer() {
    let url =
        raw(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let client = Client::with_timeouts(config(&url), hasty()).unwrap();
    // It never ends, and yet the answer comes and the body is let go.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let bytes = receiver.recv().await?;
        Some((Ok::<_, BodyError>(http_body::Frame::data(bytes)), receiver))
    });
    let mut put = request(Method::PUT, &url);
    *put.body_mut() = http_body_util::StreamBody::new(frames).boxed_unsync();
    let feeding = tokio::spawn(async move {
        while sender.send(Bytes::from_static(&[0; 4096])).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let response = client.send(put, Purpose::Credentials).await.unwrap();
    assert_eq!(response.status(), 413);
    drop(response);
    tokio::time::timeout(Duration::from_secs(10), feeding).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_answers_and_hangs_up_while_we_send_is_heard() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno").await;
            let _ = stream.shutdown().await;
            // Takes a little more, as servers with a lingering close do, then resets.
            for _ in 0..8 {
                let _ = stream.read(&mut [0; 65536]).await;
            }
        }
    });
    for _ in 0..20 {
        let client = Client::with_timeouts(config(&url), hasty()).unwrap();
        let mut put = request(Method::PUT, &url);
        *put.body_mut() = full(vec![0; 32 << 20]);
        let response = client.send(put, Purpose::Credentials).await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(read_all(response.into_body(), 9, "h").await.unwrap(), "no");
    }
}

#[tokio::test]
async fn a_body_that_fails_is_told_apart_from_the_server() {
    let server = Scripted::http(|_| answer(201, &[], "")).await;
    let url = server.url("/");
    let client = Client::new(config(&url)).unwrap();
    let frames: Vec<Result<_, BodyError>> = vec![
        Ok(http_body::Frame::data(Bytes::from_static(b"abc"))),
        Err(Box::new(std::io::Error::other("the source went away"))),
    ];
    let mut put = request(Method::PUT, &url);
    *put.body_mut() =
        http_body_util::StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let error = client.send(put, Purpose::Credentials).await.unwrap_err();
    let NetError::Body(own) = &error else { panic!("{error}") };
    assert!(own.downcast_ref::<std::io::Error>().is_some());
    assert!(error.to_string().contains("the source went away"));
}

#[tokio::test]
async fn a_name_granted_to_an_adapter_may_not_lead_to_loopback() {
    let server = Scripted::http(|_| answer(200, &[], "")).await;
    let other = server.url_by_name("/");
    let pattern = format!("http://localhost:{}", server.address.port());
    for (administrator, reached) in [(false, false), (true, true)] {
        let mut named = grant(&pattern, &[HostUse::Storage], true);
        named.administrator = administrator;
        let egress = Arc::new(Egress::new(server.url("/"), vec![named]));
        let client = Client::new(ClientConfig { egress, ..config(&server.url("/")) }).unwrap();
        let outcome = client.send(get(&other), Purpose::Storage).await;
        assert_eq!(outcome.is_ok(), reached, "{:?}", outcome.err().map(|e| e.to_string()));
        if let Err(error) = outcome {
            assert!(error.to_string().contains("loopback"), "{error}");
        }
    }
}
