//! Projects, repositories and artifacts, page by page.
//!
//! The cursor of repositories names a page of projects, the project in it and a page of its
//! repositories, so that each call goes on where the one before stopped.

use portolan_sdk::{
    Artifact, Endpoint, Error, KeyValue, Page, PageRequest, Repository, RepositoryFilter, Result,
    cache, http, time,
};
use serde::{Deserialize, Serialize};

use crate::{api, generation::Generation, projects, v1, wire};

/// Requests after which a call returns what it has; bounds it where many projects are empty.
const MAX_REQUESTS: u32 = 20;

/// How long a page of projects is kept for the next call, in seconds.
const PROJECTS_TTL: u32 = 60;

/// Where a listing of repositories stands. `project` empty: at the first of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Position {
    projects: u32,
    project: String,
    page: u32,
}

impl Default for Position {
    fn default() -> Self {
        Self { projects: 1, project: String::new(), page: 1 }
    }
}

/// One page of projects, as kept between calls.
#[derive(Serialize, Deserialize)]
struct Projects {
    rows: Vec<Row>,
    more: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct Row {
    id: i64,
    name: String,
    private: Option<bool>,
    empty: bool,
}

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
    let mut at: Position = page.position()?;
    let mut items = Vec::new();
    for _ in 0..MAX_REQUESTS {
        let projects = projects(endpoint, generation, at.projects)?;
        let rows: Vec<&Row> =
            projects.rows.iter().filter(|r| !r.empty && r.name.starts_with(prefix)).collect();
        let start = rows.iter().position(|row| row.name == at.project).unwrap_or_else(|| {
            // The first call of a page, or the project is gone: the page anew.
            at.page = 1;
            0
        });
        let mut left = rows.into_iter().skip(start);
        let mut more = false;
        if let Some(row) = left.next() {
            let (found, rest) = in_project(endpoint, generation, row, at.page)?;
            items.extend(found);
            more = rest;
            at.project.clone_from(&row.name);
        }
        if more {
            at.page = at.page.saturating_add(1);
        } else if let Some(next) = left.next() {
            at = Position { projects: at.projects, project: next.name.clone(), page: 1 };
        } else if projects.more {
            let projects = at.projects.saturating_add(1);
            at = Position { projects, ..Position::default() };
        } else {
            return Ok(Page::last(items));
        }
        if items.len() >= wanted {
            break;
        }
    }
    Page::last(items).next(Some(&at))
}

fn one_project(
    endpoint: &Endpoint,
    generation: &Generation,
    project: &str,
    page: &PageRequest,
) -> Result<Page<Repository>> {
    let mut at: Position = page.position()?;
    let row = match generation {
        Generation::V2 => Row { id: 0, name: project.to_owned(), private: None, empty: false },
        Generation::V1(_) => match projects::find(endpoint, generation, project)? {
            Some(found) => Row::from(found),
            None => return Ok(Page::empty()),
        },
    };
    let (items, more) = in_project(endpoint, generation, &row, at.page)?;
    at.page = at.page.saturating_add(1);
    Page::last(items).next(more.then_some(&at))
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
    let projects = Projects { rows: rows.into_iter().map(Row::from).collect(), more };
    cache::set(&key, &projects, PROJECTS_TTL);
    Ok(projects)
}

impl From<wire::Project> for Row {
    fn from(project: wire::Project) -> Self {
        Self {
            id: project.project_id,
            private: project.is_private(),
            empty: project.repo_count == Some(0),
            name: project.name,
        }
    }
}

fn in_project(
    endpoint: &Endpoint,
    generation: &Generation,
    project: &Row,
    page: u32,
) -> Result<(Vec<Repository>, bool)> {
    let at = (page, api::MAX_PAGE);
    let listed = match generation {
        Generation::V2 => {
            let path = format!("/api/v2.0/projects/{}/repositories", http::encode(&project.name));
            api::list::<wire::Repository>(endpoint, &path, at, &[])
        }
        Generation::V1(_) => v1::listing::repositories(endpoint, project.id, at),
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
        private: project.private,
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

fn artifact(row: wire::Artifact) -> Artifact {
    let names = |list: Option<Vec<wire::Named>>| {
        list.unwrap_or_default().into_iter().map(|named| named.name).collect()
    };
    let platforms = row.references.unwrap_or_default().into_iter().filter_map(|r| r.platform);
    Artifact {
        digest: Some(row.digest),
        media_type: row.manifest_media_type.filter(|text| !text.is_empty()),
        artifact_type: row.artifact_type.filter(|text| !text.is_empty()),
        size: row.size,
        pushed: row.push_time.as_deref().and_then(time::rfc3339),
        labels: names(row.labels),
        platforms: platforms.map(platform).collect(),
        extra: row.kind.map(|kind| KeyValue::new("type", kind)).into_iter().collect(),
        ..Artifact::new(names(row.tags))
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
