//! The daemon's HTTP interface as the terminal sees it: a socket or a port, with or without TLS, one
//! connection for each request. It never retries, and follows no redirect.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use portolan_core::secret::Secret;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio_util::task::AbortOnDropHandle;

use super::{args::Connection, output::Failure, secret};
use crate::{ClientTls, config::DaemonPaths};

mod address;
mod connection;
mod events;
mod login;

use address::Address;
use login::{authorization, basic, trusted};

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
    /// Whom an https:// daemon must convince.
    tls: Option<ClientTls>,
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
    /// Reads a password or a token where one was named, or a password where one is needed.
    pub(crate) fn new(
        connection: &Connection,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let mut client = Self::bare(connection, &lookup)?;
        let said = |name: &str| lookup(name).filter(|text| !text.is_empty());
        client.authorization = authorization(connection, &client.address, &said)?;
        Ok(client)
    }

    /// The way to a daemon, as nobody.
    fn bare(
        connection: &Connection,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let said = |name: &str| lookup(name).filter(|text| !text.is_empty());
        let address = match connection.server.clone().or_else(|| said("PORTOLAN_SERVER")) {
            Some(text) => Address::parse(&text)?,
            None => Address::Socket(DaemonPaths::find(lookup)?.socket.value),
        };
        let tls = match &address {
            Address::Tls(..) => Some(trusted(connection, &said)?),
            Address::Socket(_) | Address::Tcp(_) => None,
        };
        Ok(Self { address, tls, authorization: None })
    }

    /// The same for somebody whose password is needed whatever the way; gives that, too.
    pub(crate) fn with_password(
        connection: &Connection,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Secret), Failure> {
        let file = connection.password_file.clone().or_else(|| {
            lookup("PORTOLAN_PASSWORD_FILE").filter(|text| !text.is_empty()).map(PathBuf::from)
        });
        let prompt = format!("Password of {}", connection.user);
        let password = secret::from_file_or_prompt(file.as_deref(), "--password-file", &prompt)?;
        let mut client = Self::bare(connection, &lookup)?;
        client.authorization = Some(basic(&connection.user, &password)?);
        Ok((client, password))
    }

    /// Where the daemon is, for people.
    pub(crate) fn place(&self) -> String {
        self.address.to_string()
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
        let (mut body, _driver) = self.streamed(request).await?;
        let mut length = 0;
        while let Some(data) = self.piece(&mut body, REQUEST_TIME).await? {
            let written = to.write_all(&data).await;
            written
                .map_err(|error| Failure::new(format!("the file cannot be written: {error}")))?;
            length += data.len() as u64;
        }
        Ok(length)
    }

    /// The body of an answer that says success, as it comes.
    async fn streamed(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Incoming, AbortOnDropHandle<()>), Failure> {
        let (mut sender, driver) = self.open().await?;
        let response = tokio::time::timeout(REQUEST_TIME, sender.send_request(request)).await;
        let response = response.map_err(|_| self.broken(&"no answer"))?;
        let (head, body) = response.map_err(|error| self.broken(&error))?.into_parts();
        if head.status.is_success() {
            return Ok((body, driver));
        }
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        Err(refusal(head.status, &body.map_err(|error| self.broken(&error))?.to_bytes()))
    }

    /// The next bytes of a body; `None` at its end.
    async fn piece(
        &self,
        body: &mut Incoming,
        patience: Duration,
    ) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = tokio::time::timeout(patience, body.frame()).await;
            let frame = frame.map_err(|_| self.broken(&"nothing came for too long"))?;
            let Some(frame) = frame else { return Ok(None) };
            if let Ok(data) = frame.map_err(|error| self.broken(&error))?.into_data() {
                return Ok(Some(data));
            }
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let (mut sender, _driver) = self.open().await?;
        let response = sender.send_request(request).await.map_err(|error| self.broken(&error))?;
        let (head, body) = response.into_parts();
        let body =
            Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| self.broken(&error))?;
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
        .map_or_else(|| format!("the daemon answered {status}"), in_our_words);
    match status {
        StatusCode::UNAUTHORIZED => Failure::new("the daemon does not accept this login").hint(
            "use --token-file FILE, or --user NAME and --password-file FILE; the password of the first start is in initial-admin-password in the daemon's data directory",
        ),
        StatusCode::FORBIDDEN => {
            Failure::new(format!("{message} may not do that")).hint("somebody with another role can; `portolan user list` shows who")
        }
        StatusCode::NOT_FOUND => match missing(&message) {
            Some(noun) => Failure::new(message)
                .hint(format!("`portolan {noun} list` shows which there are")),
            None => Failure::new(message),
        },
        status if status.is_server_error() => {
            Failure::new(message).hint("the daemon's log has the reason")
        }
        _ => Failure::new(message),
    }
}

/// A refusal as the terminal says it: what Harbor's API calls a policy is a rule.
fn in_our_words(message: &str) -> String {
    let message = match message.strip_prefix("policy ") {
        Some(rest) => format!("rule {rest}"),
        None => message.to_owned(),
    };
    [
        ("the policy `", "the rule `"),
        ("a policy (", "a rule ("),
        (" policies (", " rules ("),
        ("` is taken by another policy", "` is taken by another rule"),
    ]
    .iter()
    .fold(message, |message, (theirs, ours)| message.replace(theirs, ours))
}

/// The noun of the terminal in `execution 9 does not exist`.
fn missing(message: &str) -> Option<&'static str> {
    let (noun, rest) = message.split_once(' ')?;
    let noun = match noun {
        "endpoint" => "endpoint",
        "rule" => "rule",
        "execution" => "execution",
        _ => return None,
    };
    rest.ends_with("does not exist").then_some(noun)
}

#[cfg(test)]
mod tests;
