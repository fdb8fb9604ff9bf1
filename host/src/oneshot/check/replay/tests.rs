//! Which recorded exchange answers a request.

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::*;

const ENDPOINT: &str = "registry.example.test";

fn played(text: &str) -> Played {
    let files = [("file.jsonl".to_owned(), text.to_owned())];
    let fixture = read(&files).unwrap().pop().unwrap();
    Played {
        rows: fixture.rows,
        endpoint: ENDPOINT.to_owned(),
        used: Mutex::default(),
        unanswered: Mutex::default(),
        now: Mutex::default(),
    }
}

fn call(method: Method, address: &str, headers: &[(&'static str, &str)], body: &str) -> StageCall {
    let rest = address.strip_prefix("https://").unwrap_or(address);
    let (host, path) = rest.split_once('/').unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    StageCall {
        host: if host.is_empty() { ENDPOINT } else { host }.to_owned(),
        method,
        path: format!("/{path}"),
        query: query.to_owned(),
        headers: map,
        body: Bytes::from(body.to_owned()),
    }
}

const ROWS: &str = r#"
{"q":{"m":"GET","p":"/v2/"},"r":{"s":401,"b":"no"}}
{"q":{"m":"GET","p":"/token?scope=repository:team/app:pull","h":{"Authorization":"Basic dTpw"}},"r":{"s":200,"b":{"token":"a"}}}
{"q":{"m":"GET","p":"/token","h":{"Authorization":"Basic dTpiYWQ="}},"r":{"s":403}}
{"q":{"m":"GET","p":"/list?page=1&page_size=2"},"r":{"s":200,"b":["one"]}}
{"q":{"m":"GET","p":"/list?page=2&page_size=2"},"r":{"s":201,"b":["two"]}}
{"q":{"m":"POST","u":"https://api.example/","h":{"X-Target":"List"},"b":{"name":"x","max":1}},"r":{"s":202}}
{"q":{"m":"POST","u":"https://api.example/","h":{"X-Target":"List"},"b":{"name":"y","max":1}},"r":{"s":203}}
{"q":{"m":"GET","u":"https://rpc.example/?Action=A&Id=i"},"r":{"s":204}}
{"q":{"m":"GET","p":"/signed","h":{"Authorization":"ACS3 old"}},"r":{"s":205}}
{"q":{"m":"GET","p":"/twice"},"r":{"s":500}}
{"q":{"m":"GET","p":"/twice"},"r":{"s":501}}
"#;

#[test]
fn requests_find_their_row() {
    let played = played(ROWS);
    let get = |address: &str| call(Method::GET, address, &[], "");
    let with =
        |address: &str, value: &str| call(Method::GET, address, &[("authorization", value)], "");
    let post = |target: &str, body: &str| {
        call(Method::POST, "https://api.example/", &[("x-target", target)], body)
    };
    for (call, status) in [
        (get("/v2/"), 401),
        (call(Method::HEAD, "/v2/", &[], ""), 404),
        (get("https://other.example/v2/"), 404),
        (with("/token?scope=repository:team/app:pull&service=s", "Basic dTpw"), 200),
        (with("/token?scope=repository:team/app:pull,push", "Basic dTpw"), 200),
        (with("/token?scope=repository:team/app:pull", "Basic dTpiYWQ="), 403),
        (with("/token", "Basic b3RoZXI6eA=="), 404),
        (get("/list?page=1&page_size=100"), 200),
        (get("/list?page_size=100&page=2"), 201),
        (post("List", r#"{"name":"x","max":100}"#), 202),
        (post("List", r#"{"name":"y","max":100}"#), 203),
        (post("Delete", "{}"), 404),
        (get("https://rpc.example/?Action=A&Id=j&Nonce=1"), 204),
        (get("https://rpc.example/?Action=B&Id=i"), 404),
        (with("/signed", "ACS3 new"), 205),
        (with("/signed", "Bearer new"), 404),
        (get("/twice"), 500),
        (get("/twice"), 501),
    ] {
        assert_eq!(played.answer(&call).status, status, "{call:?}");
    }
    assert_eq!(played.used(), played.rows.len(), "every row was asked for");
    assert!(played.unanswered.lock().unwrap().contains("GET https://other.example/v2/"));
}

#[test]
fn logins_and_repositories_are_taken_from_the_rows() {
    let played = played(ROWS);
    let logins: Vec<_> = played.rows.iter().filter_map(Row::login).collect();
    assert_eq!(logins[0], ("u".to_owned(), "p".to_owned()));
    let text = r#"{"q":{"m":"GET","p":"/v2/a/b/tags/list"},"r":{"s":200}}
                  {"q":{"m":"POST","p":"/","b":{"repositoryName":"c/d"}},"r":{"s":200}}"#;
    let repositories = |rows: &[Row]| rows.iter().flat_map(Row::repositories).collect::<Vec<_>>();
    assert_eq!(repositories(&self::played(text).rows), ["a/b", "c/d"]);
    assert_eq!(repositories(&played.rows), ["team/app"]);
}

#[test]
fn tags_are_taken_from_the_paths() {
    let paths = ["manifests/v1", "tags/v2/", "1.0.0", "tags/list", "blobs/uploads/", "other/x"];
    let row = |path: &str| {
        let name = if path.starts_with("other") { "a" } else { "a/app" };
        format!(r#"{{"q":{{"m":"GET","p":"/v2/{name}/{path}"}},"r":{{"s":200}}}}"#)
    };
    let played = played(&paths.map(row).join("\n"));
    let tags: Vec<_> = played.rows.iter().filter_map(|row| row.reference("a/app")).collect();
    assert_eq!(tags, ["v1", "v2", "1.0.0"]);
}

#[test]
fn lines_that_are_none_are_named() {
    for bad in [
        r#"{"q":{"m":"GET"},"r":{"s":200}}"#,
        r#"{"q":{"m":"GET","p":"/a","u":"https://b/"},"r":{"s":200}}"#,
        r#"{"q":{"m":"GET","p":"/a","x":1},"r":{"s":200}}"#,
        "no JSON",
    ] {
        let files = [("file.jsonl".to_owned(), format!("\n{bad}"))];
        let error = read(&files).err().unwrap().to_string();
        assert!(error.starts_with("file.jsonl line 2"), "{error}");
    }
}
