//! Against a scripted daemon: what is on the wire, and what becomes of its answers.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Answers one connection after another, and gives back what each one asked.
async fn scripted(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            asked.push(String::from_utf8(request[..length].to_vec()).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    (server, task)
}

fn client(server: &str) -> (Client, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "pass:word\n").unwrap();
    let connection = Connection {
        user: "admin".to_owned(),
        password_file: Some(password),
        ..Connection::default()
    };
    let lookup = |name: &str| (name == "PORTOLAN_SERVER").then(|| server.to_owned());
    (Client::new(&connection, lookup).unwrap(), directory)
}

#[tokio::test]
async fn a_name_is_looked_for_on_every_page_before_it_is_taken_for_an_id() {
    let page = |names: std::ops::Range<u64>| {
        let rows: Vec<_> = names.map(|id| json!({"id": id, "name": format!("n{id}")})).collect();
        answer("200 OK", &json!(rows).to_string())
    };
    let single = answer("200 OK", &json!({"id": 42, "name": "forty-two"}).to_string());
    let (server, task) =
        scripted(vec![page(0..100), page(100..101), page(0..1), single, page(0..1)]).await;
    let (client, _directory) = client(&server);
    let path = "/api/v2.0/registries";
    assert_eq!(client.find(path, "endpoint", "n100").await.unwrap()["id"], 100);
    assert_eq!(client.find(path, "endpoint", "42").await.unwrap()["name"], "forty-two");
    let missing = client.find(path, "endpoint", "none").await.unwrap_err();
    let hint = "`portolan endpoint list` shows which there are";
    assert_eq!(missing, Failure::new("there is no endpoint `none`").hint(hint));
    let asked = task.await.unwrap();
    assert!(asked[0].starts_with("GET /api/v2.0/registries?page=1&page_size=100 HTTP/1.1\r\n"));
    assert!(asked[1].starts_with("GET /api/v2.0/registries?page=2&page_size=100 HTTP/1.1\r\n"));
    assert!(asked[3].starts_with("GET /api/v2.0/registries/42 HTTP/1.1\r\n"));
    assert!(asked[0].contains("authorization: Basic YWRtaW46cGFzczp3b3Jk\r\n"), "{}", asked[0]);
}

#[tokio::test]
async fn a_refusal_is_the_daemons_own_sentence() {
    let envelope = json!({"errors": [{"code": "BAD_REQUEST", "message": "no such host"}]});
    let (server, task) = scripted(vec![
        answer("400 Bad Request", &envelope.to_string()),
        answer("502 Bad Gateway", "<html>"),
        answer("200 OK", "<html>"),
    ])
    .await;
    let (client, _directory) = client(&server);
    assert_eq!(client.get("/a").await.unwrap_err(), Failure::new("no such host"));
    let expected =
        Failure::new("the daemon answered 502 Bad Gateway").hint("the daemon's log has the reason");
    assert_eq!(client.get("/b").await.unwrap_err(), expected);
    let message = format!("{:?}", client.get("/c").await.unwrap_err());
    assert!(message.contains("the daemon's answer is not JSON"), "{message}");
    task.await.unwrap();
}

#[tokio::test]
async fn the_socket_of_the_data_directory_needs_no_password() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("portolan.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let data_dir = directory.path().display().to_string();
    let lookup = |name: &str| (name == "PORTOLAN_DATA_DIR").then(|| data_dir.clone());
    let client = Client::new(&Connection::default(), lookup).unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(answer("200 OK", "").as_bytes()).await.unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    assert_eq!(client.get("/a").await.unwrap(), Value::Null);
    let asked = task.await.unwrap();
    assert!(asked.contains("host: localhost\r\n") && !asked.contains("authorization"), "{asked}");

    std::fs::remove_file(&socket).unwrap();
    let message = format!("{:?}", client.get("/a").await.unwrap_err());
    assert!(message.contains("cannot reach the daemon at"), "{message}");
    assert!(message.contains("is `portolan serve` running?"), "{message}");
}

#[test]
fn a_policy_is_a_rule_here_and_names_stay() {
    let used = "the endpoint `a policy` is used by ";
    for (theirs, ours) in [
        ("policy 9 does not exist".to_owned(), "rule 9 does not exist".to_owned()),
        (
            "the policy `policy` is being run".to_owned(),
            "the rule `policy` is being run".to_owned(),
        ),
        (
            "the name `policy` is taken by another policy".to_owned(),
            "the name `policy` is taken by another rule".to_owned(),
        ),
        (format!("{used}a policy (id 1); x"), format!("{used}a rule (id 1); x")),
        (format!("{used}policies (ids 1, 2)"), format!("{used}rules (ids 1, 2)")),
    ] {
        assert_eq!(in_our_words(&theirs), ours);
    }
}
