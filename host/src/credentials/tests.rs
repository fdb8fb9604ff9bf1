//! Each source against what it reads: files, a helper, doubles of AWS's services.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::net::scripted::{Scripted, Seen, answer};

fn spec(url: &str) -> EndpointSpec {
    EndpointSpec {
        name: "e".to_owned(),
        description: String::new(),
        provider: "p".to_owned(),
        url: url.parse().unwrap(),
        access_key: Some("user".to_owned()),
        credential_type: String::new(),
        insecure: false,
        ca_certificate: None,
        settings: serde_json::Map::new(),
        allowed_hosts: Vec::new(),
        proxy: None,
        client_certificate: None,
        credential_source: None,
    }
}

fn source(text: &str) -> CredentialSource {
    text.parse().unwrap()
}

fn in_file(path: &Path) -> CredentialSource {
    CredentialSource::File { path: path.to_owned() }
}

fn helpers() -> Sources {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/credentials/tests");
    Sources::new(SourceSettings { helpers: Some(folder), ..SourceSettings::default() })
}

async fn ask(sources: &Sources, source: &CredentialSource, url: &str) -> Result<Login, String> {
    let login = sources.login(source, &spec(url), &Credentials::default()).await;
    login.map_err(|error| error.to_string())
}

async fn secret(sources: &Sources, source: &CredentialSource) -> Result<String, String> {
    ask(sources, source, "https://r.example").await.map(|login| login.secret.expose().to_owned())
}

#[test]
fn nothing_is_allowed_that_the_settings_do_not_name() {
    let web = "aws-web-identity:arn:aws:iam::1:role/x,/run/secrets/token";
    let settings = |files: &[&str], helpers: Option<&str>, aws| SourceSettings {
        files: files.iter().map(PathBuf::from).collect(),
        helpers: helpers.map(PathBuf::from),
        aws,
    };
    let nothing = || settings(&[], None, false);
    let files = || settings(&["/etc/portolan", "/run/secrets"], None, false);
    for (settings, text, needed) in [
        (nothing(), "file:/etc/portolan/s", Some("`files`")),
        (nothing(), "exec:ecr-login", Some("`helpers`")),
        (nothing(), "aws-instance", Some("`aws = true`")),
        (nothing(), web, Some("`aws = true`")),
        (files(), "file:/etc/portolan/s", None),
        (files(), "file:/etc/portolan/deep/er/s", None),
        (files(), "file:/etc/portolan-other/s", Some("`files`")),
        (files(), "file:/etc/portolan/../shadow", Some("`files`")),
        (files(), "file:/etc/shadow", Some("`files`")),
        (settings(&[], Some("/usr/lib/helpers"), false), "exec:ecr-login", None),
        (settings(&[], None, true), "aws-instance", None),
        (settings(&[], None, true), web, Some("`files`")),
        (settings(&["/run/secrets"], None, true), web, None),
    ] {
        let answer = Sources::new(settings).permit(&source(text));
        match (answer, needed) {
            (Ok(()), None) => {}
            (Err(SourceError::Denied { cure, .. }), Some(needed)) => {
                assert!(cure.contains(needed) && cure.contains("[credential_sources]"), "{cure}");
            }
            (answer, needed) => panic!("{text}: {answer:?}, {needed:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_is_read_again_when_it_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let files = vec![folder.path().to_owned(), folder.path().join("missing")];
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
    let files = vec![folder.path().to_owned()];
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
