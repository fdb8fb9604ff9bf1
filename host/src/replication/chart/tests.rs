//! Files and artifacts fetched from servers on loopback.

use std::sync::Arc;

use portolan_core::{
    provider::{AllowedHost, Grant, HostUse},
    secret::Secret,
};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use url::Url;

use super::*;
use crate::net::{
    Client, ClientConfig, Egress, HostGrant, TlsSettings,
    scripted::{Scripted, Seen, answer},
};

const FULL: &[u8] = include_bytes!("helm/full.tgz");

type Answer = http::Response<net::Body>;

async fn https(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Scripted {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    Scripted::https(vec![certificate.der().clone()], key, script).await
}

/// A client of an endpoint; `anywhere` is what adapters of charts are granted, `named` what an
/// administrator added.
fn client(endpoint: &Url, anywhere: bool, named: Option<&Url>) -> Client {
    let grant = |pattern: String, administrator| {
        let uses = vec![HostUse::AnyPublicDownload];
        HostGrant::parse(&AllowedHost { pattern, uses }, administrator).unwrap()
    };
    let mut grants = Vec::new();
    if anywhere {
        grants.push(grant("https://*".to_owned(), false));
    }
    grants.extend(named.map(|url| grant(url.origin().ascii_serialization(), true)));
    let egress = Arc::new(Egress::new(endpoint.clone(), grants));
    let tls = TlsSettings { insecure: true, ..TlsSettings::default() };
    Client::new(ClientConfig { tls, proxy: None, egress, answers: Arc::default() }).unwrap()
}

fn account() -> Option<Grant> {
    let headers = [("authorization".to_owned(), Secret::new("Basic eDp5".to_owned()))];
    Some(Grant { headers: headers.into(), carries: HostUse::Credentials, expires: None })
}

fn said<T>(result: Result<T, ChartError>) -> String {
    result.err().map_or_else(|| "fetched".to_owned(), |error| error.to_string())
}

fn serve(seen: &Seen) -> Answer {
    match &*seen.target {
        "/full.tgz" => answer(200, &[("content-encoding", "x-gzip")], FULL),
        "/moved.tgz" => answer(302, &[("location", "/full.tgz")], ""),
        "/large.tgz" => answer(200, &[], vec![0; (download::MAX_ARCHIVE + 1) as usize]),
        "/full.tgz.prov" => answer(200, &[], include_str!("helm/full.tgz.prov")),
        "/page.prov" => answer(200, &[("content-type", "text/html")], "<html>Welcome</html>"),
        "/private.prov" => answer(403, &[], ""),
        "/broken.prov" | "/broken.tgz" => answer(503, &[], "busy"),
        "/secret.tgz" => answer(401, &[], ""),
        _ => answer(404, &[], "nothing"),
    }
}

#[tokio::test]
async fn the_endpoints_own_files_are_fetched_with_its_account() {
    let server = Scripted::http(serve).await;
    let client = client(&server.url("/"), true, None);
    let download = Download { client: &client, grant: account() };
    let (good, bad) = (Digest::of(FULL), Digest::of(b"other"));
    for (path, digest, expected) in [
        ("/full.tgz", Some(&good), "fetched"),
        ("/full.tgz", None, "fetched"),
        ("/moved.tgz", Some(&good), "fetched"),
        ("/full.tgz", Some(&bad), "is not the file that was announced"),
        ("/large.tgz", None, "is larger than 20971520 bytes"),
        ("/none.tgz", None, "answered 404: the index names a file that is not there"),
        ("/secret.tgz", None, "answered 401: it asks for other credentials"),
        ("/broken.tgz", None, "answered 503"),
    ] {
        let said = said(download.archive(&server.url(path), digest).await);
        assert!(said.contains(expected), "{path}: {said}");
    }
    assert!(server.seen().iter().all(|it| it.header("authorization") == "Basic eDp5"));
    assert!(server.seen().iter().all(|it| it.header("accept-encoding") == "identity"));
    for (path, expected) in [
        ("/full.tgz.prov", Some(true)),
        ("/page.prov", Some(false)),
        ("/private.prov", Some(false)),
        ("/none.prov", Some(false)),
        ("/broken.prov", None),
    ] {
        let file = download.provenance(&server.url(path)).await;
        assert_eq!(file.ok().map(|file| file.is_some()), expected, "{path}");
    }
}

#[tokio::test]
async fn other_hosts_get_no_account_and_must_be_public_and_https() {
    let other = https(serve).await;
    let (file, elsewhere) = (other.url("/full.tgz"), other.url_by_name("/full.tgz").to_string());
    let plain = Scripted::http(serve).await;
    let leads = move |seen: &Seen| match &*seen.target {
        "/away.tgz" => answer(302, &[("location", &*elsewhere)], ""),
        "/inside.tgz" => answer(302, &[("location", "https://localhost/full.tgz")], ""),
        _ => answer(302, &[("location", "http://charts.example.com/a.tgz")], ""),
    };
    let endpoint = https(leads).await;
    let home = endpoint.url("/");
    let by_name = other.url_by_name("/");
    let inside = Url::parse("https://localhost/full.tgz").unwrap();
    for (anywhere, named, url, expected) in [
        // The use was not granted.
        (false, None, file.clone(), "granted the use `any-public-download`"),
        (false, None, endpoint.url("/away.tgz"), "granted the use `any-public-download`"),
        // It was, but the address is private.
        (true, None, inside.clone(), "which is"),
        (true, None, endpoint.url("/inside.tgz"), "which is"),
        // Not at the usual port: not what was granted.
        (true, None, file.clone(), "granted the use `any-public-download`"),
        // An administrator named the host.
        (true, Some(&file), file.clone(), "fetched"),
        (true, Some(&by_name), endpoint.url("/away.tgz"), "fetched"),
        (true, Some(&file), plain.url("/full.tgz"), "and not https"),
        (true, None, endpoint.url("/down.tgz"), "a downgrade is never followed"),
    ] {
        let client = client(&home, anywhere, named);
        let download = Download { client: &client, grant: account() };
        let said = said(download.archive(&url, None).await);
        assert!(said.contains(expected), "{url}: {said}");
    }
    assert!(other.seen().len() == 2 && plain.seen().is_empty());
    assert!(other.seen().iter().all(|it| it.header("authorization").is_empty()), "it leaked");
}

/// A registry that gives a chart to whoever asks its token server.
fn registry(seen: &Seen) -> Answer {
    let manifest = include_str!("helm/old.manifest.json");
    let config = include_str!("helm/old.config.json");
    let content = include_bytes!("helm/old.tgz");
    let digest = |bytes: &[u8]| format!("/v2/charts/old/blobs/{}", Digest::of(bytes));
    if seen.target.starts_with("/token?") {
        assert!(seen.target.contains("scope=repository%3Acharts%2Fold%3Apull"), "{}", seen.target);
        return answer(200, &[], r#"{"token":"t"}"#);
    }
    if seen.header("authorization") != "Bearer t" {
        let asks = r#"Bearer realm="/token",service="s""#;
        return answer(401, &[("www-authenticate", asks)], "");
    }
    match &*seen.target {
        "/v2/charts/old/manifests/0.1.0" => {
            answer(200, &[("content-type", portolan_core::oci::MediaType::OCI_MANIFEST)], manifest)
        }
        "/v2/charts/old/manifests/index" => answer(
            200,
            &[],
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}"#,
        ),
        path if path == digest(config.as_bytes()) => answer(200, &[], config),
        path if path == digest(content) => answer(200, &[], &content[..]),
        path if path.starts_with("/v2/charts/old/manifests/sha256:") => answer(200, &[], manifest),
        _ => answer(404, &[], ""),
    }
}

#[tokio::test]
async fn charts_in_registries_are_pulled_as_they_are() {
    let server = https(registry).await;
    let home = Url::parse("https://charts.example.com").unwrap();
    let tag: Reference = "0.1.0".parse().unwrap();
    let digest = Digest::of(include_bytes!("helm/old.manifest.json"));
    let at = |rest: &str| server.url(rest).to_string().replace("https", "oci").parse().unwrap();
    let client = client(&home, true, Some(&server.url("/")));
    let urls: [(Url, &str); 8] = [
        (at("/charts/old:0.1.0"), "fetched"),
        (at("/charts/old"), "fetched"),
        (at(&format!("/charts/old@{digest}")), "fetched"),
        (at(&format!("/charts/old:0.1.0@{digest}")), "fetched"),
        (at("/charts/old:index"), "is no chart that can be pushed"),
        (at("/charts/old:9"), "answered 404"),
        (at(&format!("/charts/old@{}", Digest::of(b"x"))), "is not the file that was announced"),
        (at("/Charts/OLD:1"), "names no chart in a registry"),
    ];
    for (url, expected) in urls {
        let outcome = match oci::Pull::new(&client, &url, &tag) {
            Ok(pull) => pull.artifact(None).await,
            Err(error) => Err(error),
        };
        if let Ok(artifact) = &outcome {
            assert_eq!((&artifact.manifest.digest, artifact.blobs.len()), (&digest, 2));
        }
        let said = said(outcome);
        assert!(said.contains(expected), "{url}: {said}");
    }
    let private = self::client(&home, true, None);
    let url = "oci://localhost/charts/old:0.1.0".parse().unwrap();
    let said = said(oci::Pull::new(&private, &url, &tag).unwrap().artifact(None).await);
    assert!(said.contains("which is"), "{said}");
}

#[test]
fn a_version_is_what_a_tag_names() {
    for (version, tag, same) in [
        ("1.2.3", "1.2.3", true),
        ("1.2.3+b.1", "1.2.3_b.1", true),
        ("v1.2.3-rc.1+b", "1.2.3-rc.1_b", true),
        ("1.2", "1.2.0", true),
        ("1", "1.0.0", true),
        ("1.2-rc", "1.2.0-rc", true),
        ("1.2.3", "1.2.4", false),
        ("1.2.3", "1.2.3-rc", false),
    ] {
        assert_eq!(same_version(version, tag), same, "{version} {tag}");
    }
}

#[tokio::test]
async fn a_turn_lasts_as_long_as_the_work_on_the_chart() {
    let turns = Arc::new(Semaphore::new(1));
    let turn = Arc::new(Arc::clone(&turns).acquire_owned().await.unwrap());
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    let task = tokio::spawn(async move {
        blocking(&turn, move || {
            begun.send(()).unwrap();
            ends.recv()
        })
        .await
    });
    begins.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(turns.available_permits(), 0, "the work goes on");
    end.send(()).unwrap();
    let turn = tokio::time::timeout(Duration::from_secs(10), turns.acquire()).await;
    assert!(turn.unwrap().is_ok(), "the work is done");
}
