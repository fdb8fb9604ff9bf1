//! Plug-ins: list, install, approve, revoke, remove. Installing enables nothing: an
//! administrator approves a digest and its hosts afterwards.

use axum::{
    extract::{Path, Request},
    http::{HeaderMap, StatusCode, Uri, header},
};
use portolan_core::{oci::Digest, provider::AllowedHost};
use serde::Deserialize;

use crate::api::{
    auth::Access,
    extract::{Parameter, Query, parse_json, read_body},
    respond::{Answer, ApiError, json, json_as, nothing, set},
};

/// Largest component taken, in bytes.
const MAX_COMPONENT: usize = 32 << 20;
/// Largest approval in bytes.
const MAX_APPROVAL: usize = 1 << 20;
/// Longest name of the file a component came from, in bytes.
const MAX_SOURCE: usize = 255;
/// Header that names that file, for clients that build no query.
const SOURCE: &str = "x-plugin-source";

/// `GET /plugins`: bundled ones first.
pub(crate) async fn list(access: Access) -> Answer {
    Ok(json(&access.viewer().await?.plugins().await?))
}

/// `GET /plugins/{digest}`.
pub(crate) async fn show(access: Access, Path(digest): Path<String>) -> Answer {
    let digest = parse(&digest)?;
    let plugins = access.viewer().await?.plugins().await?;
    let found = plugins.iter().find(|plugin| plugin.digest == digest);
    found.map(json).ok_or_else(|| ApiError::not_found(format!("there is no plug-in {digest}")))
}

/// `POST /plugins?source=NAME` with the component as its body: 201 with the stored plug-in.
pub(crate) async fn install(access: Access, uri: Uri, query: Query, request: Request) -> Answer {
    // A login comes before 32 MiB are read: this is no call of Harbor's.
    let host = access.admin().await?;
    let source = source(request.headers(), &query)?;
    let component = read_body(request, MAX_COMPONENT).await?;
    if component.is_empty() {
        return Err(ApiError::unprocessable("component in body is required"));
    }
    let plugin = host.install_plugin(component.to_vec(), source).await?;
    let mut response = json_as(StatusCode::CREATED, &plugin);
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), plugin.digest);
    set(&mut response, header::LOCATION, &location);
    Ok(response)
}

/// Body of an approval: without `hosts`, every host the adapter asks for.
#[derive(Default, Deserialize)]
struct Approval {
    hosts: Option<Vec<AllowedHost>>,
}

impl Parameter for Approval {
    const NAME: &'static str = "approval";
}

/// `POST /plugins/{digest}/approve`, with fewer hosts in an optional JSON body.
pub(crate) async fn approve(
    access: Access,
    Path(digest): Path<String>,
    request: Request,
) -> Answer {
    let digest = parse(&digest)?;
    let host = access.admin().await?;
    let by = access.somebody().await?.name.clone();
    let body = read_body(request, MAX_APPROVAL).await?;
    let approval =
        if body.is_empty() { Approval::default() } else { parse_json::<Approval>(&body)? };
    Ok(json(&host.approve_plugin(&digest, approval.hosts, &by).await?))
}

/// `POST /plugins/{digest}/revoke`.
pub(crate) async fn revoke(access: Access, Path(digest): Path<String>) -> Answer {
    let digest = parse(&digest)?;
    Ok(json(&access.admin().await?.revoke_plugin(&digest).await?))
}

/// `DELETE /plugins/{digest}`.
pub(crate) async fn remove(access: Access, Path(digest): Path<String>) -> Answer {
    let digest = parse(&digest)?;
    access.admin().await?.remove_plugin(&digest).await?;
    Ok(nothing())
}

fn parse(digest: &str) -> Result<Digest, ApiError> {
    digest.parse().map_err(|error| ApiError::unprocessable(format!("digest in path: {error}")))
}

fn source(headers: &HeaderMap, query: &Query) -> Result<String, ApiError> {
    let header = headers.get(SOURCE).and_then(|value| value.to_str().ok());
    let source = query.text("source").or(header).unwrap_or("");
    if source.len() > MAX_SOURCE || source.chars().any(char::is_control) {
        let rule = "source should be a file name of at most 255 bytes";
        return Err(ApiError::unprocessable(rule));
    }
    Ok(source.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let mut headers = HeaderMap::new();
        assert_eq!(source(&headers, &Query::new("")).unwrap(), "");
        headers.insert(SOURCE, "header.wasm".parse().unwrap());
        assert_eq!(source(&headers, &Query::new("")).unwrap(), "header.wasm");
        assert_eq!(source(&headers, &Query::new("source=a%20b.wasm")).unwrap(), "a b.wasm");
        for bad in [format!("source={}", "x".repeat(256)), "source=a%0Ab".to_owned()] {
            assert!(source(&headers, &Query::new(&bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn approvals() {
        let body = br#"{"hosts": [{"pattern": "https://auth.example.com", "uses": ["data"]}]}"#;
        let approval: Approval = parse_json(body).unwrap();
        assert_eq!(approval.hosts.unwrap()[0].pattern, "https://auth.example.com");
        assert!(parse_json::<Approval>(b"null").unwrap().hosts.is_none());
        assert!(parse_json::<Approval>(br#"{"hosts": ["x"]}"#).is_err());
        assert!(parse("sha256:12").is_err());
    }
}
