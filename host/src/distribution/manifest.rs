//! Manifests: asked for with every type we know, checked against their digest, pushed byte for
//! byte (OCI distribution-spec, "Pulling manifests" and "Pushing Manifests").

use http::{HeaderValue, Method, header};
use portolan_core::oci::{
    Descriptor, Digest, Manifest, MediaType, Reference, Verifier, manifest::MAX_BYTES,
};

use super::{
    DistributionError, Remote,
    exchange::{Answer, Ask},
};
use crate::net;

const DIGEST: &str = "docker-content-digest";

impl Remote {
    /// Whether the manifest is there: its digest, type and size; `None` for a 404. A registry
    /// whose `HEAD` says too little is asked with `GET`.
    pub(crate) async fn head_manifest(
        &self,
        reference: &Reference,
    ) -> Result<Option<Descriptor>, DistributionError> {
        let ask = self.manifest_ask(Method::HEAD, reference)?;
        let answer = self.ask(&ask).await?;
        match answer.status() {
            404 => Ok(None),
            200 => match described(&answer, reference, &ask.attempted)? {
                Some(descriptor) => Ok(Some(descriptor)),
                None => {
                    self.read_manifest(reference).await.map(|found| found.as_ref().map(describe))
                }
            },
            400 | 405 | 406 | 501 => {
                self.read_manifest(reference).await.map(|found| found.as_ref().map(describe))
            }
            _ => Err(answer.into_error(&ask.attempted).await),
        }
    }

    /// The manifest, its bytes checked against the digest asked for or announced.
    pub(crate) async fn get_manifest(
        &self,
        reference: &Reference,
    ) -> Result<Manifest, DistributionError> {
        let ask = self.manifest_ask(Method::GET, reference)?;
        let answer = self.ask(&ask).await?;
        match answer.status() {
            200 => self.checked(answer, reference, &ask.attempted).await,
            _ => Err(answer.into_error(&ask.attempted).await),
        }
    }

    /// Pushes a manifest byte for byte under a tag or its digest.
    pub(crate) async fn put_manifest(
        &self,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<(), DistributionError> {
        let attempted = self.attempt(&format!("push manifest {reference}"));
        let malformed =
            |why: String| DistributionError::Malformed { attempted: attempted.clone(), why };
        if manifest.bytes.len() > MAX_BYTES {
            return Err(malformed(format!("it has more than {MAX_BYTES} bytes")));
        }
        let media_type = HeaderValue::try_from(manifest.media_type.as_str())
            .map_err(|_| malformed("its type cannot be sent in a header".to_owned()))?;
        let url = self.url(&format!("manifests/{reference}"))?;
        let mut ask = Ask::new(Method::PUT, url, attempted.clone(), self.push())
            .header(header::CONTENT_TYPE, media_type);
        ask.body = manifest.bytes.clone().into();
        let answer = self.ask(&ask).await?;
        let returned = announced(&answer);
        // Another success than the specified one is believed of a registry that names the digest:
        // the page of a proxy in between is 200 too.
        let taken =
            answer.status() == 201 || returned.is_some() && answer.response.status().is_success();
        if !taken {
            return Err(answer.into_error(&attempted).await);
        }
        answer.discard().await;
        match returned {
            Some(actual) if actual.algorithm() == manifest.digest.algorithm() => {
                same(&attempted, &manifest.digest, actual)
            }
            _ => Ok(()),
        }
    }

    async fn read_manifest(
        &self,
        reference: &Reference,
    ) -> Result<Option<Manifest>, DistributionError> {
        match self.get_manifest(reference).await {
            Ok(manifest) => Ok(Some(manifest)),
            Err(DistributionError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn manifest_ask(
        &self,
        method: Method,
        reference: &Reference,
    ) -> Result<Ask, DistributionError> {
        let what = if method == Method::HEAD { "look for" } else { "pull" };
        let attempted = self.attempt(&format!("{what} manifest {reference}"));
        let url = self.url(&format!("manifests/{reference}"))?;
        let accept = HeaderValue::try_from(MediaType::MANIFESTS.join(", ")).map_err(|error| {
            DistributionError::Malformed { attempted: attempted.clone(), why: error.to_string() }
        })?;
        let ask = Ask::new(method, url, attempted, self.pull()).following().telling();
        Ok(ask.header(header::ACCEPT, accept))
    }

    async fn checked(
        &self,
        answer: Answer,
        reference: &Reference,
        attempted: &str,
    ) -> Result<Manifest, DistributionError> {
        let content_type = answer.header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
        let announced = announced(&answer);
        let host = net::host_of(&answer.url).to_owned();
        let bytes = net::read_all(answer.response.into_body(), MAX_BYTES as u64, &host)
            .await
            .map_err(|source| DistributionError::Net { attempted: attempted.to_owned(), source })?;
        for expected in asked(reference).into_iter().chain(&announced) {
            let mut verifier = Verifier::new(expected.algorithm());
            verifier.update(&bytes);
            same(attempted, expected, verifier.finish())?;
        }
        let mut manifest = Manifest::parse(bytes.into(), &content_type).map_err(|error| {
            DistributionError::Malformed { attempted: attempted.to_owned(), why: error.to_string() }
        })?;
        if let Some(digest) = asked(reference) {
            manifest.digest = digest.clone();
        }
        Ok(manifest)
    }
}

fn asked(reference: &Reference) -> Option<&Digest> {
    match reference {
        Reference::Digest(digest) => Some(digest),
        Reference::Tag(_) => None,
    }
}

/// What the registry says the digest is; what is no digest we know says nothing.
fn announced(answer: &Answer) -> Option<Digest> {
    answer.header(DIGEST).and_then(|text| text.trim().parse().ok())
}

/// What a `HEAD` tells, or `None` where a `GET` must.
fn described(
    answer: &Answer,
    reference: &Reference,
    attempted: &str,
) -> Result<Option<Descriptor>, DistributionError> {
    let digest = match (asked(reference), announced(answer)) {
        (Some(expected), Some(actual)) if expected.algorithm() == actual.algorithm() => {
            same(attempted, expected, actual)?;
            expected.clone()
        }
        (Some(expected), _) => expected.clone(),
        (None, Some(actual)) => actual,
        (None, None) => return Ok(None),
    };
    let media_type = answer.header(header::CONTENT_TYPE).map(MediaType::new);
    let size = answer.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let (Some(media_type), Some(size)) = (media_type, size) else { return Ok(None) };
    Ok(media_type.is_manifest().then(|| descriptor(media_type, digest, size)))
}

fn describe(manifest: &Manifest) -> Descriptor {
    let size = manifest.bytes.len() as u64;
    descriptor(manifest.media_type.clone(), manifest.digest.clone(), size)
}

fn descriptor(media_type: MediaType, digest: Digest, size: u64) -> Descriptor {
    let annotations = Default::default();
    Descriptor { media_type, digest, size, platform: None, artifact_type: None, annotations }
}

fn same(attempted: &str, expected: &Digest, actual: Digest) -> Result<(), DistributionError> {
    if *expected == actual {
        return Ok(());
    }
    let (attempted, expected) = (attempted.to_owned(), expected.clone());
    Err(DistributionError::Digest { attempted, expected, actual })
}
