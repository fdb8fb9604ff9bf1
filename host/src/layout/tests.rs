//! Layouts spoken to as registries, by the client that everything else uses.

mod archives;
mod hostile;
mod registry;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use portolan_core::oci::{Digest, MediaType};
use serde_json::{Value, json};

use super::*;
use crate::net::{self, Client, ClientConfig, Egress, Purpose, TlsSettings};

/// A host with one layout, and a client that may go there.
struct Spoken {
    layouts: Layouts,
    client: Client,
}

/// An answer, whole.
struct Told {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn directory(path: &Path) -> LayoutPlace {
    LayoutPlace { path: path.to_owned(), archive: false, read_only: false }
}

fn archive(path: &Path) -> LayoutPlace {
    LayoutPlace { path: path.to_owned(), archive: true, read_only: false }
}

impl Spoken {
    fn to(place: LayoutPlace) -> Self {
        let named = HashMap::from([("here".to_owned(), place)]);
        let (layouts, way) = Layouts::start(LayoutSettings { named, directory: None });
        Self { layouts, client: client("here", way.unwrap()) }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
        let path = path.strip_prefix("http://here.oci-layout.invalid").unwrap_or(path);
        let url = format!("http://here.oci-layout.invalid{path}");
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(net::full(body.to_vec())).unwrap();
        let answer = self.client.send(request, Purpose::Anonymous).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = net::read_all(body, 64 << 20, "here").await.unwrap();
        Told { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Told {
        self.ask(Method::GET, path, &[], b"").await
    }

    async fn put_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let uploads = format!("/v2/{repository}/blobs/uploads/");
        let place = self.ask(Method::POST, &uploads, &[], b"").await.header("location");
        let put = self.ask(Method::PUT, &format!("{place}?digest={digest}"), &[], bytes).await;
        assert_eq!(put.status, 201, "{}", put.text());
        digest
    }

    async fn put_manifest(&self, repository: &str, reference: &str, manifest: &Value) -> Told {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let kind = manifest["mediaType"].as_str().unwrap();
        let bytes = manifest.to_string();
        self.ask(Method::PUT, &path, &[("content-type", kind)], bytes.as_bytes()).await
    }

    /// An image of one layer, with its configuration.
    async fn put_image(&self, repository: &str, reference: &str, layer: &[u8]) -> Digest {
        self.put_blob(repository, layer).await;
        self.put_blob(repository, b"{}").await;
        let image = image(layer);
        let put = self.put_manifest(repository, reference, &image).await;
        assert_eq!(put.status, 201, "{}", put.text());
        Digest::of(image.to_string().as_bytes())
    }

    async fn tags(&self, repository: &str) -> Vec<String> {
        let told = self.get(&format!("/v2/{repository}/tags/list")).await.json();
        let tags = told["tags"].as_array().cloned().unwrap_or_default();
        tags.iter().map(|tag| tag.as_str().unwrap().to_owned()).collect()
    }
}

fn client(name: &str, way: Inside) -> Client {
    let url = format!("http://{name}.oci-layout.invalid").parse().unwrap();
    let egress = Arc::new(Egress::within(url, way));
    let tls = TlsSettings::default();
    Client::new(ClientConfig { tls, proxy: None, egress, answers: Arc::default() }).unwrap()
}

fn described(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len()})
}

fn image(layer: &[u8]) -> Value {
    json!({"schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST,
        "config": described(MediaType::OCI_CONFIG, b"{}"),
        "layers": [described("application/vnd.oci.image.layer.v1.tar", layer)]})
}

fn index_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path.join("index.json")).unwrap()).unwrap()
}

fn names(path: &Path) -> Vec<String> {
    let index = index_of(path);
    let entries = index["manifests"].as_array().unwrap().iter();
    let name = |entry: &Value| entry["annotations"][super::index::NAME].as_str().map(str::to_owned);
    entries.filter_map(name).collect()
}

/// Blobs in a layout's directory, by name.
fn blobs(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path.join("blobs/sha256")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
