//! The adapter against a scripted host.

mod access;
mod artifacts;
mod listing;
mod management;
mod shelves;

use portolan_sdk::{
    Error, SigningRecipe,
    http::{self, Request},
    testing::{Exchange, Fixtures, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

const GCR: &str = "https://gcr.io";
const PKG: &str = "https://us-docker.pkg.dev";
const API: &str = "https://artifactregistry.googleapis.com/v1";
const EMAIL: &str = "robot@proj.iam.gserviceaccount.com";
/// `_json_key:{}`, as in the recorded exchanges.
const BASIC: &str = "Basic X2pzb25fa2V5Ont9";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/google-gcr.jsonl"))
}

fn get(address: &str) -> Exchange {
    Exchange::new("GET", address)
}

/// An endpoint whose secret is no key file.
fn login(base: &str) -> ScriptedHost {
    ScriptedHost::new(base).credentials("_json_key", "{}")
}

/// An endpoint with the key file of the project `proj`.
fn key_file(base: &str) -> ScriptedHost {
    login(base)
        .extra("secret:/project_id", "proj")
        .extra("secret:/client_email", EMAIL)
        .extra("secret:/private_key_id", "k1")
        .jwt(|_, part, header, claims| format!("{part}.{header}.{claims}"))
}

/// The registry's challenge.
fn challenge(base: &str) -> Exchange {
    let host = base.trim_start_matches("https://");
    let challenge = format!(r#"Bearer realm="{base}/v2/token",service="{host}""#);
    get(&format!("{base}/v2/")).answer(401).header("WWW-Authenticate", &challenge)
}

/// A token of the registry for these scopes, each written `repository:NAME:ACTIONS`.
fn token(base: &str, scopes: &[&str]) -> Exchange {
    let host = base.trim_start_matches("https://");
    let scopes: String = scopes.iter().map(|scope| format!("&scope={scope}")).collect();
    get(&format!("{base}/v2/token?service={host}{scopes}"))
        .expect_header("Authorization", BASIC)
        .json(json!({"token": "t", "expires_in": 3600}))
}

/// An access token of Google.
fn access_token() -> Exchange {
    Exchange::new("POST", google::TOKEN_URL).json(json!({"access_token": "ya29.a"}))
}

/// A request to the management API.
fn api(method: &str, path: &str) -> Exchange {
    Exchange::new(method, &format!("{API}{path}")).expect_header("Authorization", "Bearer ya29.a")
}

fn fault(exchange: Exchange, code: u16, status: &str, message: &str) -> Exchange {
    let fault = json!({"code": code, "status": status, "message": message, "details": [{}]});
    exchange.answer(code).json(json!({"error": fault}))
}

#[test]
fn describes_itself_without_a_host() {
    let info = GoogleGcr::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("google-gcr", "Google GCR"));
    let Some(EndpointPattern::Choice(presets)) = info.endpoints else { panic!("a choice") };
    let presets: Vec<_> = presets.iter().map(|it| (&*it.name, &*it.url)).collect();
    assert_eq!(
        presets,
        [
            ("gcr.io", "https://gcr.io"),
            ("us.gcr.io", "https://us.gcr.io"),
            ("eu.gcr.io", "https://eu.gcr.io"),
            ("asia.gcr.io", "https://asia.gcr.io")
        ]
    );
    let pattern = info.credentials.expect("a pattern");
    assert!(matches!(pattern.access_key, AccessKeyPattern::Fixed(key) if key == "_json_key"));
    assert!(
        matches!(pattern.access_secret, AccessSecretPattern::File(text) if text == "No Change")
    );
    let hosts: Vec<_> = info.allowed_hosts.iter().map(|it| (&*it.pattern, &*it.uses)).collect();
    assert_eq!(
        hosts,
        [
            ("https://oauth2.googleapis.com", &["signed".to_owned()][..]),
            ("https://artifactregistry.googleapis.com", &["signed".to_owned()]),
            ("https://storage.googleapis.com", &["storage".to_owned()])
        ]
    );
    let recipe = |it: &SigningRecipe| (it.algorithm.clone(), it.links);
    assert_eq!(info.signing.iter().map(recipe).collect::<Vec<_>>(), [("rs256".to_owned(), 0)]);
    assert_eq!((info.min_components, info.max_components, info.can_push), (2, None, true));
    assert_eq!(info.resources, ["image"]);
    assert!(info.login_urls.is_empty() && info.hint.contains("recorded"));
}

#[test]
fn names_begin_with_the_project() {
    let other = json!({"projects": ["example.com:team", "proj"]});
    let cases = [
        (key_file(GCR), "proj/app", None),
        (key_file(GCR), "proj/a/b/c", None),
        (key_file(GCR), "other/app", Some("does not begin with the project ID `proj`")),
        (key_file(GCR), "proj", Some("PROJECT/IMAGE and begin with `proj`")),
        (key_file(GCR), "proj/", Some("PROJECT/IMAGE")),
        (key_file(PKG), "proj/repo/app", None),
        (key_file(PKG), "proj/app", Some("PROJECT/REPOSITORY/IMAGE and begin with `proj`")),
        (key_file(PKG), "other/repo/app", Some("the endpoint's setting `projects`")),
        (key_file(PKG).settings(&other), "example.com/team/repo/app", None),
        (key_file(PKG).settings(&other), "example.com/other/repo/app", Some("`example.com/team`")),
        (key_file(GCR).settings(&other), "example.com/team", Some("PROJECT/IMAGE")),
        (login(GCR), "any/app", None),
        (login(GCR), "app", Some("begin with the project ID;")),
        (ScriptedHost::new(GCR), "distroless/static", None),
        (ScriptedHost::new("https://mirror.gcr.io"), "library/alpine", None),
        (key_file("https://k8s.gcr.io"), "pause", None),
    ];
    for (host, name, wrong) in cases {
        let host = host.start();
        match (GoogleGcr::locate(host.endpoint(), name), wrong) {
            (Ok(target), None) => {
                assert_eq!((&*target.base_url, &*target.repository), (&*host.endpoint().url, name));
                assert_eq!((&*target.upload, target.max_chunk_bytes), ("single-put", None));
                assert!(target.mount);
            }
            (Err(Error::InvalidInput(text)), Some(part)) => {
                assert!(text.contains(part) && text.contains("destination namespace"), "{text}");
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_schema_names_the_setting() {
    let schema: Value = serde_json::from_str(place::SCHEMA).expect("JSON");
    assert_eq!(schema["properties"].as_object().expect("an object").len(), 1);
    let host = key_file(GCR).settings(&json!({"projects": 7})).start();
    assert!(matches!(GoogleGcr::locate(host.endpoint(), "proj/a"), Err(Error::InvalidInput(_))));
}

/// The host's own client moves bytes; what it resolves is the same reference.
#[test]
fn uploads_go_on_outside_the_distribution_api() {
    let begun = fixtures().get("POST", "https://us-docker.pkg.dev/v2/proj/repo/app/blobs/uploads/");
    let ended = fixtures().get("PUT", "https://us-docker.pkg.dev/artifacts-uploads/");
    let host = login(PKG).exchanges([begun, ended]).start();
    let target = GoogleGcr::locate(host.endpoint(), "proj/repo/app").expect("a target");
    let start = format!("{}/v2/{}/blobs/uploads/", target.base_url, target.repository);
    let answer = Request::post(start).send().expect("an answer");
    let location = http::resolve(answer.url(), answer.header("Location").expect("a location"));
    let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(Request::put(location).query("digest", digest).send().expect("made").status(), 201);
}
