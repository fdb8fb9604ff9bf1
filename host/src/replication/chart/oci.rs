//! A chart that an index names as `oci://…`: pulled without credentials from wherever it is, and
//! pushed as it is.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use portolan_core::{
    oci::{Challenge, Descriptor, Digest, Manifest, MediaType, Reference, manifest::MAX_BYTES},
    secret::Secret,
};
use serde::Deserialize;
use url::Url;

use super::{
    ChartError,
    artifact::{self, Artifact},
    download::{self, MAX_ARCHIVE},
};
use crate::net::{self, Client, Purpose};

/// Largest answer of a token server.
const MAX_TOKEN: u64 = 64 << 10;

/// One reference at one registry.
pub(super) struct Pull<'c> {
    client: &'c Client,
    /// `https://HOST/v2/REPOSITORY/`
    base: Url,
    repository: String,
    reference: String,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// A whole answer.
struct Answer {
    url: Url,
    status: u16,
    challenge: Option<Challenge>,
    bytes: Result<Bytes, ChartError>,
}

impl Answer {
    /// Its bytes, where they are what was asked for.
    fn good(self) -> Result<Bytes, ChartError> {
        match self.status {
            200 => self.bytes,
            status => Err(ChartError::status(net::redact(&self.url), status)),
        }
    }
}

impl<'c> Pull<'c> {
    /// Reads `oci://HOST/REPOSITORY[:TAG|@DIGEST]`; without either, the tag is `asked`.
    pub(super) fn new(
        client: &'c Client,
        url: &Url,
        asked: &Reference,
    ) -> Result<Self, ChartError> {
        let unusable =
            || ChartError::Refused(format!("`{}` names no chart in a registry", net::redact(url)));
        let path = url.path().trim_matches('/');
        let (repository, reference) = match path.split_once('@') {
            // A digest decides, a tag before it is for people.
            Some((name, digest)) => {
                (name.split_once(':').map_or(name, |(name, _)| name), digest.to_owned())
            }
            None => match path.rsplit_once(':') {
                Some((name, tag)) => (name, tag.to_owned()),
                None => (path, asked.to_string()),
            },
        };
        let known = reference.parse::<Reference>().is_ok();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = url.host_str().unwrap_or_default();
        let base = format!("https://{host}{port}/v2/{repository}/");
        let named = repository.parse::<portolan_core::oci::Repository>().is_ok() && known;
        let base = Url::parse(&base).ok().filter(|_| named).ok_or_else(unusable)?;
        Ok(Self { client, base, repository: repository.to_owned(), reference })
    }

    /// The manifest, checked.
    pub(super) async fn manifest(&self) -> Result<Manifest, ChartError> {
        self.authorised_manifest().await.map(|(manifest, _)| manifest)
    }

    /// The manifest and everything it names, checked; `expected` is what the index told.
    pub(super) async fn artifact(&self, expected: Option<&Digest>) -> Result<Artifact, ChartError> {
        let (manifest, token) = self.authorised_manifest().await?;
        self.check(&manifest, expected)?;
        let total: u64 = manifest.blobs.iter().map(|blob| blob.size).fold(0, u64::saturating_add);
        if total > MAX_ARCHIVE {
            return Err(self.unusable(format!("it has more than {MAX_ARCHIVE} bytes")));
        }
        let mut blobs = Vec::with_capacity(manifest.blobs.len());
        for blob in &manifest.blobs {
            let url = self.url(&format!("blobs/{}", blob.digest))?;
            let bytes = self.get(&url, "*/*", token.as_ref(), blob.size).await?.good()?;
            download::check(&url, &blob.digest, &bytes)?;
            blobs.push((blob.digest.clone(), bytes));
        }
        let nothing = String::new;
        Ok(Artifact { manifest, blobs, name: nothing(), version: nothing() })
    }

    /// It is a chart, and the one that the index told: indexes give the digest of the archive, some
    /// that of the manifest.
    fn check(&self, manifest: &Manifest, expected: Option<&Digest>) -> Result<(), ChartError> {
        let is_content = |part: &&Descriptor| part.media_type.as_str() == artifact::CONTENT;
        let content = manifest.blobs.iter().find(is_content);
        let content = content.ok_or_else(|| self.unusable("it is no chart".to_owned()))?;
        match expected {
            Some(expected) if content.digest != *expected && manifest.digest != *expected => {
                let actual = &content.digest;
                let why = format!("its archive is {actual}, and the index told {expected}");
                Err(self.unusable(why))
            }
            _ => Ok(()),
        }
    }

    async fn authorised_manifest(&self) -> Result<(Manifest, Option<Secret>), ChartError> {
        let url = self.url(&format!("manifests/{}", self.reference))?;
        let mut token = None;
        let most = MAX_BYTES as u64;
        let mut answer = self.get(&url, MediaType::OCI_MANIFEST, None, most).await?;
        if answer.status == 401
            && let Some(challenge) = &answer.challenge
            && let Some(realm) = challenge.param("realm").and_then(|realm| url.join(realm).ok())
        {
            let granted = self.token(realm, challenge.param("service")).await?;
            answer = self.get(&url, MediaType::OCI_MANIFEST, Some(&granted), most).await?;
            token = Some(granted);
        }
        let bytes = answer.good()?;
        if let Ok(digest) = self.reference.parse::<Digest>() {
            download::check(&url, &digest, &bytes)?;
        }
        let manifest = Manifest::parse(bytes.into(), MediaType::OCI_MANIFEST);
        let manifest = manifest.map_err(|error| self.unusable(error.to_string()))?;
        if !manifest.children.is_empty() {
            return Err(self.unusable("it is an index, not a chart".to_owned()));
        }
        Ok((manifest, token))
    }

    /// A token for nobody in particular.
    async fn token(&self, mut realm: Url, service: Option<&str>) -> Result<Secret, ChartError> {
        let scope = format!("repository:{}:pull", self.repository);
        realm.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = service {
            realm.query_pairs_mut().append_pair("service", service);
        }
        let bytes = self.get(&realm, "application/json", None, MAX_TOKEN).await?.good()?;
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        let token = token.and_then(|it| it.token.or(it.access_token)).map(Secret::new);
        token.ok_or_else(|| self.unusable("its token server gives no token".to_owned()))
    }

    async fn get(
        &self,
        url: &Url,
        accept: &'static str,
        token: Option<&Secret>,
        most: u64,
    ) -> Result<Answer, ChartError> {
        let failed = |source| ChartError::Net { url: net::redact(url), source };
        let mut request = Request::new(net::empty());
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(token) = token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
            let value = value.map_err(|_| self.unusable("its token cannot be sent".to_owned()))?;
            headers.insert(header::AUTHORIZATION, value);
        }
        let sent = self.client.send_following(url.clone(), request, Purpose::PublicDownload).await;
        let (answer, from) = sent.map_err(failed)?;
        let (head, body) = answer.into_parts();
        let challenge = Challenge::preferred(net::challenges(&head.headers));
        let bytes = net::read_all(body, most, net::host_of(&from)).await.map_err(failed);
        Ok(Answer { url: url.clone(), status: head.status.as_u16(), challenge, bytes })
    }

    fn url(&self, rest: &str) -> Result<Url, ChartError> {
        self.base.join(rest).map_err(|error| self.unusable(error.to_string()))
    }

    fn unusable(&self, why: String) -> ChartError {
        ChartError::Unusable { url: net::redact(&self.base), why }
    }
}
