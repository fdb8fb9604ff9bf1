//! The repositories of every namespace, page by page.
//!
//! The cursor of repositories names a page of namespaces, the namespace in it and a page of its
//! repositories, so that each call goes on where the one before stopped.

use portolan_sdk::{
    Endpoint, Error, Page, PageRequest, Repository, RepositoryFilter, Result, http,
};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Api, MAX_PAGE},
    namespaces,
    step::{Extent, Step},
    wire,
};

/// Requests for repositories after which a call returns what it has: many namespaces may be empty.
const MAX_STEPS: u32 = 20;

/// Where a listing of repositories stands. `namespace` empty: at the first of the page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    namespaces: Step,
    namespace: String,
    step: Step,
}

/// One page of the repositories of every namespace, or of the one that the filter's prefix names.
pub(crate) fn repositories(
    endpoint: &Endpoint,
    filter: &RepositoryFilter,
    page: &PageRequest,
) -> Result<Page<Repository>> {
    let api = Api::of(endpoint)?;
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    let mut at: Position = page.position()?;
    let mut items = Vec::new();
    if let Some((namespace, _)) = prefix.split_once('/') {
        let next = in_namespace(&api, (namespace, false), at.step, &mut items)?;
        let next = next.map(|step| Position { step, ..Position::default() });
        return Page::last(items).next(next.as_ref());
    }
    let wanted = page.size(1000) as usize;
    for _ in 0..MAX_STEPS {
        match step(&api, prefix, at, &mut items)? {
            None => return Ok(Page::last(items)),
            Some(next) => at = next,
        }
        if items.len() >= wanted {
            break;
        }
    }
    Page::last(items).next(Some(&at))
}

/// One page of one namespace, and where the next one is.
fn step(
    api: &Api<'_>,
    prefix: &str,
    at: Position,
    items: &mut Vec<Repository>,
) -> Result<Option<Position>> {
    let page = namespaces::page(api, &at.namespaces)?;
    let fits = |row: &&wire::Row| row.name.starts_with(prefix);
    let mut rows = page.rows.iter().filter(fits).map(|row| row.name.as_str());
    let (current, here) = if at.namespace.is_empty() {
        (rows.next(), Step::default())
    } else {
        // Gone since the call before: the rest of the page cannot be found by it.
        let found = rows.find(|name| *name == at.namespace);
        (Some(found.ok_or_else(|| gone(api, &at.namespace))?), at.step)
    };
    if let Some(namespace) = current
        && let Some(step) = in_namespace(api, (namespace, true), here, items)?
    {
        let namespace = namespace.to_owned();
        return Ok(Some(Position { namespaces: at.namespaces, namespace, step }));
    }
    if let Some(next) = rows.next() {
        let namespace = next.to_owned();
        return Ok(Some(Position { namespaces: at.namespaces, namespace, step: Step::default() }));
    }
    Ok(page.next.map(|namespaces| Position { namespaces, ..Position::default() }))
}

fn gone(api: &Api<'_>, namespace: &str) -> Error {
    Error::Conflict(format!(
        "the namespace `{namespace}` of {} went while it was listed; list again",
        api.endpoint.url
    ))
}

/// Adds one page of a namespace's repositories, and says where the next one is.
fn in_namespace(
    api: &Api<'_>,
    (namespace, listed): (&str, bool),
    at: Step,
    items: &mut Vec<Repository>,
) -> Result<Option<Step>> {
    let answer = match &api.instance.id {
        Some(id) => {
            let (page, size) = (at.page.to_string(), MAX_PAGE.to_string());
            let parameters = [
                ("RepoNamespaceName", namespace),
                ("RepoStatus", "NORMAL"),
                ("PageNo", &page),
                ("PageSize", &size),
            ];
            api.ask(id, "ListRepository", &parameters)
        }
        None => {
            let path = format!("/repos/{}", http::encode(namespace));
            api.get(&path, &[("Page", at.page), ("PageSize", MAX_PAGE)])
        }
    };
    let mut answer = match answer {
        // Deleted since the namespaces were listed; one that was named is an error, and so is one
        // that breaks off.
        Err(Error::NotFound(_)) if listed && at.page == 1 => return Ok(None),
        answer => answer?,
    };
    let rows = answer.rows();
    let first = rows.first().map(|row| row.name.as_str());
    let extent = Extent { first, rows: rows.len(), asked: MAX_PAGE, total: answer.total };
    let next = at.after(&format!("the namespace `{namespace}`"), &extent)?;
    items.extend(rows.into_iter().map(|row| Repository {
        private: row.kind.as_deref().map(|kind| kind != "PUBLIC"),
        description: row.summary.filter(|text| !text.is_empty()),
        ..Repository::new([namespace, "/", &row.name].concat())
    }));
    Ok(next)
}
