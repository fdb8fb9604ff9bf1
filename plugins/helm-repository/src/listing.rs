//! Charts as repositories, their versions as tags.

use std::collections::BTreeSet;

use portolan_sdk::{
    Artifact, Endpoint, Page, PageRequest, Repository, RepositoryFilter, Result, log, time,
};

use crate::{index::Version, shelf};

/// Rows of one page: the index is at hand whole, so pages are large.
const ROWS: usize = 1000;
/// What the artifact will be.
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// One page of charts, in byte order. The cursor is the last name, so that an index which changes
/// in between loses nothing.
pub(crate) fn charts(
    endpoint: &Endpoint,
    filter: &RepositoryFilter,
    page: &PageRequest,
) -> Result<Page<Repository>> {
    let names = shelf::names(endpoint, page.cursor.is_none())?;
    let last = page.cursor.as_deref().unwrap_or_default();
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    let wanted = names.iter().skip_while(|name| *name <= last);
    let wanted = wanted.filter(|name| name.starts_with(prefix));
    let mut rows: Vec<&str> = wanted.take(ROWS.saturating_add(1)).collect();
    let next = (rows.len() > ROWS).then(|| rows.pop()).and_then(|_| rows.last());
    let next = next.map(|&name| name.to_owned());
    let odd = rows.iter().filter(|name| !is_lower(name)).count();
    if odd > 0 {
        let count = odd.to_string();
        log::warn("charts with capital letters have no name in OCI", &[("charts", &count)]);
    }
    Ok(Page { items: rows.into_iter().map(Repository::new).collect(), next, total: None })
}

fn is_lower(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// One page of a chart's versions. The cursor is the number of rows before it.
pub(crate) fn versions(
    endpoint: &Endpoint,
    chart: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let start: usize = page.position()?;
    let age = if start == 0 { shelf::FRESH } else { shelf::KEPT };
    let versions = shelf::versions(endpoint, chart, age)?;
    let end = start.saturating_add(ROWS);
    let more = end < versions.len();
    // Of a version that stands there twice, Helm takes the first, too.
    let mut seen = BTreeSet::new();
    let rows = versions.iter().skip(start).take(ROWS);
    let rows = rows.filter(|version| seen.insert(version.tag())).map(artifact).collect();
    Page::last(rows).next(more.then_some(&end))
}

fn artifact(version: &Version<'_>) -> Artifact {
    Artifact {
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: Some(CONFIG.to_owned()),
        pushed: time::rfc3339(&version.created),
        ..Artifact::new(vec![version.tag()])
    }
}
