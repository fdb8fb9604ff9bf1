//! What refers to a manifest: its signatures, SBOMs and the like (OCI distribution-spec 1.1,
//! "Listing Referrers").

use http::{HeaderValue, Method, header};
use portolan_core::oci::{Descriptor, Digest, MediaType};
use serde::Deserialize;
use url::Url;

use super::{
    DistributionError, Remote,
    exchange::{Answer, Ask},
};
use crate::net;

/// Most pages of one list.
const MAX_PAGES: usize = 100;
/// Longest page in bytes: that of a manifest.
const MAX_BODY: u64 = 4 << 20;

#[derive(Deserialize)]
struct Page {
    manifests: Vec<Descriptor>,
}

impl Remote {
    /// What refers to a manifest, which need not be there; `None` where the registry has no such
    /// API, or does not let it be asked.
    pub(crate) async fn referrers(
        &self,
        subject: &Digest,
    ) -> Result<Option<Vec<Descriptor>>, DistributionError> {
        let attempted = self.attempt(&format!("list what refers to {subject}"));
        let first = self.url(&format!("referrers/{subject}"))?;
        let (mut found, mut next) = (Vec::new(), Some(first.clone()));
        for page in 0..MAX_PAGES {
            let Some(url) = next else { break };
            let ask = Ask::new(Method::GET, url.clone(), attempted.clone(), self.pull())
                .following()
                .header(header::ACCEPT, HeaderValue::from_static(MediaType::OCI_INDEX));
            let answer = self.ask(&ask).await?;
            match answer.status() {
                200 => {}
                400 | 401 | 403 | 404 | 405 | 501 if page == 0 => {
                    answer.discard().await;
                    return Ok(None);
                }
                _ => return Err(answer.into_error(&attempted).await),
            }
            next = following(&answer, &url).filter(|next| next.origin() == first.origin());
            let host = net::host_of(&answer.url).to_owned();
            let body = net::read_all(answer.response.into_body(), MAX_BODY, &host).await;
            let body = body.map_err(|error| ask.failed(error))?;
            match serde_json::from_slice::<Page>(&body) {
                Ok(page) => found.extend(page.manifests),
                // Some answer anything with a page for people.
                Err(_) if page == 0 => return Ok(None),
                Err(error) => {
                    let why = format!("its list of referrers is not understood: {error}");
                    return Err(DistributionError::Malformed { attempted, why });
                }
            }
        }
        Ok(Some(found))
    }
}

/// The next page, as a `Link` header names it.
fn following(answer: &Answer, url: &Url) -> Option<Url> {
    let link = answer.header(header::LINK)?;
    let (target, parameters) = link.split_once('<')?.1.split_once('>')?;
    parameters.contains("next").then(|| url.join(target).ok()).flatten()
}
