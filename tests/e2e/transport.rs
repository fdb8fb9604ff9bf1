//! How requests reach the daemon: TLS with its certificates, plain HTTP and its refusal, proxies
//! that are believed and others that are not, and what is logged.

mod tls;

use std::{fs, net::SocketAddr, path::Path, process::Stdio};

use e2e::{
    api,
    daemon::{Daemon, command},
    http::Client,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Registry, layer};
use rcgen::{BasicConstraints, IsCa};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    process::Command,
    time::timeout,
};

use tls::{Pair, Visitor};

/// A file of settings beside the certificates it names.
fn settings(directory: &Path, toml: &str) -> String {
    let path = directory.join("portolan.toml");
    fs::write(&path, toml).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Host and port of a daemon that serves TLS.
fn address(daemon: &Daemon) -> String {
    let url = daemon.url();
    url.strip_prefix("https://").unwrap_or_else(|| panic!("{url}")).to_owned()
}

const TLS: &str = "tls_certificate = \"cert.pem\"\ntls_key = \"key.pem\"\n";

#[tokio::test]
async fn tls_is_served_and_its_certificate_renewed() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (Pair::server(), Pair::server());
    first.write(directory.path(), "cert.pem", "key.pem");
    let toml = format!("external_url = \"https://portolan.example.com\"\n{TLS}");
    let file = settings(directory.path(), &toml);
    let daemon = Daemon::start(&directory.path().join("data"), &["--config", &file]).await;
    let address = address(&daemon);
    let visitor = Visitor::new(&address, &first, None);

    let ping = visitor.ask("GET /api/v2.0/ping", "portolan.example.com", "").await.unwrap();
    assert!(ping.starts_with("HTTP/1.1 200 OK") && ping.ends_with("Pong"), "{ping}");
    for line in [
        "strict-transport-security: max-age=31536000",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    ] {
        assert!(ping.contains(&format!("\r\n{line}\r\n")), "{line}: {ping}");
    }
    let local = visitor.ask("GET /api/v2.0/ping", "localhost", "").await.unwrap();
    assert!(!local.contains("strict-transport-security"), "{local}");
    let foreign = visitor.ask("GET /api/v2.0/ping", "evil.example.com", "").await.unwrap();
    assert!(foreign.starts_with("HTTP/1.1 421"), "{foreign}");
    assert_eq!(visitor.ping_over_http2().await, "HTTP/2.0 200 OK Pong");

    let login = r#"{"username": "admin", "password": "Correct-Horse-1"}"#;
    let session = visitor.ask("POST /api/portolan/v1/sessions", "localhost", login).await.unwrap();
    assert!(session.contains("set-cookie: __Host-portolan_session="), "{session}");
    assert!(session.contains("; Secure"), "{session}");

    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut answer)).await.expect("it is ended");
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "{answer:?}");

    fs::write(directory.path().join("key.pem"), "not a key").unwrap();
    eventually(PATIENCE, "the broken key is told", async || {
        let told = |line: &String| line.contains("read before stays in use");
        if daemon.log().iter().any(told) { Ok(()) } else { Err(daemon.log()) }
    })
    .await;
    visitor.ask("GET /api/v2.0/ping", "localhost", "").await.unwrap();
    second.write(directory.path(), "cert.pem", "key.pem");
    let renewed = Visitor::new(&address, &second, None);
    eventually(PATIENCE, "the new certificate is shown", async || {
        renewed.ask("GET /api/v2.0/ping", "localhost", "").await
    })
    .await;
    assert!(visitor.ask("GET /api/v2.0/ping", "localhost", "").await.is_err());
}

#[tokio::test]
async fn client_certificates_are_wanted_and_log_in_whom_they_name() {
    let directory = tempfile::tempdir().unwrap();
    let server = Pair::server();
    server.write(directory.path(), "cert.pem", "key.pem");
    let authority = Pair::new("our CA", IsCa::Ca(BasicConstraints::Unconstrained));
    let other = Pair::new("another CA", IsCa::Ca(BasicConstraints::Unconstrained));
    authority.write(directory.path(), "ca.pem", "ca-key.pem");
    let toml = format!("{TLS}tls_client_ca = \"ca.pem\"\ntls_client_users = true\n");
    let file = settings(directory.path(), &toml);
    let daemon = Daemon::start(&directory.path().join("data"), &["--config", &file]).await;
    let address = address(&daemon);
    let current = async |client| {
        let visitor = Visitor::new(&address, &server, client);
        visitor.ask("GET /api/v2.0/users/current", "localhost", "").await
    };
    let admin = current(Some(authority.sign("admin"))).await.unwrap();
    assert!(
        admin.starts_with("HTTP/1.1 200") && admin.contains("\"username\":\"admin\""),
        "{admin}"
    );
    let nobody = current(Some(authority.sign("nobody"))).await.unwrap();
    assert!(nobody.starts_with("HTTP/1.1 401"), "{nobody}");
    assert!(current(None).await.is_err(), "no certificate, no connection");
    assert!(current(Some(other.sign("admin"))).await.is_err(), "the wrong CA signed it");
}

#[tokio::test]
async fn plain_http_beyond_this_computer_has_to_be_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = command(directory.path()).await;
    serve.args(["serve", "--listen", "0.0.0.0:0"]).stderr(Stdio::piped());
    let ended = timeout(PATIENCE, serve.output()).await.expect("it ends").unwrap();
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success(), "{words}");
    assert!(words.contains("--tls-certificate") && words.contains("--allow-plain-http"), "{words}");
}

/// Asks over plain HTTP, from an address of our choice: all of 127.0.0.0/8 is ours.
async fn ask_from(from: &str, daemon: &Daemon, headers: &[(&str, &str)]) -> String {
    let to: SocketAddr = daemon.url().trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    let mut head = "GET /api/v2.0/users/current HTTP/1.1\r\nHost: localhost\r\n".to_owned();
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_user_named_in_a_header_counts_from_a_trusted_proxy_alone() {
    let directory = tempfile::tempdir().unwrap();
    let toml = "trusted_proxies = [\"127.0.0.2\"]\n[proxy_auth]\nheader = \"X-Remote-User\"\n\
                role_header = \"X-Remote-Groups\"\ndefault_role = \"none\"\n\
                [proxy_auth.roles]\n\"Registry Admins\" = \"admin\"\n";
    let file = settings(directory.path(), toml);
    let daemon = Daemon::start(&directory.path().join("data"), &["--config", &file]).await;
    const ADA: (&str, &str) = ("X-Remote-User", "ada@example.com");
    const ADMINS: (&str, &str) = ("X-Remote-Groups", "staff, Registry Admins");
    let seen = ask_from("127.0.0.2", &daemon, &[ADA, ADMINS]).await;
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    let user: Value = serde_json::from_str(seen.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(user["username"], "ada@example.com");
    assert_eq!((&user["sysadmin_flag"], &user["user_id"]), (&json!(true), &json!(0)));
    for (from, headers) in [
        ("127.0.0.2", &[ADA, ("X-Remote-Groups", "staff")]),
        ("127.0.0.1", &[ADA, ADMINS]),
        ("127.0.0.3", &[ADA, ADMINS]),
    ] {
        let seen = ask_from(from, &daemon, headers).await;
        assert!(seen.starts_with("HTTP/1.1 401"), "{from} {headers:?}: {seen}");
    }
    let warnings = daemon.log();
    let warnings: Vec<_> = warnings.iter().filter(|line| line.contains("was ignored")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[tokio::test]
async fn each_request_is_one_line_with_its_id() {
    let directory = tempfile::tempdir().unwrap();
    let toml = "log_format = \"json\"\nlog_filter = \"portolan=debug\"\n";
    let file = settings(directory.path(), toml);
    let daemon = Daemon::start(&directory.path().join("data"), &["--config", &file]).await;
    let admin = daemon.admin();
    assert_eq!(admin.get("/api/v2.0/registries/7?secret=hush").await.status, 404);
    let nobody = Client::new(daemon.url()).delete("/api/v2.0/registries/7").await;
    let lines = eventually(PATIENCE, "both requests are told", async || {
        let all: Vec<Value> =
            daemon.log().iter().filter_map(|it| serde_json::from_str(it).ok()).collect();
        let told: Vec<Value> =
            all.into_iter().filter(|line| line["fields"]["message"] == "answered").collect();
        if told.len() == 2 { Ok(told) } else { Err(told) }
    })
    .await;
    let expected = [("GET", 404, "admin"), ("DELETE", 401, "-")];
    for (line, (method, status, user)) in lines.iter().zip(expected) {
        let fields = &line["fields"];
        assert_eq!(fields["method"], method, "{line}");
        assert_eq!((&fields["status"], &fields["user"]), (&json!(status), &json!(user)), "{line}");
        assert_eq!(fields["route"], "/api/v2.0/registries/{id}", "{line}");
        assert!(fields["ms"].is_u64() && fields["address"] == "127.0.0.1", "{line}");
    }
    assert_eq!(lines[1]["span"]["id"].as_str().unwrap(), nobody.headers["x-request-id"]);
    assert!(!daemon.log().iter().any(|line| line.contains("hush")));
}

#[tokio::test]
async fn lines_of_a_run_say_its_execution_and_task() {
    for format in ["json", "text"] {
        let directory = tempfile::tempdir().unwrap();
        let toml = format!("log_format = \"{format}\"\nlog_filter = \"portolan=debug\"\n");
        let file = settings(directory.path(), &toml);
        let daemon = Daemon::start(&directory.path().join("data"), &["--config", &file]).await;
        let client = daemon.admin();
        let (one, other) = (Registry::builder(), Registry::builder());
        let (one, other) = (one.start().await.unwrap(), other.start().await.unwrap());
        one.put_image("lib/app", "v1", &[layer(1, 1_000)]);
        let mut ids = Vec::new();
        for (name, registry) in [("one", &one), ("other", &other)] {
            let body = api::registry("docker-registry", name, &registry.url(), None);
            ids.push(api::create_registry(&client, &body).await);
        }
        let ended = api::replicate(&client, ids[0], ids[1], json!({})).await;
        let (execution, task) = (&ended.execution["id"], &ended.tasks[0]["id"]);
        let expected = [("listing is over", None), ("a task is done", Some(task))];
        for (said, task) in expected {
            let line = eventually(PATIENCE, said, async || {
                daemon.log().into_iter().find(|line| line.contains(said)).ok_or(daemon.log())
            })
            .await;
            if format == "json" {
                let line: Value = serde_json::from_str(&line).unwrap();
                let span = task.map_or_else(
                    || json!({"name": "execution", "id": execution}),
                    |task| json!({"name": "task", "id": task, "execution": execution}),
                );
                assert_eq!(line["span"], span, "{line}");
            } else {
                let span = task.map_or_else(
                    || format!("execution{{id={execution}}}: "),
                    |task| format!("task{{id={task} execution={execution}}}: "),
                );
                assert!(line.contains(&span), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn a_hangup_without_tls_disturbs_nobody() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let address = daemon.url().strip_prefix("http://").unwrap().to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let mut ping = async || {
        let request = b"GET /api/v2.0/ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
        connection.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"Pong") {
            let read = timeout(PATIENCE, connection.read_buf(&mut answer)).await.unwrap().unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        }
    };
    ping().await;
    for _ in 0..3 {
        let sent = Command::new("kill").args(["-HUP", &daemon.id().to_string()]).status().await;
        assert!(sent.unwrap().success());
        ping().await;
    }
    assert!(daemon.terminate().await.success(), "it was SIGTERM that ended it");
}
