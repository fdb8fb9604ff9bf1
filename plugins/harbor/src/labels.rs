//! Harbor's global labels: what a rule's label filter may name.

use portolan_sdk::{Endpoint, Error, LabelPage, PageRequest, Result};

use crate::{api, wire};

/// One page of label names; none where this Harbor knows no labels.
pub(crate) fn list(endpoint: &Endpoint, page: &PageRequest) -> Result<LabelPage> {
    api::require_v2(endpoint)?;
    let number = page.position::<u32>()?.max(1);
    let at = (number, page.size(api::MAX_PAGE));
    match api::list::<wire::Named>(endpoint, "/api/v2.0/labels", at, &[("scope", "g")]) {
        Ok((labels, more)) => Ok(LabelPage {
            items: labels.into_iter().map(|label| label.name).collect(),
            next: more.then(|| number.saturating_add(1).to_string()),
        }),
        Err(Error::NotFound(_)) => Ok(LabelPage { items: Vec::new(), next: None }),
        Err(error) => Err(error),
    }
}
