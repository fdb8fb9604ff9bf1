//! Namespaces, page by page, kept for a while: a listing comes back to them with every call.

use portolan_sdk::{Result, cache};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Api, MAX_PAGE},
    step::{Extent, Step},
    wire,
};

/// How long a page of namespaces is kept for the next call, in seconds.
const NAMESPACES_TTL: u32 = 60;

/// One page of namespaces, as kept between calls.
#[derive(Serialize, Deserialize)]
pub(crate) struct Namespaces {
    pub(crate) rows: Vec<wire::Row>,
    pub(crate) next: Option<Step>,
}

/// One page of namespaces, from the cache where the call before has just read it.
pub(crate) fn page(api: &Api<'_>, at: &Step) -> Result<Namespaces> {
    let key = key(at);
    if let Some(kept) = cache::get(&key) {
        return Ok(kept);
    }
    let (number, size) = (at.page.to_string(), MAX_PAGE.to_string());
    let mut answer = match &api.instance.id {
        Some(id) => api.ask(id, "ListNamespace", &[("PageNo", &number), ("PageSize", &size)])?,
        None => api.get("/namespace", &[])?,
    };
    // The personal API gives all at once.
    let total = if api.instance.id.is_some() { answer.total } else { Some(0) };
    let rows = answer.rows();
    let first = rows.first().map(|row| row.name.as_str());
    let extent = Extent { first, rows: rows.len(), asked: MAX_PAGE, total };
    let next = at.clone().after("the namespaces", &extent)?;
    let namespaces = Namespaces { rows, next };
    cache::set(&key, &namespaces, NAMESPACES_TTL);
    Ok(namespaces)
}

/// The namespace of this name, looked for in every page.
pub(crate) fn find(api: &Api<'_>, name: &str) -> Result<Option<wire::Row>> {
    let mut at = Some(Step::default());
    while let Some(step) = at {
        let page = page(api, &step)?;
        if let Some(found) = page.rows.into_iter().find(|row| row.name == name) {
            return Ok(Some(found));
        }
        at = page.next;
    }
    Ok(None)
}

/// Forgets every page that was kept: there is a new namespace.
pub(crate) fn forget() {
    let mut at = Some(Step::default());
    while let Some(step) = at {
        let key = key(&step);
        at = cache::get::<Namespaces>(&key).and_then(|kept| kept.next);
        cache::remove(&key);
    }
}

fn key(at: &Step) -> String {
    format!("namespaces {}", at.page)
}
