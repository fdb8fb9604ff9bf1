//! The daemon's HTTP interface as the terminal sees it: a socket or a loopback port, one
//! connection for each request. It never retries, and follows no redirect.

use std::{path::PathBuf, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

use super::{args::Connection, output::Failure, secret};
use crate::config::DaemonPaths;

mod address;

use address::Address;

/// Saving an endpoint waits for a remote registry: longer than the daemon's own limit.
const REQUEST_TIME: Duration = Duration::from_secs(90);
/// Most bytes of one answer; the longest are task logs.
const MAX_ANSWER: usize = 64 << 20;
/// Rows of one page, the most that the API gives.
const PAGE: usize = 100;
/// Most pages read to find a name.
const MAX_PAGES: usize = 1000;

/// What Harbor's clients speak.
pub(crate) const HARBOR: &str = "/api/v2.0";
/// What is our own.
pub(crate) const PORTOLAN: &str = "/api/portolan/v1";

/// How one daemon is reached, and as whom.
pub(crate) struct Client {
    address: Address,
    authorization: Option<HeaderValue>,
}

/// What is sent.
pub(crate) enum Payload {
    Nothing,
    Json(Value),
    Component(Vec<u8>),
}

/// What came back, with a status that says success.
pub(crate) struct Answer {
    /// Path of what was made.
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` where there is none.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        parse(&self.body)
    }
}

impl Client {
    /// Reads a password where one was named, or where one is needed.
    pub(crate) fn new(
        connection: &Connection,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let said = |name: &str| lookup(name).filter(|text| !text.is_empty());
        let address = match connection.server.clone().or_else(|| said("PORTOLAN_SERVER")) {
            Some(text) => Address::parse(&text)?,
            None => Address::Socket(DaemonPaths::find(&lookup)?.socket.value),
        };
        let file = connection
            .password_file
            .clone()
            .or_else(|| said("PORTOLAN_PASSWORD_FILE").map(PathBuf::from));
        if file.is_none() && matches!(address, Address::Socket(_)) {
            return Ok(Self { address, authorization: None });
        }
        let prompt = format!("Password of {} at {address}", connection.user);
        let password = secret::from_file_or_prompt(file.as_deref(), "--password-file", &prompt)?;
        let pair = format!("{}:{}", connection.user, password.expose());
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|_| Failure::usage("the name and the password make no HTTP header"))?;
        value.set_sensitive(true);
        Ok(Self { address, authorization: Some(value) })
    }

    /// The JSON at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let answer = self.send(Method::GET, path, Payload::Nothing).await?;
        parse(&answer.body)
    }

    /// Every row of a listing, page after page.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut rows = Vec::new();
        for page in 1..=MAX_PAGES {
            let next = self.get(&format!("{path}?page={page}&page_size={PAGE}")).await?;
            let Value::Array(next) = next else { break };
            let last = next.len() < PAGE;
            rows.extend(next);
            if last {
                break;
            }
        }
        Ok(rows)
    }

    /// The element of a listing with this name, else with this id. `what` is its noun.
    pub(crate) async fn find(&self, path: &str, what: &str, name: &str) -> Result<Value, Failure> {
        let mut rows = self.list(path).await?;
        if let Some(at) = rows.iter().position(|row| row.get("name") == Some(&name.into())) {
            return Ok(rows.swap_remove(at));
        }
        if let Ok(id) = name.parse::<u64>() {
            return self.get(&format!("{path}/{id}")).await;
        }
        Err(Failure::new(format!("there is no {what} `{name}`"))
            .hint(format!("`portolan {what} list` shows which there are")))
    }

    /// Sends one request and waits for the whole answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path, payload)?;
        match tokio::time::timeout(REQUEST_TIME, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::new(format!(
                "the daemon at {} did not answer within {} s",
                self.address,
                REQUEST_TIME.as_secs()
            ))),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let (media_type, body) = match payload {
            Payload::Nothing => (None, Bytes::new()),
            Payload::Json(value) => (Some("application/json"), Bytes::from(value.to_string())),
            Payload::Component(bytes) => (Some("application/wasm"), Bytes::from(bytes)),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.host())
            .header(header::USER_AGENT, concat!("portolan/", env!("CARGO_PKG_VERSION")));
        if let Some(media_type) = media_type {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        request
            .body(Full::new(body))
            .map_err(|error| Failure::new(format!("cannot ask for {path}: {error}")))
    }

    /// Writes the answer to a POST into a file as it comes; gives its length in bytes.
    pub(crate) async fn download(
        &self,
        path: &str,
        body: Value,
        to: &mut tokio::fs::File,
    ) -> Result<u64, Failure> {
        let request = self.request(Method::POST, path, Payload::Json(body))?;
        match &self.address {
            Address::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(|error| self.address.unreachable(&error))?;
                self.download_over(stream, request, to).await
            }
            Address::Tcp(authority) => {
                let stream = TcpStream::connect(authority).await;
                let stream = stream.map_err(|error| self.address.unreachable(&error))?;
                self.download_over(stream, request, to).await
            }
        }
    }

    async fn download_over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
        to: &mut tokio::fs::File,
    ) -> Result<u64, Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(format!("the connection to the daemon at {} broke: {error}", self.address))
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        let driver = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
        let response = tokio::time::timeout(REQUEST_TIME, sender.send_request(request)).await;
        let response = response.map_err(|_| broken(&"no answer"))?;
        let (head, mut body) = response.map_err(|error| broken(&error))?.into_parts();
        if !head.status.is_success() {
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            return Err(refusal(head.status, &body.map_err(|error| broken(&error))?.to_bytes()));
        }
        let mut length = 0;
        loop {
            let frame = tokio::time::timeout(REQUEST_TIME, body.frame()).await;
            let frame = frame.map_err(|_| broken(&"nothing came for too long"))?;
            let Some(frame) = frame else { break };
            let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
            let written = to.write_all(&data).await;
            written
                .map_err(|error| Failure::new(format!("the file cannot be written: {error}")))?;
            length += data.len() as u64;
        }
        drop(driver);
        Ok(length)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        match &self.address {
            Address::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                self.over(stream.map_err(|error| self.address.unreachable(&error))?, request).await
            }
            Address::Tcp(authority) => {
                let stream = TcpStream::connect(authority).await;
                self.over(stream.map_err(|error| self.address.unreachable(&error))?, request).await
            }
        }
    }

    async fn over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(format!("the connection to the daemon at {} broke: {error}", self.address))
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        let body =
            Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| broken(&error))?;
        driver.abort();
        let body = body.to_bytes();
        if !head.status.is_success() {
            return Err(refusal(head.status, &body));
        }
        let location = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        Ok(Answer { location: location.map(str::to_owned), body })
    }
}

/// The JSON of an answer; an empty one is null.
fn parse(body: &[u8]) -> Result<Value, Failure> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body)
        .map_err(|error| Failure::new(format!("the daemon's answer is not JSON: {error}")))
}

/// The sentence in Harbor's error envelope; the status where there is none.
fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let envelope: Option<Value> = serde_json::from_slice(body).ok();
    let message = envelope
        .as_ref()
        .and_then(|value| value.pointer("/errors/0/message"))
        .and_then(Value::as_str)
        .filter(|message| !message.is_empty())
        .map_or_else(|| format!("the daemon answered {status}"), str::to_owned);
    match status {
        StatusCode::UNAUTHORIZED => Failure::new("the daemon does not accept this name and password").hint(
            "use --password-file FILE; the password of the first start is in initial-admin-password in the daemon's data directory",
        ),
        status if status.is_server_error() => {
            Failure::new(message).hint("the daemon's log has the reason")
        }
        _ => Failure::new(message),
    }
}

#[cfg(test)]
mod tests;
