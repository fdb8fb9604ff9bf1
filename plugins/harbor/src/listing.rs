//! Projects and their repositories, page by page.
//!
//! The cursor of repositories names a page of projects, the project in it and a page of its
//! repositories, so that each call goes on where the one before stopped.

use portolan_sdk::{
    Endpoint, Error, Page, PageRequest, Repository, RepositoryFilter, Result, cache, http,
};

use crate::{api, generation::Generation, projects, v1, wire};

/// Requests after which a call returns what it has; bounds it where many projects are empty.
const MAX_REQUESTS: u32 = 20;

/// How long a page of projects is kept for the next call, in seconds.
const PROJECTS_TTL: u32 = 60;

/// Where a listing of repositories stands: the page of projects, the page of repositories, and the
/// project, empty at the first of the page. A tuple costs a component less than a struct, and one
/// type for every listing less than several.
pub(crate) type Position = (u32, u32, String);

/// One page of projects that are not empty, as kept between calls, and whether another follows.
type Projects = (Vec<Row>, bool);

/// Id, whether it is private, and name: of the shape of a position, for the component's sake.
type Row = Position;

/// Whether a project is private, as a row has it: 0 where Harbor does not tell.
const PUBLIC: u32 = 1;
const PRIVATE: u32 = 2;

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
        let rows: Vec<&Row> = rows.iter().filter(|(_, _, name)| name.starts_with(prefix)).collect();
        let start = rows.iter().position(|(_, _, name)| *name == project).unwrap_or_else(|| {
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
            project.clone_from(&row.2);
        }
        if more {
            page = page.saturating_add(1);
        } else if let Some((_, _, next)) = left.next() {
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

/// Where a page stands: numbers begin with 1.
pub(crate) fn position(page: &PageRequest) -> Result<Position> {
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
        ) => (0, 0, project.to_owned()),
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
    let private = project.is_private().map_or(0, |it| if it { PRIVATE } else { PUBLIC });
    (project.project_id, private, project.name)
}

fn in_project(
    endpoint: &Endpoint,
    generation: &Generation,
    (id, private, project): &Row,
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
        created: row.creation_time,
        updated: row.update_time,
        artifact_count: row.artifact_count,
        private: Some(*private == PRIVATE).filter(|_| *private > 0),
        ..Repository::new(row.name)
    };
    Ok((rows.into_iter().map(repository).collect(), more))
}
