//! The protocol against a scripted registry on loopback.

mod authority;
mod blobs;
mod manifests;
mod uploads;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use portolan_core::{
    oci::{Descriptor, MediaType, Repository},
    provider::{HostUse, UploadStyle},
    secret::Secret,
};

use super::*;
use crate::net::{
    Body, Client, ClientConfig, Egress, HostGrant, TlsSettings,
    scripted::{Scripted, Seen, answer},
};

/// Gives a token counted up with each ask, and keeps what was asked.
#[derive(Default)]
struct Counting {
    asks: Mutex<Vec<(Vec<Scope>, Option<Challenge>)>>,
    count: AtomicUsize,
}

impl Authorizer for Counting {
    fn authorize<'a>(
        &'a self,
        scopes: &'a [Scope],
        challenge: Option<&'a Challenge>,
    ) -> BoxFuture<'a, Result<Grant, DistributionError>> {
        self.asks.lock().unwrap().push((scopes.to_vec(), challenge.cloned()));
        let token = self.count.fetch_add(1, Ordering::Relaxed);
        let header = ("authorization".to_owned(), Secret::new(format!("Bearer token{token}")));
        let grant = Grant { headers: Arc::new([header]), carries: HostUse::Signed, expires: None };
        Box::pin(std::future::ready(Ok(grant)))
    }
}

fn target(server: &Scripted, upload: UploadStyle, max_chunk: Option<u64>) -> Target {
    let repository: Repository = "library/app".parse().unwrap();
    let base_url = server.url("/");
    Target { base_url, repository, upload, max_chunk, mount: true, accepted_manifests: None }
}

fn client(server: &Scripted, grants: Vec<HostGrant>) -> Client {
    let egress = Arc::new(Egress::new(server.url("/"), grants));
    Client::new(ClientConfig {
        tls: TlsSettings::default(),
        proxy: None,
        egress,
        answers: Arc::default(),
    })
    .unwrap()
}

fn remote_with(server: &Scripted, upload: UploadStyle, max_chunk: Option<u64>) -> Remote {
    let authorizer = Arc::new(Counting::default());
    Remote::new(client(server, Vec::new()), authorizer, target(server, upload, max_chunk))
}

fn remote(server: &Scripted) -> Remote {
    remote_with(server, UploadStyle::SinglePut, None)
}

/// Answers by request line; what is not in the script is 500, which would be retried and seen.
async fn script(
    answers: impl Fn(&str, &Seen) -> Option<Response<Body>> + Send + Sync + 'static,
) -> Scripted {
    Scripted::http(move |seen| {
        answers(&seen.line(), seen).unwrap_or_else(|| answer(418, &[], seen.line()))
    })
    .await
}

fn blob(content: &[u8]) -> Descriptor {
    Descriptor {
        media_type: MediaType::new("application/octet-stream"),
        digest: Digest::of(content),
        size: content.len() as u64,
        platform: None,
        artifact_type: None,
        annotations: Default::default(),
    }
}
