//! Signatures that Huawei's guide and its own SDK give for the same requests.
//!
//! The first is of the guide ("AK/SK Signing and Authentication Guide"); the others were made with
//! `tests/oracles/huawei.py`, which calls huaweicloudsdkcore 3.1.219.

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    signing::oracle,
    testing::{Exchange, Running, ScriptedHost},
};

/// The key pair of the guide.
const ACCESS_KEY: &str = "QTWAOYTTINDUT2QVKYUC";
const SECRET: &str = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc";
const SWR: &str = "https://swr-api.cn-north-4.myhuaweicloud.com/v2/manage";
const TYPED: &str = "content-type;host;x-sdk-date";

fn at_the_guides_time(expected: Exchange) -> Running {
    let host = ScriptedHost::new("https://swr.test").credentials(ACCESS_KEY, SECRET);
    let running = host.exchange(expected).start();
    // 2019-11-15T03:36:55Z
    running.advance(1_573_789_015 - 1_000_000_000);
    running
}

fn typed(request: Request) -> Request {
    request.header("Content-Type", "application/json")
}

fn swr(path: &str) -> Request {
    typed(Request::get(format!("{SWR}{path}")))
}

#[test]
fn signatures_are_the_vendors() {
    let guide = "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs\
                 ?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0";
    let create = |body: &str| {
        let request = Request::post(format!("{SWR}/namespaces"));
        request.body("application/json", body.as_bytes().to_vec())
    };
    let headers = Request::get(format!("{SWR}/x/")).header("Z-Last", " 2 ").header("A-First", "1");
    for (request, names, signature) in [
        (
            typed(Request::get(guide)),
            TYPED,
            "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe",
        ),
        (
            Request::get(format!("{SWR}/namespaces")),
            "host;x-sdk-date",
            "e68a44f568fd7bfd2aa0050dcc88634ee91aa82344f9dd34509ba8b5851327f9",
        ),
        (
            create(r#"{"namespace":"team"}"#),
            TYPED,
            "8a23941db0b7eee42a6fce34601e846f0b45d1689bf61af3bfff2072f5afbdc2",
        ),
        // Another byte in the body, another signature.
        (
            create(r#"{"namespace":"teal"}"#),
            TYPED,
            "baf8816094848692802b6ad904b124f5fd4ed3da668a945aebea3f67438fd413",
        ),
        // A slash in a repository's name is a `$`; escaped or not, it is signed escaped.
        (
            typed(Request::delete(format!("{SWR}/namespaces/team/repos/a%24b/tags/v1~x"))),
            TYPED,
            "50bd0bdac562c2e7d924aa00e0fc4018ba07940d550d049bccc028241f73044f",
        ),
        (
            typed(Request::delete(format!("{SWR}/namespaces/team/repos/a$b/tags/v1~x"))),
            TYPED,
            "50bd0bdac562c2e7d924aa00e0fc4018ba07940d550d049bccc028241f73044f",
        ),
        (
            swr("/repos").query("filter", "limit::1000|offset::0"),
            TYPED,
            "7b884a6a0d3ef863739dc557db873263b3d417f1c88cfbc1bfb032820b950332",
        ),
        // A name twice, an empty value, a space, `~` and a letter outside ASCII.
        (
            swr("/x?b=2&a=2&a=1&empty").query("sp", "a b").query("t", "~").query("u", "ü"),
            TYPED,
            "d159c0221e057c0479dd2e5820cec93aa51f830e73f6957efcfbe0299eacb8d2",
        ),
        // Headers out of order, one with blanks around it.
        (
            typed(headers),
            "a-first;content-type;host;x-sdk-date;z-last",
            "95fe628ac1c56e104afe08d6640e3b0c1ae22731ced19de2a5e0e7f3dd7d523e",
        ),
    ] {
        let seen = request.signable();
        let authorization = format!(
            "SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={signature}"
        );
        let expected = Exchange::new(seen.method, seen.url)
            .expect_header("Authorization", &authorization)
            .expect_header("X-Sdk-Date", "20191115T033655Z");
        let host = at_the_guides_time(expected);
        sign(request, ACCESS_KEY).and_then(Request::send).expect("an answer");
        host.finish();
    }
}

/// Requests of every kind, and what the vendor's SDK makes of each.
#[test]
fn the_vendors_sdk_signs_alike() {
    let host = at_the_guides_time(Exchange::new("GET", "/"));
    let (mut ours, mut cases) = (Vec::new(), Vec::new());
    for number in 0..300 {
        let request = sign(varied(number), ACCESS_KEY).expect("signed");
        let Auth::Raw(raw) = request.authentication() else { panic!("not signed") };
        ours.push(format!("{} {}", raw.scheme, raw.value));
        cases.push(case(&request));
    }
    Request::get("/").send().expect("an answer");
    host.finish();
    let Some(theirs) = oracle::ask("huawei.py", &cases) else { return };
    for ((ours, theirs), case) in ours.iter().zip(&theirs).zip(&cases) {
        assert_eq!(ours, theirs, "{case}");
    }
}

/// No name needs an escape: whether names are put in order before or after that is left open.
fn varied(number: u32) -> Request {
    let path = match number % 5 {
        0 => "/namespaces",
        1 => "/namespaces/team/repos/a$b$c/tags/v1.0_x~y",
        2 => "/namespaces/team/repos/a%24b/tags/%C3%BC%20x",
        3 => "/a:b/c@d/e+f/g=h&i;j,k'(l)*!",
        _ => "/ending/",
    };
    let url = format!("{SWR}{path}");
    let request = match number / 5 % 4 {
        0 => Request::get(url),
        1 => Request::delete(url),
        2 => Request::post(url).body("application/json", format!("{{\"n\":{number}}}").into()),
        _ => Request::put(url).body("application/json;charset=utf8", "ü".as_bytes().to_vec()),
    };
    let request = match number / 20 % 5 {
        0 => request,
        1 => request.query("filter", "center::self|limit::1000|offset::0"),
        2 => request.query("b", "x y*z~%25+&=/").query("a", "ü中文").query("A", number),
        3 => request.query("tag", "").query("tag", "b").query("tag", "a"),
        _ => request.query("a-b", 1).query("a", 2).query("a_b", 3).query("a.b", 4),
    };
    match number / 100 {
        0 => request,
        1 => request.header("X-Project-Id", "0123").header("A-First", "  two  words "),
        _ => request.header("X-Domain-Id", "ü"),
    }
}

fn case(request: &Request) -> Value {
    let seen = request.signable();
    let headers: Map<String, Value> =
        seen.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let body = core::str::from_utf8(seen.body).expect("text");
    json!({"key": ACCESS_KEY, "secret": SECRET, "method": seen.method, "url": seen.url,
        "headers": headers, "body": body})
}

#[test]
fn another_second_is_another_signature() {
    let host = at_the_guides_time(Exchange::new("GET", "https://h.test/"));
    let now = sign(Request::get("https://h.test/"), ACCESS_KEY).expect("signed");
    host.advance(1);
    let later = sign(Request::get("https://h.test/"), ACCESS_KEY).expect("signed");
    assert_ne!(format!("{now:?}"), format!("{later:?}"));
    now.send().expect("an answer");
}
