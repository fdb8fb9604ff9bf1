//! The scripted host must fail a test that goes wrong; requests must arrive as they were built.

use serde_json::json;

use super::*;
use crate::{
    TemplateFormat, cache,
    http::{Request, send_all},
    log,
    signer::{self, Hash},
};

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path)
}

fn started(exchange: Exchange) -> Running {
    ScriptedHost::new("https://r.test").credentials("user", "pa\"ss").exchange(exchange).start()
}

#[test]
#[should_panic(expected = "the script expected more requests")]
fn an_unused_exchange_fails() {
    started(get("/a")).finish();
}

#[test]
#[should_panic(expected = "the script does not expect GET https://r.test/b")]
fn a_request_too_many_fails() {
    let _host = ScriptedHost::new("https://r.test").start();
    let _ = Request::get("/b").send();
}

#[test]
fn every_difference_fails() {
    let body = get("/a").expect_body(json!({"x": 1}));
    for (expected, sent, difference) in [
        (get("/a"), Request::head("/a"), "another method or address"),
        (get("/a"), Request::get("/b"), "another method or address"),
        (get("/a?x=1"), Request::get("/a"), "another method or address"),
        (get("/a"), Request::get("https://o.test/a"), "another method or address"),
        (get("/a").expect_header("X", "1"), Request::get("/a").header("X", "2"), "the header X"),
        (get("/a").expect_no_header("Authorization"), Request::get("/a").basic(), "is sent"),
        (body, Request::get("/a").json(&json!({"x": 2})), "another body"),
        (
            get("/a").expect_field("n", "1"),
            Request::get("/a").form(&[("n", "2")]),
            "the form field n",
        ),
    ] {
        let outcome = std::panic::catch_unwind(|| {
            let _host = started(expected);
            sent.send()
        });
        let text = outcome.expect_err("a failed test").downcast::<String>().expect("a text");
        assert!(text.contains(difference), "{text}");
    }
}

#[test]
fn requests_arrive_as_they_were_built() {
    let secret = SecretText { prefix: "token ".into(), part: String::new(), suffix: String::new() };
    let post = |path: &str| Exchange::new("POST", path);
    for (expected, sent) in [
        (
            get("/a?x=a%2Fb&y=1&x=2"),
            Request::get("/a").query("x", "a/b").query("x", 2).query("y", 1),
        ),
        (get("/a?x=1&y=2"), Request::get("/a?x=1").query("y", 2)),
        (get("/a").expect_header("Accept", "t"), Request::get("/a").accept("t")),
        (
            get("/a").expect_header("X", "token pa\"ss"),
            Request::get("/a").secret_header("X", secret),
        ),
        (get("/a").expect_header("Authorization", "Bearer t"), Request::get("/a").bearer("t")),
        (
            get("/a").expect_header("Authorization", "Basic bWU6cGEic3M="),
            Request::get("/a").basic_as("me", ""),
        ),
        (
            post("/a")
                .expect_header("Content-Type", "application/json")
                .expect_body(json!({"p": "pa\"ss"})),
            Request::post("/a").template(TemplateFormat::Json, r#"{"p":"${secret}"}"#),
        ),
        (
            post("/a").expect_field("p", "a&b").expect_field("q", "1"),
            Request::post("/a").form(&[("p", "a&b"), ("q", "1")]),
        ),
    ] {
        let host = started(expected);
        assert_eq!(sent.send().map(|answer| answer.status()), Ok(200));
        host.finish();
    }
}

#[test]
fn several_requests_are_answered_in_their_order() {
    let host = ScriptedHost::new("https://r.test")
        .any_order()
        .exchanges([get("/b").text("b"), get("/a").text("a"), get("/c").fails("dns", "no name")])
        .start();
    // A map with keys that are no text is no JSON; the others must not shift.
    let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
    let answers = send_all(vec![
        Request::get("/a"),
        Request::get("/x").json(&unwritable),
        Request::get("/b"),
        Request::get("/c"),
    ]);
    let shown: Vec<String> = answers
        .into_iter()
        .map(|answer| answer.map_or_else(|e| e.text().to_owned(), |answer| answer.text()))
        .collect();
    assert_eq!([&*shown[0], &*shown[2], &*shown[3]], ["a", "b", "no name"]);
    assert!(shown[1].starts_with("a request body is no JSON"));
    assert_eq!(host.requests().len(), 3);
}

#[test]
fn cache_log_and_signer_are_played() {
    let host = ScriptedHost::new("https://r.test")
        .hmac(|_, key, messages| [key.prefix.as_bytes(), &messages.concat()].concat())
        .start();
    cache::set("k", &7, 10);
    cache::set("never", &7, 0);
    assert_eq!((cache::get("k"), cache::get::<u8>("never")), (Some(7), None));
    assert_eq!(cache::get::<String>("k"), None);
    host.advance(10);
    assert_eq!(cache::get::<u8>("k"), None);
    log::info("hello", &[("who", "you")]);
    assert_eq!(host.logs().len(), 1);
    assert!(host.logs()[0].ends_with("hello who=you"), "{:?}", host.logs());
    let key = SecretText { prefix: "AWS4".into(), part: String::new(), suffix: String::new() };
    let signed = signer::hmac_chain(Hash::Sha256, &key, &[b"x".to_vec(), b"y".to_vec()]);
    assert_eq!(signed, Ok(b"AWS4xy".to_vec()));
    assert!(signer::sign_jwt(signer::JwtAlg::Rs256, "", "{}", "{}").is_err());
}
