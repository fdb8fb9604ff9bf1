//! A token server for Debian's docker-registry, which checks signatures: ES256 with the signing
//! certificate in the header, as the distribution project's specification has it.

use std::{
    convert::Infallible,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::*};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, header::AUTHORIZATION, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use crate::{
    debian::{PASSWORD, USER},
    tls::Certificate,
};

/// What tokens are for.
pub const SERVICE: &str = "testreg";
/// Who signs them.
pub const ISSUER: &str = "test-issuer";

/// Gives every scope asked for to [`USER`], and nothing to anyone else. Stops when dropped.
pub struct TokenServer {
    pub certificate: Certificate,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl TokenServer {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let certificate = Certificate::new();
        let task = tokio::spawn(accept(listener, certificate.clone()));
        Self { certificate, address, task }
    }

    /// Where tokens are asked for.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections end with this task.
async fn accept(listener: TcpListener, signer: Certificate) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let signer = signer.clone();
        let service = service_fn(move |request| {
            let answer = answer(&request, &signer);
            async { Ok::<_, Infallible>(answer) }
        });
        let io = TokioIo::new(stream);
        connections.spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        while connections.try_join_next().is_some() {}
    }
}

fn answer(request: &Request<Incoming>, signer: &Certificate) -> Response<Full<Bytes>> {
    let sent = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
    let wanted = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    if sent.is_some_and(|sent| sent != wanted.as_bytes()) {
        let mut refused = Response::new(Full::from("wrong user name or password"));
        *refused.status_mut() = hyper::StatusCode::UNAUTHORIZED;
        return refused;
    }
    let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let asked = query.filter(|(key, _)| key == "scope" && sent.is_some());
    let scopes: Vec<_> = asked.map(|(_, scopes)| scopes.into_owned()).collect();
    let scopes = scopes.iter().flat_map(|scopes| scopes.split(' '));
    let token = token(signer, &scopes.filter_map(access).collect::<Vec<_>>());
    Response::new(Full::from(json!({"token": token, "expires_in": 300}).to_string()))
}

/// `type:name:actions` as a token says it.
fn access(scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions: Vec<_> = actions.split(',').collect();
    Some(json!({"type": kind, "name": name, "actions": actions}))
}

fn token(signer: &Certificate, access: &[Value]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let chain = [BASE64_STANDARD.encode(signer.der())];
    let header = json!({"typ": "JWT", "alg": "ES256", "x5c": chain});
    let claims = json!({"iss": ISSUER, "sub": USER, "aud": SERVICE, "exp": now + 300,
        "nbf": now - 60, "iat": now, "jti": now.to_string(), "access": access});
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = fixed_length(&signer.sign(signed.as_bytes()));
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The two numbers of an ASN.1 signature, 32 bytes each, as JWS wants them (RFC 7518, 3.4).
fn fixed_length(asn1: &[u8]) -> [u8; 64] {
    let mut fixed = [0; 64];
    let (first, rest) = number(&asn1[2..]);
    let (second, _) = number(rest);
    for (number, end) in [(first, 32), (second, 64)] {
        let digits = &number[number.len().saturating_sub(32)..];
        fixed[end - digits.len()..end].copy_from_slice(digits);
    }
    fixed
}

/// Splits an ASN.1 integer off.
fn number(asn1: &[u8]) -> (&[u8], &[u8]) {
    asn1[2..].split_at(usize::from(asn1[1]))
}
