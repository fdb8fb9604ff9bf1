//! One page of a repository's tags, for a client that is about to push to it
//! (OCI distribution-spec, "Listing Tags"). Whole listings are the adapters' work.

use std::collections::HashSet;

use http::{Method, header};
use serde::Deserialize;

use super::{DistributionError, Remote, exchange::Ask};
use crate::net;

/// Tags asked for: the most that every registry we know gives at once.
const PAGE: usize = 1_000;
/// Longest page in bytes; some registries send every tag whatever was asked.
const MAX_BODY: u64 = 4 << 20;

/// What one page tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TagPage {
    /// The tags on it.
    pub(crate) tags: HashSet<String>,
    /// Whether there are more.
    pub(crate) more: bool,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    tags: Option<HashSet<String>>,
}

impl Remote {
    /// The first page of the repository's tags; one that is not there has none.
    pub(crate) async fn tags(&self) -> Result<TagPage, DistributionError> {
        let attempted = self.attempt("list the tags");
        let url = self.url(&format!("tags/list?n={PAGE}"))?;
        let ask = Ask::new(Method::GET, url, attempted, self.pull()).following();
        let answer = self.ask(&ask).await?;
        match answer.status() {
            200 => {}
            404 => {
                answer.discard().await;
                return Ok(TagPage::default());
            }
            _ => return Err(answer.into_error(&ask.attempted).await),
        }
        let more = answer.header(header::LINK).is_some();
        let host = net::host_of(&answer.url).to_owned();
        let body = net::read_all(answer.response.into_body(), MAX_BODY, &host).await;
        let body = body.map_err(|error| ask.failed(error))?;
        let page: Wire = serde_json::from_slice(&body).map_err(|error| {
            let why = format!("its list of tags is not understood: {error}");
            DistributionError::Malformed { attempted: ask.attempted.clone(), why }
        })?;
        Ok(TagPage { tags: page.tags.unwrap_or_default(), more })
    }
}
