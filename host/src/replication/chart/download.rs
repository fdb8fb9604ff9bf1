//! Archives and provenance files over HTTP: from the endpoint's own host with its authority, from
//! any other without, over https and where the egress rules allow it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use portolan_core::{
    oci::{Digest, Verifier},
    provider::Grant,
};
use url::Url;

use super::ChartError;
use crate::net::{self, Client, Purpose};

/// Largest archive, in bytes.
pub(super) const MAX_ARCHIVE: u64 = 20 << 20;
/// Largest provenance file.
const MAX_PROVENANCE: u64 = 1 << 20;
/// How a provenance file begins; servers of web pages answer anything with a page.
const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// How files of one chart are fetched.
pub(super) struct Download<'c> {
    pub(super) client: &'c Client,
    /// Authority at the endpoint; needed for files that are there.
    pub(super) grant: Option<Grant>,
}

impl Download<'_> {
    /// The archive, checked against its digest where that is known.
    pub(super) async fn archive(
        &self,
        url: &Url,
        digest: Option<&Digest>,
    ) -> Result<Bytes, ChartError> {
        let (status, bytes) = self.get(url, MAX_ARCHIVE).await?;
        if status != 200 {
            return Err(ChartError::status(net::redact(url), status));
        }
        if let Some(expected) = digest {
            check(url, expected, &bytes)?;
        }
        Ok(bytes)
    }

    /// The provenance file; `None` where there is none, which servers say in several ways.
    pub(super) async fn provenance(&self, url: &Url) -> Result<Option<Bytes>, ChartError> {
        match self.get(url, MAX_PROVENANCE).await? {
            (200, bytes) => Ok(Some(bytes).filter(|it| it.trim_ascii_start().starts_with(SIGNED))),
            (401 | 403 | 404 | 410, _) => Ok(None),
            (status, _) => Err(ChartError::status(net::redact(url), status)),
        }
    }

    async fn get(&self, url: &Url, most: u64) -> Result<(u16, Bytes), ChartError> {
        let failed = |source| ChartError::Net { url: net::redact(url), source };
        let own = self.client.egress().is_endpoint(url);
        if !own && url.scheme() != "https" {
            let url = net::redact(url);
            let text = format!("{url} is on another host than the endpoint, and not https");
            return Err(ChartError::Refused(text));
        }
        let mut request = Request::new(net::empty());
        // The archive's digest is of the bytes as stored.
        let identity = HeaderValue::from_static("identity");
        request.headers_mut().insert(header::ACCEPT_ENCODING, identity);
        let below = self.client.egress().is_below_endpoint(url);
        if let Some(grant) = self.grant.as_ref().filter(|_| below) {
            apply(grant, request.headers_mut())?;
        }
        // The endpoint itself may be sent anything; where it leads to, nothing that is secret.
        let sent = self.client.send_following(url.clone(), request, Purpose::PublicDownload).await;
        let (answer, from) = sent.map_err(failed)?;
        let status = answer.status().as_u16();
        let bytes = net::read_all(answer.into_body(), most, net::host_of(&from)).await;
        match bytes {
            Ok(bytes) => Ok((status, bytes)),
            // What an error page says does not matter.
            Err(_) if status != 200 => Ok((status, Bytes::new())),
            Err(source) => Err(failed(source)),
        }
    }
}

/// Compares bytes with their digest.
pub(super) fn check(url: &Url, expected: &Digest, bytes: &[u8]) -> Result<(), ChartError> {
    let mut verifier = Verifier::new(expected.algorithm());
    verifier.update(bytes);
    let actual = verifier.finish();
    if actual == *expected {
        return Ok(());
    }
    Err(ChartError::Digest { url: net::redact(url), expected: expected.clone(), actual })
}

fn apply(grant: &Grant, headers: &mut HeaderMap) -> Result<(), ChartError> {
    for (name, secret) in grant.headers.iter() {
        let unusable =
            || ChartError::Refused(format!("the header `{name}` that was granted cannot be sent"));
        let name = HeaderName::try_from(name.as_str()).map_err(|_| unusable())?;
        let mut value = HeaderValue::try_from(secret.expose()).map_err(|_| unusable())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(())
}
