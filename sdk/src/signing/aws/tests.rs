//! AWS's published vectors, and botocore as a second opinion.

use serde_json::{Value, json};

use super::*;
use crate::{
    Method,
    signing::oracle,
    testing::{Exchange, Running, ScriptedHost},
};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 20150830T123600Z
const INSTANT: u64 = 1_440_938_160;
/// Where the clock of a scripted host stands.
const START: u64 = 1_000_000_000;

fn scope<'a>(region: &'a str, service: &'a str) -> Scope<'a> {
    Scope { region, service, access_key: "AKIDEXAMPLE", session_token: None }
}

fn host_at(instant: u64, secret: &str) -> Running {
    let host = ScriptedHost::new("https://r.test").credentials("AKIDEXAMPLE", secret).start();
    host.advance(instant - START);
    host
}

fn ecr(host: &str, target: &str) -> Request {
    Request::post(format!("https://{host}/"))
        .header("X-Amz-Target", target)
        .body("application/x-amz-json-1.1", b"{}".to_vec())
}

/// The value of `Authorization`, which a signed request always has.
fn authorization(request: &Request) -> String {
    match request.authentication() {
        Auth::Raw(raw) => format!("{} {}", raw.scheme, raw.value),
        other => panic!("{other:?}"),
    }
}

fn signature(request: &Request) -> String {
    let value = authorization(request);
    value.rsplit_once("Signature=").expect("a signature").1.to_owned()
}

fn canonical_hash(request: &Request) -> String {
    let signable = request.signable();
    let headers = signed_headers(&signable).expect("absolute");
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    sha256_hex(canonical_request(&signable, &headers, &names.join(";")).as_bytes())
}

/// The first two are AWS's own; botocore 1.44.5 computes the others alike.
#[test]
fn signs_as_in_the_vectors() {
    let _host = host_at(INSTANT, SECRET);
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let private = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
    let public = "SpencerFrontendService.GetAuthorizationToken";
    let list = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
    for (request, service, hash, expected) in [
        (
            Request::get("https://example.amazonaws.com/"),
            "service",
            "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            Request::get(list).header("Content-Type", form),
            "iam",
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
        (
            ecr("api.ecr.us-east-1.amazonaws.com", private),
            "ecr",
            "696f9d23764d52f5c339be08179976e1c31aee8c781de678b4b36b35ccedda1f",
            "527a2155e9afc2426cb4c659023df9c031e8103458f349819615ff25111f5de0",
        ),
        (
            ecr("api.ecr-public.us-east-1.amazonaws.com", public),
            "ecr-public",
            "",
            "7f4ca0d963a87df3d01f6c4ab2257843501fb7772d9351b0a56f5eca8095cd59",
        ),
    ] {
        let signed = sign(request, &scope("us-east-1", service)).expect("signed");
        assert_eq!(signature(&signed), expected, "{service}");
        assert!(hash.is_empty() || canonical_hash(&signed) == hash, "{service}");
    }
}

#[test]
fn what_is_sent_is_what_was_signed() {
    let host = ScriptedHost::new("https://r.test")
        .credentials("AKIDEXAMPLE", SECRET)
        .exchange(
            Exchange::new("POST", "https://api.ecr.us-east-1.amazonaws.com/")
                .expect_header("X-Amz-Date", "20010909T014640Z")
                .expect_header("X-Amz-Security-Token", "session"),
        )
        .start();
    let temporary = Scope { session_token: Some("session"), ..scope("us-east-1", "ecr") };
    let signed = sign(ecr("api.ecr.us-east-1.amazonaws.com", "T.O"), &temporary).expect("signed");
    let names = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,";
    let value = authorization(&signed);
    let credential = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20010909/us-east-1/ecr/aws4_request";
    assert!(value.starts_with(credential) && value.contains(names), "{value}");
    signed.send().expect("an answer");
    assert!(host.requests()[0].ends_with("[AWS4-HMAC-SHA256]"), "{:?}", host.requests());
}

#[test]
fn every_difference_counts_and_the_order_of_headers_does_not() {
    let _host = host_at(INSTANT, SECRET);
    let sign_in = |request: Request, region| {
        signature(&sign(request, &scope(region, "ecr")).expect("signed"))
    };
    let host = "https://api.ecr.us-east-1.amazonaws.com";
    let post = |body: &str| Request::post(host).body("text/plain", body.as_bytes().to_vec());
    let first = sign_in(post("{}").header("X-A", "1").header("X-B", "2"), "us-east-1");
    let shuffled = Request::post(host)
        .header("x-b", " 2 ")
        .header("User-Agent", "not signed")
        .header("X-a", "1")
        .body("text/plain", b"{}".to_vec());
    assert_eq!(sign_in(shuffled, "us-east-1"), first);
    let tagged = |body| post(body).header("X-A", "1").header("X-B", "2");
    assert_ne!(sign_in(tagged("{|"), "us-east-1"), first, "a flipped bit of the body");
    assert_ne!(sign_in(tagged("{}"), "us-east-2"), first, "another region");
    assert_ne!(sign_in(post("{}").header("X-A", "1"), "us-east-1"), first, "a header less");
    let joined = post("").header("X-A", "1").header("X-A", "2");
    assert_eq!(sign_in(joined, "us-east-1"), sign_in(post("").header("X-A", "1,2"), "us-east-1"));
}

#[test]
fn only_absolute_addresses_are_signed() {
    let _host = host_at(INSTANT, SECRET);
    let error = sign(Request::get("/v2/"), &scope("us-east-1", "ecr")).expect_err("relative");
    assert!(matches!(error, Error::InvalidInput(text) if text.contains("`/v2/`")));
    for (url, expected) in [
        ("https://API.example:443/x", "api.example"),
        ("https://api.example:8443", "api.example:8443"),
        ("http://api.example:80", "api.example"),
        ("http://api.example:443", "api.example:443"),
    ] {
        assert_eq!(host(url).as_deref(), Ok(expected));
    }
}

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// A request and its scope: addresses, queries, headers and bodies of every awkward kind.
fn any_request(dice: &mut Dice) -> (Request, &'static str) {
    let methods = [Method::Get, Method::Post, Method::Put, Method::Delete, Method::Head];
    let hosts = ["api.ecr.eu-west-1.amazonaws.com", "IAM.amazonaws.com", "h.example:8443"];
    let paths = ["", "/", "/a/b", "/a//b/", "/a/./b/../c", "/a%20b/%7Ec~d", "/%C3%BC", "/a/.."];
    let values = ["", "1", "a b", "~-_.", "ü", "a+b&c=d/e", "%", "  two   spaces ", "Z"];
    let url = format!("https://{}{}", dice.pick(&hosts), dice.pick(&paths));
    let mut request = Request::new(methods[dice.roll(methods.len())], url);
    for _ in 0..dice.roll(5) {
        request = request.query(dice.pick(&["a", "A", "a-b", "a b", "ü", "X"]), dice.pick(&values));
    }
    for name in ["X-Amz-Target", "Accept", "X-Custom-Header", "User-Agent"] {
        if dice.roll(2) == 0 {
            request = request.header(name, dice.pick(&values));
        }
    }
    if dice.roll(2) == 0 {
        let body = dice.pick(&["", "{}", "{\"name\":\"ü\"}", "a\nb"]);
        request = request.body("application/x-amz-json-1.1", body.as_bytes().to_vec());
    }
    (request, dice.pick(&["ecr", "ecr-public", "sts"]))
}

fn case(signed: &Request, scope: &Scope<'_>, secret: &str) -> Value {
    let signable = signed.signable();
    let headers: serde_json::Map<String, Value> =
        signable.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({"key": scope.access_key, "secret": secret, "token": scope.session_token,
        "region": scope.region, "service": scope.service, "method": signable.method,
        "url": signable.url, "headers": headers, "body": String::from_utf8_lossy(signable.body)})
}

#[test]
fn botocore_signs_alike() {
    let mut dice = Dice(20_150_830);
    let (mut cases, mut ours) = (Vec::new(), Vec::new());
    for number in 0..400 {
        let secret = dice.pick(&[SECRET, "short", "with space+/="]);
        let _host = host_at(START + 1_234_567 * number, secret);
        let (request, service) = any_request(&mut dice);
        let token = dice.pick(&["", "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJH"]);
        let region = dice.pick(&["us-east-1", "cn-north-1"]);
        let scope = Scope {
            session_token: (!token.is_empty()).then_some(token),
            ..self::scope(region, service)
        };
        let signed = sign(request, &scope).expect("signed");
        cases.push(case(&signed, &scope, secret));
        ours.push(authorization(&signed));
    }
    let Some(theirs) = oracle::ask("aws.py", &cases) else { return };
    for ((ours, theirs), case) in ours.iter().zip(&theirs).zip(&cases) {
        assert_eq!(ours, theirs, "{case:#}");
    }
}
