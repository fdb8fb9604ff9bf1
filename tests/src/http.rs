//! A small HTTP client for the daemon's API: one request, one whole answer, JSON in and out.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// A client of one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    base: String,
    authorization: Option<String>,
    json_always: bool,
    accept: Option<String>,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Every header.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
}

impl Client {
    /// A client of `http://ADDRESS` without credentials.
    pub fn new(base: &str) -> Self {
        let pool = Pool::builder(TokioExecutor::new()).build_http();
        Self {
            base: base.trim_end_matches('/').to_owned(),
            authorization: None,
            json_always: false,
            accept: None,
            pool,
        }
    }

    /// The same, with HTTP Basic.
    pub fn basic(self, user: &str, password: &str) -> Self {
        let value = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        Self { authorization: Some(value), ..self }
    }

    /// The same, with a Bearer token.
    pub fn bearer(self, token: &str) -> Self {
        Self { authorization: Some(format!("Bearer {token}")), ..self }
    }

    /// The same, with this header `Authorization`.
    pub fn authorization(self, value: &str) -> Self {
        Self { authorization: Some(value.to_owned()), ..self }
    }

    /// The same, which says `Content-Type: application/json` also where it sends no body.
    pub fn json_always(self) -> Self {
        Self { json_always: true, ..self }
    }

    /// The same, which asks for this media type.
    pub fn accept(self, media_type: &str) -> Self {
        Self { accept: Some(media_type.to_owned()), ..self }
    }

    /// GET; panics as [`Client::send`] does.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// DELETE; panics as [`Client::send`] does.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// POST; panics as [`Client::send`] does.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// PUT; panics as [`Client::send`] does.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// Sends one request.
    ///
    /// # Panics
    /// When there is no whole answer.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let line = format!("{method} {path}");
        match self.try_send(method, path, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// Sends one request; `Err` says why there is no whole answer.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(media_type) = &self.accept {
            request = request.header(ACCEPT, media_type);
        }
        if body.is_some() || self.json_always {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let answer = self.pool.request(request).await.map_err(|error| format!("{error:?}"))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in the answer {}: {}", self.status, self.text()),
        }
    }

    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The number at the end of `Location`: the id of what was created.
    ///
    /// # Panics
    /// When the answer is not 201 with such a header.
    pub fn created_id(&self) -> i64 {
        let id = self.header("location").rsplit('/').next().and_then(|id| id.parse().ok());
        match id {
            Some(id) if self.status == 201 => id,
            _ => panic!("nothing was created: {} {}", self.status, self.text()),
        }
    }
}
