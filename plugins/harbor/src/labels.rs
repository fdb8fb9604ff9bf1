//! Harbor's global labels: what a rule's label filter may name.

use portolan_sdk::{Endpoint, Error, LabelPage, PageRequest, Result};

use crate::{api, generation::Generation, wire};

/// Harbor 1.6 brought them.
const LABELS_SINCE: u32 = 6;

/// One page of label names; none where this Harbor knows no labels.
pub(crate) fn list(endpoint: &Endpoint, page: &PageRequest) -> Result<LabelPage> {
    let generation = Generation::of(endpoint)?;
    if matches!(&generation, Generation::V1(harbor) if harbor.minor() < LABELS_SINCE) {
        return Ok(none());
    }
    let number = page.position::<u32>()?.max(1);
    let at = (number, page.size(api::MAX_PAGE));
    let path = format!("{}/labels", generation.base());
    match api::list::<wire::Named>(endpoint, &path, at, &[("scope", "g")]) {
        Ok((labels, more)) => Ok(LabelPage {
            items: labels.into_iter().map(|label| label.name).collect(),
            next: more.then(|| number.saturating_add(1).to_string()),
        }),
        Err(Error::NotFound(_)) => Ok(none()),
        Err(error) => Err(error),
    }
}

fn none() -> LabelPage {
    LabelPage { items: Vec::new(), next: None }
}
