//! Harbor's global labels: what a rule's label filter may name.

use portolan_sdk::{Endpoint, Error, LabelPage, Page, PageRequest, Result};

use crate::{api, generation::Generation, listing::position, wire};

/// Harbor 1.6 brought them.
const LABELS_SINCE: u32 = 6;

/// One page of label names; none where this Harbor knows no labels.
pub(crate) fn list(endpoint: &Endpoint, page: &PageRequest) -> Result<LabelPage> {
    let generation = Generation::of(endpoint)?;
    if matches!(&generation, Generation::V1(harbor) if harbor.minor() < LABELS_SINCE) {
        return Ok(none());
    }
    let (number, _, _) = position(page)?;
    let at = (number, page.size(api::MAX_PAGE));
    let path = format!("{}/labels", generation.base());
    match api::list::<wire::Named>(endpoint, &path, at, &[("scope", "g")]) {
        Ok((labels, more)) => {
            let next = more.then(|| (number.saturating_add(1), 1, String::new()));
            let labels = labels.into_iter().map(|label| label.name);
            let page = Page::last(labels.collect()).next(next.as_ref())?;
            Ok(LabelPage { items: page.items, next: page.next })
        }
        Err(Error::NotFound(_)) => Ok(none()),
        Err(error) => Err(error),
    }
}

fn none() -> LabelPage {
    LabelPage { items: Vec::new(), next: None }
}
