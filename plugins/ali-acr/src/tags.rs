//! The tags of a repository with their digests, page by page.

use portolan_sdk::{Artifact, Endpoint, Page, PageRequest, Result};

use crate::{
    api::{Api, MAX_PAGE},
    repository::{self, Name},
    step::{Extent, Step},
    wire,
};

/// One page of a repository's tags with their digests.
pub(crate) fn list(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let name = Name::parse(repository)?;
    let api = Api::of(endpoint)?;
    let at: Step = page.position()?;
    let (rows, next) = page_of(&api, name, at, page.size(MAX_PAGE))?;
    Page::last(rows.into_iter().map(artifact).collect()).next(next.as_ref())
}

fn artifact(row: wire::Row) -> Artifact {
    Artifact {
        digest: row.oci_digest(),
        size: row.size,
        pushed: row.updated.map(|milliseconds| milliseconds / 1000),
        ..Artifact::new(vec![row.name])
    }
}

fn page_of(
    api: &Api<'_>,
    name: Name<'_>,
    at: Step,
    size: u32,
) -> Result<(Vec<wire::Row>, Option<Step>)> {
    let mut answer = match &api.instance.id {
        Some(instance) => {
            let (page, size) = (at.page.to_string(), size.to_string());
            repository::with_id(api, instance, name, |id| {
                let parameters = [("RepoId", id), ("PageNo", &page), ("PageSize", &size)];
                api.ask(instance, "ListRepoTag", &parameters)
            })?
        }
        None => {
            api.get(&format!("{}/tags", name.path()), &[("Page", at.page), ("PageSize", size)])?
        }
    };
    let rows = answer.rows();
    let first = rows.first().map(|row| row.name.as_str());
    let extent = Extent { first, rows: rows.len(), asked: size, total: answer.total };
    let next = at.after(&format!("the tags of `{name}`"), &extent)?;
    Ok((rows, next))
}

/// The tags on a digest, looked for in every page.
pub(crate) fn on(api: &Api<'_>, name: Name<'_>, digest: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut at = Some(Step::default());
    while let Some(step) = at {
        let (rows, next) = page_of(api, name, step, MAX_PAGE)?;
        let on_it = rows.into_iter().filter(|row| row.oci_digest().as_deref() == Some(digest));
        found.extend(on_it.map(|row| row.name));
        at = next;
    }
    Ok(found)
}
