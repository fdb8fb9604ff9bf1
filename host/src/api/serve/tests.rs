//! Real sockets: who is at the other end, and what slow, silent and many clients meet.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::oneshot,
    time::{Instant, timeout},
};

use super::*;
use crate::api::{ApiSettings, ServeLimits, tests::host};

/// Far longer than any bound in these tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves a listener until the sender is dropped.
async fn start(
    listener: impl Into<Listener>,
) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    start_within(listener, ServeLimits::default()).await
}

async fn start_within(
    listener: impl Into<Listener>,
    limits: ServeLimits,
) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let listener = listener.into();
    let settings = ApiSettings { limits, ..ApiSettings::default() };
    let serving = serve(listener, Api::new(host().await, settings), shutdown);
    (stop, tokio::spawn(serving))
}

async fn tcp() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str, host: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn tcp_callers_are_anonymous_and_name_us() {
    let (listener, address) = tcp().await;
    let (_stop, _serving) = start(listener).await;
    let cases = [
        ("/api/v2.0/ping", "127.0.0.1", "HTTP/1.1 200 OK"),
        ("/api/v2.0/users/current", "localhost:8282", "HTTP/1.1 401"),
        ("/api/v2.0/ping", "evil.example.com", "HTTP/1.1 421"),
    ];
    for (path, host, status) in cases {
        let stream = TcpStream::connect(address).await.unwrap();
        let answer = ask(stream, path, host).await;
        assert!(answer.starts_with(status), "{path} {host}: {answer}");
    }
}

#[tokio::test]
async fn the_socket_of_our_own_user_needs_no_password() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portolan.sock");
    let (_stop, _serving) = start(UnixListener::bind(&path).unwrap()).await;
    let stream = UnixStream::connect(&path).await.unwrap();
    let answer = ask(stream, "/api/v2.0/users/current", "evil.example.com").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"username\":\"admin\""), "{answer}");
}

#[test]
fn peers_of_a_socket() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _inside = runtime.enter();
    let (one, _other) = UnixStream::pair().unwrap();
    let own = own_user().unwrap();
    assert_eq!(socket_caller(&one, Some(own)), Caller::Owner);
    let stranger = if own == 0 { Caller::Owner } else { Caller::Socket };
    assert_eq!(socket_caller(&one, Some(own + 1)), stranger);
}

/// A request with these lines of its head, and a body.
async fn say(address: SocketAddr, line: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn listeners_of_one_face_know_the_same_sessions_and_count_together() {
    let api = Api::new(host().await, ApiSettings::default());
    let ((first, here), (second, there)) = (tcp().await, tcp().await);
    let listeners = [first, second];
    let _serving = listeners.map(|it| tokio::spawn(serve(it, api.clone(), std::future::pending())));

    let login = r#"{"username": "admin", "password": "right"}"#;
    let answer = say(here, "POST /api/portolan/v1/sessions", "", login).await;
    let cookie = answer.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let current = "/api/portolan/v1/sessions/current";
    let cookie = format!("Cookie: {cookie}\r\n");
    let answer = say(there, &format!("GET {current}"), &cookie, "").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"admin\""), "{answer}");

    let wrong = r#"{"username": "admin", "password": "wrong"}"#;
    for place in [here, there, here, there, here] {
        let answer = say(place, "POST /api/portolan/v1/sessions", "", wrong).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    let answer = say(there, "POST /api/portolan/v1/sessions", "", login).await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
}

#[tokio::test]
async fn http_2_is_spoken() {
    let (listener, address) = tcp().await;
    let (_stop, _serving) = start(listener).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(settings).await.unwrap();
    let mut frame = [0u8; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the first frame of a server is SETTINGS: {frame:?}");
}

#[tokio::test]
async fn a_shutdown_ends_idle_connections_and_refuses_new_ones() {
    let (listener, address) = tcp().await;
    let (stop, serving) = start(listener).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200");
    drop(stop);
    timeout(PATIENCE, serving).await.unwrap().unwrap();
    idle.read_to_end(&mut answer).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// Bounds that a test can wait for.
fn short() -> ServeLimits {
    ServeLimits {
        head: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        stall: Duration::from_millis(300),
        ..ServeLimits::default()
    }
}

/// What arrives until the server ends the connection.
async fn until_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset ends it as well.
    let ended = timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    assert!(ended.is_ok(), "the connection stays open: {}", String::from_utf8_lossy(&all));
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn who_says_nothing_or_not_enough_is_sent_away() {
    let (listener, address) = tcp().await;
    let (_stop, _serving) = start_within(listener, short()).await;
    let post = "POST /api/v2.0/registries HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let long =
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-A: b\r\n".repeat(101));
    let frames = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
                  \0\0\u{6}\u{4}\0\0\0\0\0\0\u{4}\0\0\0\0\
                  \0\0\u{26}\u{1}\u{5}\0\0\0\u{1}\
                  \u{2}\u{3}GET\u{6}\u{4}http\u{1}\u{9}localhost\u{4}\u{e}/api/v2.0/ping";
    let http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let cases = [
        ("silence", "", ""),
        ("half a head", "GET / HTTP/1.1\r\nHost: loc", ""),
        ("nothing more", "GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200"),
        ("an idle HTTP/2 client", http2, ""),
        ("an HTTP/2 client that takes no answer", frames, ""),
        ("a body that stops", post, "HTTP/1.1 408"),
        ("a long head", &long, "HTTP/1.1 431"),
        ("many headers", &many, "HTTP/1.1 431"),
    ];
    for (case, sent, expected) in cases {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The answer may come, and the end with it, before all is sent.
        let _ = stream.write_all(sent.as_bytes()).await;
        let answer = until_end(&mut stream).await;
        assert!(answer.starts_with(expected), "{case}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up_and_one_that_flows_is_not() {
    let (listener, address) = tcp().await;
    let limits = ServeLimits { rate: 10_000, ..short() };
    let (_stop, _serving) = start_within(listener, limits).await;
    // Every 50 ms so many bytes: 100 or 100,000 a second.
    for (piece, expected) in [(5, "HTTP/1.1 408"), (5_000, "HTTP/1.1 422")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = piece * 30;
        let head = format!(
            "POST /api/v2.0/registries HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        let text = "x".repeat(piece);
        for _ in 0..30 {
            pace.tick().await;
            if stream.write_all(text.as_bytes()).await.is_err() {
                break;
            }
        }
        let answer = until_end(&mut stream).await;
        assert!(answer.starts_with(expected), "{piece}: {answer}");
    }
}

/// Pipelines requests and reads no answer until the server has given up; gives how long it took.
async fn read_nothing(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Duration {
    let begun = Instant::now();
    let path = "x".repeat(8_000);
    let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // Each answer repeats the path. The kernel's buffers fill up, then the server waits for us.
    let writing = async {
        for _ in 0..10_000 {
            if stream.write_all(request.as_bytes()).await.is_err() {
                return;
            }
        }
        panic!("the server took everything");
    };
    assert!(timeout(PATIENCE, writing).await.is_ok(), "the server waits for a reader without end");
    begun.elapsed()
}

#[tokio::test]
async fn who_does_not_read_is_sent_away() {
    let (listener, address) = tcp().await;
    let (_stop, _serving) = start_within(listener, short()).await;
    let took = read_nothing(TcpStream::connect(address).await.unwrap()).await;
    assert!(took >= Duration::from_millis(300), "{took:?}");
}

#[tokio::test]
async fn one_address_has_its_share_of_connections_and_all_have_theirs() {
    let (listener, address) = tcp().await;
    let limits = ServeLimits { connections_per_address: 2, ..ServeLimits::default() };
    let (_stop, _serving) = start_within(listener, limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let keep = b"GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(keep).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        held.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(until_end(&mut third).await, "");
    held.pop();
    let freed = async {
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let close =
                b"GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(close).await;
            if until_end(&mut stream).await.starts_with("HTTP/1.1 200") {
                return;
            }
        }
    };
    assert!(timeout(PATIENCE, freed).await.is_ok(), "a place is not given back");
}

#[tokio::test]
async fn no_connection_lives_without_end() {
    let (listener, address) = tcp().await;
    let limits = ServeLimits { life: Duration::from_millis(300), ..ServeLimits::default() };
    let (_stop, _serving) = start_within(listener, limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let asking = async {
        let mut answer = [0; 1024];
        loop {
            let keep = b"GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
            if stream.write_all(keep).await.is_err()
                || stream.read(&mut answer).await.unwrap_or(0) == 0
            {
                return;
            }
        }
    };
    assert!(timeout(PATIENCE, asking).await.is_ok(), "it goes on for ever");
}

#[tokio::test]
async fn large_bodies_of_many_are_bounded_together() {
    let (listener, address) = tcp().await;
    // Of one address, a quarter.
    let limits = ServeLimits { bodies: 4_000, ..ServeLimits::default() };
    let (_stop, _serving) = start_within(listener, limits).await;
    for (length, expected) in
        [(900, "HTTP/1.1 422"), (1_100, "HTTP/1.1 503"), (900, "HTTP/1.1 422")]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /api/v2.0/registries HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = until_end(&mut stream).await;
        assert!(answer.starts_with(expected), "{length}: {answer}");
    }
}
