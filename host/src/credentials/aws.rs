//! Temporary keys of AWS: of the machine's role (instance metadata service, version 2), or of a role
//! for the token of another identity provider (STS, AssumeRoleWithWebIdentity).

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, header};
use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    secret::Secret,
};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::{Url, form_urlencoded};

use super::{Login, life};
use crate::net::{self, Purpose};

/// The instance metadata service.
pub(super) const METADATA: &str = "http://169.254.169.254";
/// How long a session with it lasts, in seconds.
const SESSION: &str = "300";
/// Longest answer.
const MAX_ANSWER: u64 = 64 << 10;
/// How long each service may take: a machine that is none of AWS's answers never.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

impl Keys {
    fn login(self) -> Result<(Login, Duration), String> {
        let expires = OffsetDateTime::parse(&self.expiration, &Rfc3339)
            .map_err(|_| "its keys say no instant at which they end".to_owned())?;
        let login = Login {
            access_key: Some(self.access_key_id),
            secret: Secret::new(self.secret_access_key),
            session_token: Some(Secret::new(self.token)),
        };
        Ok((login, life(expires)))
    }
}

/// Keys of the role of this machine.
pub(super) async fn instance(service: &str) -> Result<(Login, Duration), String> {
    let base: Url = service.parse().map_err(|error| format!("{service}: {error}"))?;
    let config = net::ClientConfig {
        tls: net::TlsSettings::default(),
        proxy: None,
        egress: Arc::new(net::Egress::metadata(base)),
        answers: Arc::default(),
    };
    let client = net::Client::new(config).map_err(|error| error.to_string())?;
    let ask = async {
        let session = Request::builder()
            .method(Method::PUT)
            .uri(format!("{service}/latest/api/token"))
            .header("x-aws-ec2-metadata-token-ttl-seconds", SESSION);
        let session = send(&client, session, String::new()).await?;
        let mut session = HeaderValue::from_str(session.expose().trim())
            .map_err(|_| "the metadata service gave no session".to_owned())?;
        session.set_sensitive(true);
        let get = async |path: &str| {
            let address = format!("{service}/latest/meta-data/iam/security-credentials/{path}");
            let request = Request::builder().uri(address);
            let request = request.header("x-aws-ec2-metadata-token", session.clone());
            send(&client, request, String::new()).await
        };
        let roles = get("").await?;
        let role = roles.expose().lines().next().unwrap_or_default().trim();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
        if role.is_empty() || !role.bytes().all(plain) {
            return Err("this machine has no role".to_owned());
        }
        let keys = get(role).await?;
        serde_json::from_str::<Keys>(keys.expose())
            .map_err(|_| format!("the metadata service gave no keys for the role {role}"))
    };
    in_time(ask).await?.login()
}

/// Keys of a role for a token, through the endpoint's proxy.
pub(super) async fn web_identity(
    service: &str,
    (spec, credentials): (&EndpointSpec, &Credentials),
    role_arn: &str,
    token: &Secret,
) -> Result<(Login, Duration), String> {
    let base: Url = service.parse().map_err(|error| format!("{service}: {error}"))?;
    let proxy = spec.proxy.as_deref().map(Url::parse).transpose();
    let proxy = proxy.map_err(|error| format!("the proxy is not an address: {error}"))?;
    let config = net::ClientConfig {
        // Not the endpoint's CA: whoever writes an endpoint could read the token with one.
        tls: net::TlsSettings::default(),
        proxy: proxy.map(|url| net::ProxySettings {
            url,
            credentials: credentials.proxy_credentials.clone(),
            no_proxy: Vec::new(),
        }),
        egress: Arc::new(net::Egress::new(base, Vec::new())),
        answers: Arc::default(),
    };
    let client = net::Client::new(config).map_err(|error| error.to_string())?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "AssumeRoleWithWebIdentity")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", role_arn)
        .append_pair("RoleSessionName", "portolan")
        .append_pair("WebIdentityToken", token.expose())
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{service}/"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = in_time(send(&client, request, form)).await?;
    let part = |name: &str| {
        let (_, rest) = answer.expose().split_once(&format!("<{name}>"))?;
        rest.split_once('<').map(|(text, _)| text.trim().to_owned())
    };
    let part = |name| part(name).ok_or_else(|| format!("{service} gave no {name}"));
    let keys = Keys {
        access_key_id: part("AccessKeyId")?,
        secret_access_key: part("SecretAccessKey")?,
        token: part("SessionToken")?,
        expiration: part("Expiration")?,
    };
    keys.login()
}

/// STS in the region that the endpoint's host names, else the one for all.
pub(super) fn security_token_service(spec: &EndpointSpec) -> String {
    let host = spec.url.url().host_str().unwrap_or_default();
    let mut labels = host.split('.').skip_while(|label| !matches!(*label, "ecr" | "ecr-fips"));
    let region = labels.nth(1).filter(|label| label.bytes().filter(|b| *b == b'-').count() >= 2);
    let china = if host.ends_with(".amazonaws.com.cn") { ".cn" } else { "" };
    match region {
        Some(region) => format!("https://sts.{region}.amazonaws.com{china}"),
        None => "https://sts.amazonaws.com".to_owned(),
    }
}

async fn in_time<T>(ask: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = || format!("it did not answer within {} s", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, ask).await.map_err(|_| late())?
}

/// The body of an answer of status 200. What another one says is not repeated, but for the code of
/// STS: it may hold parts of the token.
async fn send(
    client: &net::Client,
    request: http::request::Builder,
    body: String,
) -> Result<Secret, String> {
    let request = request.body(net::full(body)).map_err(|error| error.to_string())?;
    let what = format!("{} {}", request.method(), request.uri().path());
    let host = request.uri().host().unwrap_or_default().to_owned();
    let answer = client.send(request, Purpose::Credentials).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let body = net::read_all(answer.into_body(), MAX_ANSWER, &host).await;
    let body = body.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status == 200 {
        return Ok(Secret::new(text));
    }
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once('<'));
    let code = code.map(|(code, _)| code.chars().filter(char::is_ascii_alphanumeric).take(64));
    let code = code.map(|code| format!(": {}", code.collect::<String>())).unwrap_or_default();
    Err(format!("{host} answered {what} with {status}{code}"))
}
