//! One connection: requests are read, sent to what answers them, and failures told as a registry
//! tells them. A layout that cannot be opened says so to each.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use portolan_core::oci::{Digest, Repository, manifest::MAX_BYTES};
use serde_json::json;
use tokio::io::DuplexStream;

use super::{
    LayoutError,
    answer::{self, Answer},
    blocking,
    call::{self, Resource},
    open::Layout,
    uploads,
};

type Opened = Result<Arc<Layout>, Arc<LayoutError>>;

const UNSUPPORTED: LayoutError = LayoutError::Malformed("that is not done with this resource");

/// Serves a connection to its end.
pub(super) async fn connection(stream: DuplexStream, layout: Result<Arc<Layout>, LayoutError>) {
    let layout = layout.map_err(Arc::new);
    let service = service_fn(move |request| {
        let layout = layout.clone();
        async move { Ok::<_, Infallible>(respond(&layout, request).await) }
    });
    let http = hyper::server::conn::http1::Builder::new();
    // A connection that breaks is the client's to tell.
    let _ended = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(layout: &Opened, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let layout = match layout {
        Ok(layout) => layout,
        Err(error) => return answer::refusal(error, ""),
    };
    let resource = match Resource::parse(parts.uri.path()) {
        Ok(resource) => resource,
        Err(error) => return answer::refusal(&error, ""),
    };
    let repository = resource.repository().to_owned();
    let answered = dispatch(layout, resource, parts, body).await;
    answered.unwrap_or_else(|error| answer::refusal(&error, &repository))
}

async fn dispatch(
    layout: &Arc<Layout>,
    resource: Resource,
    parts: Parts,
    body: Incoming,
) -> Result<Answer, LayoutError> {
    let own = Arc::clone(layout);
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    match resource {
        Resource::Ping => blocking(move || own.look(|_| answer::document(&json!({})))).await,
        Resource::Catalog if reads => blocking(move || own.catalog(&parts.uri)).await,
        Resource::Tags(name) if reads => blocking(move || own.tags(&parts.uri, &name)).await,
        Resource::Referrers(name, of) if reads => blocking(move || own.referrers(&name, &of)).await,
        Resource::Manifest(name, reference) if reads => {
            blocking(move || own.manifest(&parts.method, &name, &reference)).await
        }
        Resource::Manifest(name, reference) if parts.method == Method::PUT => {
            let bytes = whole(body).await?;
            let kind = header(&parts, header::CONTENT_TYPE).to_owned();
            blocking(move || own.put_manifest(&name, &reference, &kind, &bytes)).await
        }
        Resource::Manifest(name, reference) if parts.method == Method::DELETE => {
            blocking(move || own.delete_manifest(&name, &reference)).await
        }
        Resource::Blob(_, digest) if reads => blocking(move || own.blob(&parts, &digest)).await,
        Resource::Uploads(name) if parts.method == Method::POST => {
            blocking(move || own.start(&parts, &name)).await
        }
        Resource::Upload(name, id) => upload(layout, (&name, &id), &parts, body).await,
        _ => Err(UNSUPPORTED),
    }
}

async fn upload(
    layout: &Arc<Layout>,
    (name, id): (&Repository, &str),
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, LayoutError> {
    let (own, named) = (Arc::clone(layout), id.to_owned());
    match parts.method {
        Method::GET => {
            let length = blocking(move || own.upload_length(&named)).await?;
            Ok(uploads::progress(StatusCode::NO_CONTENT, name.as_str(), id, length))
        }
        Method::PATCH => {
            let length = uploads::append(layout, id, &parts.headers, body).await?;
            Ok(uploads::progress(StatusCode::ACCEPTED, name.as_str(), id, length))
        }
        Method::PUT => {
            let digest = call::digest(&call::query(&parts.uri, "digest").unwrap_or_default())?;
            uploads::finish(layout, id, &digest, (&parts.headers, body)).await?;
            Ok(answer::created(&format!("/v2/{name}/blobs/{digest}"), &digest))
        }
        Method::DELETE => {
            blocking(move || own.cancel_upload(&named)).await?;
            Ok(answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(UNSUPPORTED),
    }
}

impl Layout {
    /// A blob. They are the layout's, and so every repository's.
    fn blob(&self, parts: &Parts, digest: &Digest) -> Result<Answer, LayoutError> {
        let found = self.files.content(digest)?;
        let content = found.ok_or(LayoutError::Missing("the blob is not in the image layout"))?;
        if parts.method == Method::HEAD {
            let kind = "application/octet-stream";
            let mut answer = answer::whole(StatusCode::OK, kind, Bytes::new());
            answer.headers_mut().insert(header::CONTENT_LENGTH, content.size.into());
            return Ok(answer::with_digest(answer, digest));
        }
        let range = header(parts, header::RANGE);
        Ok(answer::blob(content, digest, Some(range).filter(|range| !range.is_empty())))
    }

    /// A mount, which is there already where the blob is, or a new upload.
    fn start(&self, parts: &Parts, name: &Repository) -> Result<Answer, LayoutError> {
        if let Some(mount) = call::query(&parts.uri, "mount") {
            let digest = call::digest(&mount)?;
            if self.files.content(&digest)?.is_some() {
                return Ok(answer::created(&format!("/v2/{name}/blobs/{digest}"), &digest));
            }
        }
        let id = self.start_upload()?;
        Ok(uploads::progress(StatusCode::ACCEPTED, name.as_str(), &id, 0))
    }
}

fn header(parts: &Parts, name: header::HeaderName) -> &str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A manifest's body.
async fn whole(body: Incoming) -> Result<Bytes, LayoutError> {
    let read = Limited::new(body, MAX_BYTES).collect().await;
    read.map(|body| body.to_bytes()).map_err(|error| LayoutError::Cut(error.to_string()))
}
