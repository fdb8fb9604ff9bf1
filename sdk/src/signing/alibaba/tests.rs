//! Known answers, and the vendor's own signers as second opinion.

use serde_json::{Value, json};

use super::*;
use crate::{
    Auth,
    http::Request,
    signing::{hex, oracle, sha256_hex},
    testing::{Running, ScriptedHost},
};

const NONCE: &str = "0f4b2f6e-7f6e-4a34-9a2e-6f2f1f0a7b11";
/// 2026-08-21T08:00:00Z
const MARK: Mark<'_> = Mark { instant: 1_787_299_200, nonce: NONCE };
const EMPTY: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";

fn host(secret: &str) -> Running {
    ScriptedHost::new("https://registry.test").credentials("testid", secret).start()
}

fn account(access_key: &str) -> Account<'_> {
    Account { access_key, security_token: None }
}

fn authorization(request: &Request) -> String {
    match request.authentication() {
        Auth::Raw(raw) => format!("{} {}", raw.scheme, raw.value),
        other => panic!("not signed: {other:?}"),
    }
}

/// Alibaba Cloud, "Request syntax and signature method V3", the fixed example.
#[test]
fn v3_signs_as_documented() {
    let _host = host("YourAccessKeySecret");
    let url = "https://ecs.cn-shanghai.aliyuncs.com/\
        ?RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd";
    let call = Operation { action: "RunInstances", version: "2014-05-26" };
    let mark = Mark { instant: 1_698_315_752, nonce: "3156853299f313e23d1673dc12e1703d" };
    let signed = v3::marked(Request::post(url), call, account("YourAccessKeyId"), mark);
    let signed = signed.expect("a signature");
    let (text, names) = v3::string_to_sign(&signed.signable(), &sha256_hex(b""));
    let canonical = "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259";
    assert_eq!(text, format!("ACS3-HMAC-SHA256\n{canonical}"));
    let expected = format!(
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={names},\
         Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    );
    assert_eq!(authorization(&signed), expected);
    let all =
        "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
    assert_eq!(names, all);
}

/// Alibaba Cloud, `roa_signature_composer_test` of its SDK for Go.
#[test]
fn roa_signs_as_the_vendors_library() {
    let host = host("accessKeySecret");
    let request = |accept: &str, sum: &str, media_type: &str| {
        Request::get("https://x.test/users/:user")
            .accept(accept)
            .header("Content-MD5", sum)
            .header("Content-Type", media_type)
            .header("Date", "mock date")
            .header("x-acs-signature-method", "HMAC-SHA1")
            .header("x-acs-signature-version", "1.0")
            .header("x-acs-version", "")
    };
    let cases = [
        (
            request("application/json", EMPTY, "application/octet-stream"),
            "degLHXLEN6rMojj+bOlK74U9iic=",
        ),
        (
            request(
                "application/xml",
                "7xdqbEJPlU+kLUzeA5SYlw==",
                "application/x-www-form-urlencoded",
            ),
            "U9uA3ftRZKixHPB08Z7Z4GOlpTY=",
        ),
    ];
    for (request, expected) in cases {
        let text = roa::string_to_sign(&request.signable());
        let mac = hmac(Hash::Sha1, "", text).expect("a signature");
        assert_eq!(base64(&mac), expected);
    }
    host.finish();
    let _host = self::host("testsecret");
    let get = Request::get("https://cr.cn-hangzhou.aliyuncs.com/tokens");
    let signed = roa::marked(get, "2016-06-07", account("testid"), MARK).expect("a signature");
    assert_eq!(authorization(&signed), "acs testid:G92F2PIyxcZUtywsWo6jExGuUNg=");
}

/// Alibaba Cloud ECS, "Request signatures", and the same with what the SDK for Go adds.
#[test]
fn rpc_signs_as_documented() {
    let _host = host("testsecret");
    let cases = [
        (
            "AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1\
             &SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0\
             &Timestamp=2016-02-23T12:46:24Z&Version=2014-05-26",
            "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
        ),
        (
            "AccessKeyId=testid&Action=GetAuthorizationToken&Format=JSON\
             &InstanceId=cri-abcdefgh12345678&RegionId=cn-hangzhou&SignatureMethod=HMAC-SHA1\
             &SignatureNonce=0f4b2f6e-7f6e-4a34-9a2e-6f2f1f0a7b11&SignatureType=\
             &SignatureVersion=1.0&Timestamp=2026-08-21T08:00:00Z&Version=2018-12-01",
            "rJon85oUVJb1mp872aA/Dq93UHM=",
        ),
    ];
    for (query, expected) in cases {
        let signature = rpc::signature("GET", &format!("https://x.test/?{query}"));
        assert_eq!(signature.as_deref(), Ok(expected));
    }
    let call = Operation { action: "GetAuthorizationToken", version: "2018-12-01" };
    let url = "https://x.test/?InstanceId=cri-abcdefgh12345678&RegionId=cn-hangzhou&SignatureType=";
    let signed = rpc::marked(Request::get(url), call, account("testid"), MARK);
    let signed = signed.expect("a signature");
    let end = "&Signature=rJon85oUVJb1mp872aA%2FDq93UHM%3D";
    assert!(signed.signable().url.ends_with(end), "{}", signed.signable().url);
}

#[test]
fn an_account_wants_both_halves() {
    let whole = ScriptedHost::new("https://r.test").credentials("id", "secret").start();
    let mut endpoint = whole.endpoint().clone();
    assert_eq!(Account::of(&endpoint).expect("an account").security_token, None);
    endpoint.extra.push(crate::KeyValue::new("session-token", "sts"));
    assert_eq!(Account::of(&endpoint).expect("an account").security_token, Some("sts"));
    endpoint.access_key = None;
    assert!(matches!(Account::of(&endpoint), Err(Error::Unauthenticated(_))));
}

/// Each scheme over what is easily got wrong: values that need escapes, in any script, or none at
/// all; names in another order; bodies, types, temporary keys.
#[test]
fn the_vendors_own_signers_agree() {
    const SECRET: &str = "testsecret";
    let _host = host(SECRET);
    let (mut cases, mut ours) = (Vec::new(), Vec::new());
    for number in 0..120_u64 {
        let token = (number % 3 == 0).then_some("sts/+=token~");
        let account = Account { access_key: "testid", security_token: token };
        let mark = Mark { instant: 1_787_299_200 + number * 7919, nonce: NONCE };
        let call = Operation { action: "ListRepoTag", version: "2018-12-01" };
        let path = ["/", "/repos/team/app/tags/v1.0_x", "/namespace"][(number % 3) as usize];
        let request = || {
            let url = format!("https://cr.cn-hangzhou.aliyuncs.com{path}");
            let request = if number % 2 == 0 { Request::get(url) } else { Request::put(url) };
            let request = query(request, number);
            if number % 5 == 1 { request.json(&json!({"n": number, "ü": "%"})) } else { request }
        };
        let v3 = v3::marked(request(), call, account, mark).expect("a signature");
        ours.push(authorization(&v3));
        cases.push(case("v3", &v3));
        let roa = roa::marked(request(), "2016-06-07", account, mark).expect("a signature");
        ours.push(authorization(&roa));
        cases.push(case("roa", &roa));
        let get = query(Request::get("https://cr.cn-hangzhou.aliyuncs.com/"), number);
        let rpc = rpc::marked(get, call, account, mark).expect("a signature");
        let signable = rpc.signable();
        let (unsigned, signature) = signable.url.split_once("&Signature=").expect("signed");
        ours.push(decode(signature));
        cases.push(json!({"scheme": "rpc", "secret": SECRET, "method": "GET", "url": unsigned}));
    }
    let Some(theirs) = oracle::ask("alibaba.py", &cases) else { return };
    for ((ours, theirs), case) in ours.iter().zip(&theirs).zip(&cases) {
        assert_eq!(ours, theirs, "{case}");
    }
}

fn query(request: Request, number: u64) -> Request {
    match number % 7 {
        0 => request,
        1 => request.query("PageNo", number).query("InstanceId", "cri-1"),
        2 => request.query("b", "x y*z~%25+&=/").query("a", "ü中文").query("A", number),
        3 => request.query("Tag", "").query("RepoId", "crr-1"),
        4 => request.query("a-b", 1).query("a", 2).query("a_b", 3).query("a.b", 4),
        // Names need no escapes: the vendor's library would not write them, against its document.
        5 => request.query("y", "值").query("z", "'\"<>()!"),
        _ => request.query("PageSize", 100).query("Page", number),
    }
}

fn case(scheme: &str, request: &Request) -> Value {
    let signable = request.signable();
    let headers: serde_json::Map<String, Value> =
        signable.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let body = core::str::from_utf8(signable.body).expect("text");
    json!({"scheme": scheme, "key": "testid", "secret": "testsecret", "method": signable.method,
        "url": signable.url, "headers": headers, "body": body})
}

#[test]
fn a_changed_byte_is_another_signature() {
    let _host = host("testsecret");
    let call = Operation { action: "ListRepoTag", version: "2018-12-01" };
    let url = "https://cr.test/?a=1";
    let with = |url: &str, body: &str| {
        let request = Request::post(url).body("text/plain", body.as_bytes().to_vec());
        let v3 = v3::marked(request.clone(), call, account("id"), MARK).expect("a signature");
        let roa = roa::marked(request, "2016-06-07", account("id"), MARK).expect("a signature");
        [authorization(&v3), authorization(&roa)]
    };
    let base = with(url, "body");
    for other in [with(url, "bodz"), with("https://cr.test/?a=2", "body")] {
        assert!(base.iter().zip(&other).all(|(one, other)| one != other));
    }
    // Neither sees the order in which a query is written.
    let (one, other) = (with("https://cr.test/?a=1&b=2", ""), with("https://cr.test/?b=2&a=1", ""));
    assert_eq!(one, other);
    assert_eq!(hex(&[1, 255]), "01ff");
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}
