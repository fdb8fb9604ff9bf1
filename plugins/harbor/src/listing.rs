//! Projects, repositories and artifacts, page by page.
//!
//! The cursor of repositories names a page of projects, the project in it and a page of its
//! repositories, so that each call goes on where the one before stopped.

use portolan_sdk::{
    Artifact, Endpoint, Error, KeyValue, Page, PageRequest, Repository, RepositoryFilter, Result,
    cache, http, time,
};

use crate::{api, generation::Generation, projects, v1, wire};

/// Requests after which a call returns what it has; bounds it where many projects are empty.
const MAX_REQUESTS: u32 = 20;

/// How long a page of projects is kept for the next call, in seconds.
const PROJECTS_TTL: u32 = 60;

/// Where a listing of repositories stands: the page of projects, the page of repositories, and the
/// project, empty at the first of the page. A tuple costs a component less than a struct.
type Position = (u32, u32, String);

/// One page of projects that are not empty, as kept between calls, and whether another follows.
type Projects = (Vec<Row>, bool);

/// Id, name, and whether it is private.
type Row = (i64, String, Option<bool>);

/// One page of the repositories of every project, or of the one that the filter's prefix names.
pub(crate) fn repositories(
    endpoint: &Endpoint,
    generation: &Generation,
    filter: &RepositoryFilter,
    page: &PageRequest,
) -> Result<Page<Repository>> {
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    if let Some((project, _)) = prefix.split_once('/') {
        return one_project(endpoint, generation, project, page);
    }
    let wanted = page.size(1000) as usize;
    let (mut page_of_projects, mut page, mut project) = position(page)?;
    let mut items = Vec::new();
    for _ in 0..MAX_REQUESTS {
        let (rows, more_projects) = projects(endpoint, generation, page_of_projects)?;
        let rows: Vec<&Row> = rows.iter().filter(|(_, name, _)| name.starts_with(prefix)).collect();
        let start = rows.iter().position(|(_, name, _)| *name == project).unwrap_or_else(|| {
            // The first call of a page, or the project is gone: the page anew.
            page = 1;
            0
        });
        let mut left = rows.into_iter().skip(start);
        let mut more = false;
        if let Some(row) = left.next() {
            let (found, rest) = in_project(endpoint, generation, row, page)?;
            items.extend(found);
            more = rest;
            project.clone_from(&row.1);
        }
        if more {
            page = page.saturating_add(1);
        } else if let Some((_, next, _)) = left.next() {
            (page, project) = (1, next.clone());
        } else if more_projects {
            page_of_projects = page_of_projects.saturating_add(1);
            (page, project) = (1, String::new());
        } else {
            return Ok(Page::last(items));
        }
        if items.len() >= wanted {
            break;
        }
    }
    Page::last(items).next(Some(&(page_of_projects, page, project)))
}

fn position(page: &PageRequest) -> Result<Position> {
    Ok(page.position::<Option<Position>>()?.unwrap_or((1, 1, String::new())))
}

fn one_project(
    endpoint: &Endpoint,
    generation: &Generation,
    project: &str,
    page: &PageRequest,
) -> Result<Page<Repository>> {
    let (_, page, _) = position(page)?;
    let row = match (generation, projects::find(endpoint, generation, project)) {
        (_, Ok(Some(found))) => row(found),
        (Generation::V1(_), Ok(None)) => return Ok(Page::empty()),
        // An account of one project may be shown what is in it, and not the project.
        (
            Generation::V2,
            Ok(None) | Err(Error::Unauthenticated(_) | Error::Forbidden(_) | Error::Conflict(_)),
        ) => (0, project.to_owned(), None),
        (_, Err(error)) => return Err(error),
    };
    let (items, more) = in_project(endpoint, generation, &row, page)?;
    let next = (1, page.saturating_add(1), String::new());
    Page::last(items).next(more.then_some(&next))
}

/// One page of projects, from the cache where the call before has just read it.
fn projects(endpoint: &Endpoint, generation: &Generation, page: u32) -> Result<Projects> {
    let key = format!("projects {page}");
    if let Some(projects) = cache::get(&key) {
        return Ok(projects);
    }
    let path = format!("{}/projects", generation.base());
    let at = (page, api::MAX_PAGE);
    let (rows, more) = api::list::<wire::Project>(endpoint, &path, at, &[])?;
    let held = rows.into_iter().filter(|project| project.repo_count != Some(0));
    let projects = (held.map(row).collect(), more);
    cache::set(&key, &projects, PROJECTS_TTL);
    Ok(projects)
}

fn row(project: wire::Project) -> Row {
    let private = project.is_private();
    (project.project_id, project.name, private)
}

fn in_project(
    endpoint: &Endpoint,
    generation: &Generation,
    (id, project, private): &Row,
    page: u32,
) -> Result<(Vec<Repository>, bool)> {
    let at = (page, api::MAX_PAGE);
    let listed = match generation {
        Generation::V2 => {
            let path = format!("/api/v2.0/projects/{}/repositories", http::encode(project));
            api::list::<wire::Repository>(endpoint, &path, at, &[])
        }
        Generation::V1(_) => v1::listing::repositories(endpoint, *id, at),
    };
    let (rows, more) = match listed {
        // Deleted since the projects were listed.
        Err(Error::NotFound(_)) => (Vec::new(), false),
        rows => rows?,
    };
    let repository = |row: wire::Repository| Repository {
        description: row.description.filter(|text| !text.is_empty()),
        created: row.creation_time.as_deref().and_then(time::rfc3339),
        updated: row.update_time.as_deref().and_then(time::rfc3339),
        artifact_count: row.artifact_count,
        private: *private,
        ..Repository::new(row.name)
    };
    Ok((rows.into_iter().map(repository).collect(), more))
}

/// One page of a repository's artifacts with digests, tags and labels.
pub(crate) fn artifacts(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let number = page.position::<u32>()?.max(1);
    let path = api::artifacts_path(repository)?;
    let at = (number, page.size(api::MAX_PAGE));
    let query = [("with_tag", "true"), ("with_label", "true")];
    let (rows, more) = api::list::<wire::Artifact>(endpoint, &path, at, &query)?;
    let next = number.saturating_add(1);
    Page::last(rows.into_iter().map(artifact).collect()).next(more.then_some(&next))
}

/// An artifact as the host wants it; one with a name is a tag of Harbor 1.x.
pub(crate) fn artifact(row: wire::Artifact) -> Artifact {
    let names = |list: Option<Vec<wire::Named>>| {
        list.unwrap_or_default().into_iter().map(|named| named.name).collect()
    };
    let platforms = row.references.unwrap_or_default().into_iter().filter_map(|r| r.platform);
    Artifact {
        digest: Some(row.digest).filter(|digest| !digest.is_empty()),
        media_type: row.manifest_media_type.filter(|text| !text.is_empty()),
        artifact_type: row.artifact_type.filter(|text| !text.is_empty()),
        size: row.size,
        pushed: row.push_time.as_deref().and_then(time::rfc3339),
        labels: names(row.labels),
        platforms: platforms.map(platform).collect(),
        extra: row.kind.map(|kind| KeyValue::new("type", kind)).into_iter().collect(),
        ..Artifact::new(if row.name.is_empty() { names(row.tags) } else { vec![row.name] })
    }
}

/// `os/arch[/variant]`.
fn platform(platform: wire::Platform) -> String {
    let wire::Platform { os, architecture, variant } = platform;
    match variant.filter(|variant| !variant.is_empty()) {
        Some(variant) => format!("{os}/{architecture}/{variant}"),
        None => format!("{os}/{architecture}"),
    }
}
