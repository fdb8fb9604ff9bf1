//! Each source against what it reads: files, a helper, doubles of AWS's services.

use std::path::Path;

use portolan_core::provider::{AllowedHost, HostUse};
use serde_json::json;

use super::*;
use crate::net::scripted::{Scripted, Seen, answer};

fn spec(url: &str) -> EndpointSpec {
    EndpointSpec {
        access_key: Some("user".to_owned()),
        credential_type: String::new(),
        ..EndpointSpec::new("e", "p", url.parse().unwrap())
    }
}

fn source(text: &str) -> CredentialSource {
    text.parse().unwrap()
}

fn in_file(path: &Path) -> CredentialSource {
    CredentialSource::File { path: path.to_owned() }
}

fn allowed_for<T>(what: T, hosts: &[&str]) -> Allowed<T> {
    Allowed { what, hosts: SourceHosts::parse(hosts).unwrap() }
}

/// A file, directory or program that is for every host of these tests.
fn anywhere(path: impl Into<PathBuf>) -> Allowed<PathBuf> {
    let ports = ["https://*.example", "https://*.example:5000"];
    allowed_for(path.into(), &ports)
}

fn helpers() -> Sources {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/credentials/tests");
    let helper = |name: &str| anywhere(folder.join(format!("docker-credential-{name}")));
    let helpers = vec![helper("test"), helper("absent")];
    Sources::new(SourceSettings { helpers, ..SourceSettings::default() })
}

async fn ask(sources: &Sources, source: &CredentialSource, url: &str) -> Result<Login, String> {
    let login = sources.login(source, &spec(url), &Credentials::default()).await;
    login.map_err(|error| error.to_string())
}

async fn secret(sources: &Sources, source: &CredentialSource) -> Result<String, String> {
    ask(sources, source, "https://r.example").await.map(|login| login.secret.expose().to_owned())
}

/// Everything that can be allowed, for the hosts below `r.example` and of ECR alone.
fn settings() -> SourceSettings {
    const ECR: &str = "https://api.ecr.eu-west-1.amazonaws.com";
    let here = |path: &str| allowed_for(PathBuf::from(path), &["https://*.r.example:5000"]);
    SourceSettings {
        files: vec![here("/etc/portolan"), here("/run/one")],
        helpers: vec![here("/usr/bin/docker-credential-x")],
        aws: ["aws-instance", WEB].map(|it| allowed_for(source(it), &[ECR])).into(),
    }
}

const WEB: &str = "aws-web-identity:arn:aws:iam::1:role/x,/run/secrets/token";
const HUB: &str = "https://hub.r.example:5000";
const ECR: &str = "https://api.ecr.eu-west-1.amazonaws.com";

#[test]
fn nothing_is_allowed_that_the_settings_do_not_name_or_elsewhere() {
    let nothing = SourceSettings::default;
    let other_role = "aws-web-identity:arn:aws:iam::1:role/y,/run/secrets/token";
    let other_token = "aws-web-identity:arn:aws:iam::1:role/x,/etc/portolan/s";
    for (settings, text, url, needed) in [
        (nothing(), "file:/etc/portolan/s", HUB, Some("to `files` under")),
        (nothing(), "exec:ecr-login", HUB, Some("to `helpers` under")),
        (nothing(), "aws-instance", ECR, Some("to `aws` under")),
        (nothing(), WEB, ECR, Some("to `aws` under")),
        (settings(), "file:/etc/portolan/s", HUB, None),
        (settings(), "file:/etc/portolan/deep/er/s", HUB, None),
        (settings(), "file:/run/one", HUB, None),
        (settings(), "file:/run/other", HUB, Some("to `files` under")),
        (settings(), "file:/etc/portolan-other/s", HUB, Some("to `files` under")),
        (settings(), "file:/etc/portolan/../shadow", HUB, Some("to `files` under")),
        (settings(), "exec:x", HUB, None),
        (settings(), "exec:y", HUB, Some("to `helpers` under")),
        (settings(), "aws-instance", ECR, None),
        (settings(), WEB, ECR, None),
        (settings(), other_role, ECR, Some("to `aws` under")),
        (settings(), other_token, ECR, Some("to `aws` under")),
        // Whoever may write an endpoint names another host.
        (settings(), "file:/etc/portolan/s", "https://evil.example", Some("`hosts`")),
        (settings(), "file:/etc/portolan/s", "https://hub.r.example", Some("`hosts`")),
        (settings(), "file:/etc/portolan/s", "http://hub.r.example:5000", Some("`hosts`")),
        (settings(), "exec:x", "https://evil.example", Some("`hosts`")),
        (settings(), "aws-instance", "https://api.ecr.us-east-1.amazonaws.com", Some("`hosts`")),
        (settings(), WEB, "https://evil.example", Some("`hosts`")),
    ] {
        let mut spec = spec(url);
        spec.provider = "aws-ecr".to_owned();
        let answer = Sources::new(settings).permit(&source(text), &spec);
        match (answer, needed) {
            (Ok(()), None) => {}
            (Err(SourceError::Denied { cure, .. }), Some(needed)) => {
                assert!(cure.contains(needed) && cure.contains("[credential_sources]"), "{cure}");
            }
            (answer, needed) => panic!("{text} {url}: {answer:?}, {needed:?}"),
        }
    }
}

/// Hosts that the endpoint's writer adds, and a proxy of theirs, would read what goes to a good one.
#[test]
fn the_writer_of_an_endpoint_cannot_lead_a_secret_elsewhere() {
    type Change = fn(&mut EndpointSpec);
    let cases: [(Change, Option<&str>); 9] = [
        (|_| {}, None),
        (|it| it.insecure = true, None),
        (|it| it.proxy = Some("http://proxy.example:3128".to_owned()), None),
        (|it| (it.proxy, it.insecure) = (Some("http://p:1".to_owned()), true), Some("a proxy")),
        (
            |it| {
                let ca = Some("their own".to_owned());
                (it.proxy, it.ca_certificate) = (Some("http://p:1".to_owned()), ca);
            },
            Some("a proxy"),
        ),
        (|it| add(it, "https://auth.r.example:5000", HostUse::Credentials), None),
        (|it| add(it, "https://evil.example", HostUse::Storage), None),
        (|it| add(it, "https://evil.example", HostUse::Credentials), Some("`hosts`")),
        (|it| add(it, "https://*.example:5000", HostUse::Credentials), Some("`hosts`")),
    ];
    let sources = Sources::new(settings());
    for (number, (change, needed)) in cases.into_iter().enumerate() {
        let mut spec = spec(HUB);
        change(&mut spec);
        let error = sources.permit(&source("file:/etc/portolan/s"), &spec).err();
        let error = error.map(|error| error.to_string());
        let as_wanted = match (&error, needed) {
            (Some(error), Some(needed)) => error.contains(needed),
            (None, None) => true,
            _ => false,
        };
        assert!(as_wanted, "{number}: {error:?}");
    }
}

/// A host below AWS's domains may be any customer's, and any provider but one sends the keys as
/// they are.
#[test]
fn the_keys_of_the_machine_go_to_ecr_alone() {
    type Change = fn(&mut EndpointSpec);
    let wide = ["https://*.amazonaws.com", "https://*.amazonaws.com.cn", "https://*.aws"];
    let cases: [(&str, Change, Option<&str>); 20] = [
        ("https://api.ecr.eu-west-1.amazonaws.com", |_| {}, None),
        ("https://api.ecr.cn-north-1.amazonaws.com.cn", |_| {}, None),
        ("https://api.ecr-fips.us-east-1.amazonaws.com", |_| {}, None),
        ("https://ecr-fips.us-east-1.amazonaws.com", |_| {}, None),
        ("https://ecr.eu-west-1.api.aws", |_| {}, None),
        ("https://123456789012.dkr.ecr.eu-west-1.amazonaws.com", |_| {}, None),
        ("https://123456789012.dkr-ecr.eu-west-1.on.aws", |_| {}, None),
        ("https://public.ecr.aws", |_| {}, None),
        ("https://x1y2.execute-api.eu-west-1.amazonaws.com", |_| {}, Some("address of ECR")),
        ("https://ec2-1-2-3-4.compute-1.amazonaws.com", |_| {}, Some("address of ECR")),
        ("https://abc.lambda-url.eu-west-1.on.aws", |_| {}, Some("address of ECR")),
        ("https://api.ecr.eu-west-1.amazonaws.com:8443", |_| {}, Some("hosts")),
        ("https://evil.dkr.ecr.eu-west-1.amazonaws.com", |_| {}, Some("address of ECR")),
        ("https://api.ecr.x.execute-api.eu-west-1.amazonaws.com", |_| {}, Some("address of ECR")),
        (REGION, |it| it.provider = "harbor".to_owned(), Some("provider `aws-ecr` alone")),
        (REGION, |it| it.insecure = true, Some("unverified")),
        (REGION, |it| it.ca_certificate = Some("own".to_owned()), Some("own CA")),
        (REGION, |it| add(it, "https://api.ecr.eu-west-2.amazonaws.com", CREDENTIALS), None),
        (
            REGION,
            |it| add(it, "https://*.dkr.ecr.eu-west-1.amazonaws.com", CREDENTIALS),
            Some("no other"),
        ),
        (
            REGION,
            |it| add(it, "https://a.execute-api.eu-west-1.amazonaws.com", CREDENTIALS),
            Some("no other"),
        ),
    ];
    let aws = vec![allowed_for(source("aws-instance"), &wide)];
    let sources = Sources::new(SourceSettings { aws, ..SourceSettings::default() });
    for (number, (url, change, needed)) in cases.into_iter().enumerate() {
        let mut spec = spec(url);
        spec.provider = "aws-ecr".to_owned();
        change(&mut spec);
        let answer = sources.permit(&source("aws-instance"), &spec);
        let error = answer.err().map(|error| error.to_string());
        let fits = match (&error, needed) {
            (Some(error), Some(needed)) => error.contains(needed),
            (None, None) => true,
            _ => false,
        };
        assert!(fits, "{number}, {url}: {error:?}");
    }
}

const REGION: &str = "https://api.ecr.eu-west-1.amazonaws.com";
const CREDENTIALS: HostUse = HostUse::Credentials;

fn add(spec: &mut EndpointSpec, pattern: &str, granted: HostUse) {
    spec.allowed_hosts.push(AllowedHost { pattern: pattern.to_owned(), uses: vec![granted] });
}

#[tokio::test]
async fn a_file_is_read_again_when_it_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let files = vec![anywhere(folder.path()), anywhere(folder.path().join("missing"))];
    let sources = Sources::new(SourceSettings { files, ..SourceSettings::default() });
    let path = folder.path().join("secret");
    let source = in_file(&path);
    std::fs::write(&path, "first\r\n").unwrap();
    for _ in 0..2 {
        let login = ask(&sources, &source, "https://r.example").await.unwrap();
        assert_eq!((login.access_key, login.secret.expose()), (None, "first"));
    }
    // Of the same length, then by another link, as mounted secrets are replaced.
    std::fs::write(&path, "other\n\n").unwrap();
    assert_eq!(secret(&sources, &source).await.unwrap(), "other\n");
    let next = folder.path().join("next");
    std::fs::write(&next, "third").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(secret(&sources, &source).await.unwrap_err().contains("No such file"));
    std::os::unix::fs::symlink(&next, &path).unwrap();
    assert_eq!(secret(&sources, &source).await.unwrap(), "third");
}

#[tokio::test]
async fn what_is_no_secret_says_so() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = vec![anywhere(folder.path())];
    let sources = Sources::new(SourceSettings { files, ..SourceSettings::default() });
    let path = |name: &str| folder.path().join(name);
    std::fs::write(outside.path().join("shadow"), "root").unwrap();
    std::os::unix::fs::symlink(outside.path().join("shadow"), path("link")).unwrap();
    std::fs::write(path("empty"), "\n").unwrap();
    std::fs::write(path("binary"), [0xff, 0xfe]).unwrap();
    std::fs::write(path("long"), vec![b'x'; MAX_SECRET as usize + 1]).unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    for (name, why) in [
        ("link", "outside the directories"),
        ("empty", "it is empty"),
        ("binary", "no text in UTF-8"),
        ("long", "longer than 65536 bytes"),
        ("folder", "it is no file"),
    ] {
        let error = secret(&sources, &in_file(&path(name))).await.unwrap_err();
        assert!(error.contains(why) && error.contains(name), "{error}");
        assert!(!error.contains("root"), "{error}");
    }
}

#[tokio::test]
async fn a_helper_is_asked_for_the_server_and_not_each_time() {
    let (sources, source) = (helpers(), source("exec:test"));
    let first = ask(&sources, &source, "https://known.example:5000/path").await.unwrap();
    assert_eq!(first.access_key.as_deref(), Some("bob"));
    // The secret has the number of the process in it.
    let again = ask(&sources, &source, "https://known.example:5000/path").await.unwrap();
    assert_eq!(again.secret.expose(), first.secret.expose());
    let own = ask(&sources, &source, "https://own.example").await.unwrap();
    assert_eq!(own.access_key.as_deref(), Some("x"));
}

#[tokio::test]
async fn a_helper_that_has_nothing_says_why() {
    let sources = helpers();
    for (helper, url, why) in [
        ("test", "https://other.example", "other.example: credentials not found in native"),
        ("test", "https://nobody.example", "it has no login for nobody.example"),
        ("test", "https://words.example", "no JSON with Username and Secret"),
        ("test", "https://endless.example", "longer than 65536 bytes"),
        ("test", "https://leaky.example", "it has no login for leaky.example"),
        ("absent", "https://known.example", "docker-credential-absent cannot be run"),
    ] {
        let source = CredentialSource::Exec { helper: helper.to_owned() };
        let error = ask(&sources, &source, url).await.err().unwrap();
        assert!(error.contains(why), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

fn base(service: &Scripted) -> String {
    service.url("/").as_str().trim_end_matches('/').to_owned()
}

fn keys(expiration: &str) -> serde_json::Value {
    json!({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIA1", "SecretAccessKey": "sk",
        "Token": "tok/en==", "Expiration": expiration})
}

/// As the user guide of EC2 has it ("Use the Instance Metadata Service").
fn metadata(seen: &Seen) -> http::Response<crate::net::Body> {
    let session = seen.header("x-aws-ec2-metadata-token");
    let folder = "/latest/meta-data/iam/security-credentials/";
    match (seen.method.as_str(), seen.target.strip_prefix(folder)) {
        ("PUT", None) if seen.target == "/latest/api/token" => {
            assert_eq!(seen.header("x-aws-ec2-metadata-token-ttl-seconds"), "300");
            answer(200, &[], "session")
        }
        ("GET", Some("")) if session == "session" => answer(200, &[], "puller\n"),
        ("GET", Some("puller")) if session == "session" => {
            answer(200, &[], keys("2099-01-01T00:00:00Z").to_string())
        }
        _ => answer(401, &[], ""),
    }
}

#[tokio::test]
async fn a_machines_role_gives_temporary_keys() {
    let service = Scripted::http(metadata).await;
    let (login, life) = aws::instance(&base(&service)).await.unwrap();
    let token = login.session_token.unwrap();
    let all = (login.access_key.as_deref(), login.secret.expose(), token.expose());
    assert_eq!(all, (Some("ASIA1"), "sk", "tok/en=="));
    assert!(life > Duration::from_secs(3600));
    let lines: Vec<_> = service.seen().iter().map(Seen::line).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[tokio::test]
async fn a_machine_without_a_role_says_so() {
    for (roles, keys, why) in [
        ("", "", "no role"),
        ("a/../b", "", "no role"),
        ("puller", "{}", "no keys for the role puller"),
        (
            "puller",
            r#"{"AccessKeyId":"a","SecretAccessKey":"s","Token":"t","Expiration":"soon"}"#,
            "no instant",
        ),
    ] {
        let service = Scripted::http(move |seen| {
            let text = if seen.target.ends_with("puller") { keys } else { roles };
            answer(200, &[], if seen.method == "PUT" { "session" } else { text })
        });
        let error = aws::instance(&base(&service.await)).await.err().unwrap();
        assert!(error.contains(why), "{error}");
    }
    let closed = Scripted::http(|_| answer(403, &[], "secret words")).await;
    let error = aws::instance(&base(&closed)).await.err().unwrap();
    assert!(error.contains("403") && !error.contains("secret"), "{error}");
}

/// As STS's API reference has it (AssumeRoleWithWebIdentity).
#[tokio::test]
async fn a_role_for_a_token_gives_temporary_keys() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/pull";
    let service = Scripted::http(|seen: &Seen| {
        let form = url::form_urlencoded::parse(&seen.body).into_owned().collect::<Vec<_>>();
        let has = |name: &str, value: &str| form.iter().any(|(n, v)| n == name && v == value);
        let asked = has("Action", "AssumeRoleWithWebIdentity") && has("Version", "2011-06-15");
        if !asked || !has("RoleArn", ROLE) || !has("WebIdentityToken", "to.ke+n") {
            let body = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>to.ke+n \
                        is bad</Message></Error></ErrorResponse>";
            return answer(400, &[], body);
        }
        let body = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>
            <Credentials><SessionToken>tok</SessionToken><SecretAccessKey>sk</SecretAccessKey>
            <Expiration>2099-01-01T00:00:00Z</Expiration><AccessKeyId>ASIA2</AccessKeyId>
            </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
        answer(200, &[], body)
    });
    let service = service.await;
    let spec = spec("https://1.dkr.ecr.eu-west-1.amazonaws.com");
    let ask = async |token: &str| {
        let token = Secret::new(token.to_owned());
        aws::web_identity(&base(&service), (&spec, &Credentials::default()), ROLE, &token).await
    };
    let (login, _) = ask("to.ke+n").await.unwrap();
    assert_eq!(login.access_key.as_deref(), Some("ASIA2"));
    assert_eq!(login.session_token.unwrap().expose(), "tok");
    let error = ask("wrong").await.err().unwrap();
    assert!(error.contains("400: InvalidIdentityToken") && !error.contains("to.ke"), "{error}");
}

#[test]
fn each_region_has_its_token_service() {
    for (url, service) in [
        ("https://1.dkr.ecr.eu-west-1.amazonaws.com", "https://sts.eu-west-1.amazonaws.com"),
        ("https://api.ecr.us-east-1.amazonaws.com", "https://sts.us-east-1.amazonaws.com"),
        (
            "https://1.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "https://sts.cn-north-1.amazonaws.com.cn",
        ),
        ("https://public.ecr.aws", "https://sts.amazonaws.com"),
        ("https://hub.example", "https://sts.amazonaws.com"),
    ] {
        assert_eq!(aws::security_token_service(&spec(url)), service);
    }
}
