//! Image names: from the management API where the key file opens it, else by walking.

use portolan_sdk::{
    Endpoint, Error, Page, PageRequest, Repository, Result, cache, http, log,
    signing::google::ServiceAccount,
};
use serde::{Deserialize, Serialize};

use crate::{
    api,
    place::{self, Place},
    walk, wire,
};

/// Requests after which a call returns what it has.
const MAX_REQUESTS: u32 = 20;

/// How long a page of repositories is kept for the next call, in seconds.
const SHELVES_TTL: u32 = 60;

/// Where a listing stands.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Position {
    #[default]
    Start,
    Api(Cursor),
    Walk(walk::Cursor),
}

/// A page of packages in a repository, on a page of a project's repositories. `shelf` empty: the
/// first of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    project: usize,
    shelves: String,
    shelf: String,
    packages: String,
}

/// Names of one page of repositories, as kept between calls.
#[derive(Default, Serialize, Deserialize)]
struct Shelves {
    names: Vec<String>,
    next: String,
}

/// Who asks where.
struct Listing<'a> {
    account: ServiceAccount<'a>,
    place: Place<'a>,
    projects: &'a [String],
}

/// One page of image names.
pub(crate) fn repositories(endpoint: &Endpoint, page: &PageRequest) -> Result<Page<Repository>> {
    let projects = place::projects(endpoint)?;
    let (place, wanted) = (Place::of(endpoint), page.size(1000) as usize);
    let listing = ServiceAccount::of(endpoint)
        .filter(|_| place != Place::Other)
        .map(|account| Listing { account, place, projects: &projects });
    let at = match (page.position()?, listing) {
        (Position::Walk(at), _) => at,
        (Position::Api(at), Some(listing)) => return listing.page(at, wanted),
        (Position::Api(_), None) => return Err(no_position(endpoint)),
        (Position::Start, Some(listing)) => match listing.page(Cursor::default(), wanted) {
            Err(error) if matches!(place, Place::Gcr { .. }) && !is_passing(&error) => {
                log::warn(
                    "the Artifact Registry API is not to be had; walking the registry instead",
                    &[("why", error.text())],
                );
                walk::Cursor::default()
            }
            page => return page,
        },
        (Position::Start, None) if matches!(place, Place::Docker { .. }) => {
            return Err(Error::Unsupported(format!(
                "{} lists its repositories only to a service account: give its JSON key file with \
                 the access key `_json_key`, or name the repositories in the rule",
                endpoint.url
            )));
        }
        (Position::Start, None) => walk::Cursor::default(),
    };
    if projects.is_empty() {
        return Err(Error::Unsupported(format!(
            "{} lists images by project, and none is known: name it in the endpoint's setting \
             `projects`, or the repositories in the rule",
            endpoint.url
        )));
    }
    let (items, next) = walk::repositories(endpoint, &projects, at, wanted)?;
    Page::last(items).next(next.map(Position::Walk).as_ref())
}

fn no_position(endpoint: &Endpoint) -> Error {
    let text = "the cursor is of another key file than the endpoint's; list anew";
    Error::InvalidInput(format!("{}: {text}", endpoint.url))
}

/// Whether asking again later may help, so that another way is not to be tried.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::RateLimited(_) => true,
        Error::Upstream(error) => error.retryable,
        _ => false,
    }
}

impl Listing<'_> {
    fn page(&self, mut at: Cursor, wanted: usize) -> Result<Page<Repository>> {
        let mut items = Vec::new();
        for _ in 0..MAX_REQUESTS {
            let Some(project) = self.projects.get(at.project) else {
                return Ok(Page::last(items));
            };
            at = self.step(project, at, &mut items)?;
            if at.project >= self.projects.len() {
                return Ok(Page::last(items));
            }
            if items.len() >= wanted {
                break;
            }
        }
        Page::last(items).next(Some(&Position::Api(at)))
    }

    /// One page of packages, and what comes after it.
    fn step(&self, project: &str, at: Cursor, items: &mut Vec<Repository>) -> Result<Cursor> {
        let shelves = self.shelves(project, &at.shelves)?;
        let start = shelves.names.iter().position(|name| *name == at.shelf);
        let mut left = shelves.names.into_iter().skip(start.unwrap_or_default());
        // A repository that is gone: the page anew. The host drops names it has seen.
        let token = if start.is_some() { at.packages.as_str() } else { "" };
        if let Some(shelf) = left.next() {
            let packages = self.packages(project, (at.project, &shelf), token)?;
            let next = following(token, packages.next_page_token)?;
            items.extend(
                packages
                    .packages
                    .into_iter()
                    .filter_map(|package| self.repository(project, &shelf, package)),
            );
            if let Some(packages) = next {
                return Ok(Cursor { shelf, packages, ..at });
            }
        }
        if let Some(shelf) = left.next() {
            return Ok(Cursor { shelf, packages: String::new(), ..at });
        }
        Ok(match following(&at.shelves, shelves.next)? {
            Some(shelves) => Cursor { project: at.project, shelves, ..Cursor::default() },
            None => Cursor { project: at.project.saturating_add(1), ..Cursor::default() },
        })
    }

    /// One page of the repositories that hold images of their own.
    fn shelves(&self, project: &str, token: &str) -> Result<Shelves> {
        let location = match self.place {
            Place::Docker { location } => location,
            Place::Gcr { host, .. } => {
                return Ok(Shelves { names: vec![host.to_owned()], next: String::new() });
            }
            Place::Other => return Ok(Shelves::default()),
        };
        let key = format!("shelves {project} {token}");
        if let Some(shelves) = cache::get(&key) {
            return Ok(shelves);
        }
        let url = api::repositories_url(project, location);
        let page: wire::Shelves = api::page(&self.account, &url, token)?;
        // What a virtual one shows is listed where it is.
        let kept =
            |shelf: &wire::Shelf| shelf.format == "DOCKER" && shelf.mode != "VIRTUAL_REPOSITORY";
        let names = page.repositories.iter().filter(|shelf| kept(shelf));
        let names = names.map(|shelf| last(&shelf.name).to_owned()).collect();
        let shelves = Shelves { names, next: page.next_page_token };
        cache::set(&key, &shelves, SHELVES_TTL);
        Ok(shelves)
    }

    fn packages(
        &self,
        project: &str,
        (number, shelf): (usize, &str),
        token: &str,
    ) -> Result<wire::Packages> {
        let Some((location, _)) = self.place.shelf("x/x") else { return Ok(no_packages()) };
        let url = api::repositories_url(project, location);
        let url = format!("{url}/{}/packages", http::encode(shelf));
        match api::page(&self.account, &url, token) {
            // Deleted since, or, at gcr.io, a further project that has none.
            Err(Error::NotFound(_))
                if token.is_empty()
                    && (number > 0 || matches!(self.place, Place::Docker { .. })) =>
            {
                Ok(no_packages())
            }
            packages => packages,
        }
    }

    fn repository(&self, project: &str, shelf: &str, row: wire::Package) -> Option<Repository> {
        let image = http::decode(last(&row.name));
        if image.is_empty() {
            return None;
        }
        let project = place::written(project);
        let name = match self.place {
            Place::Docker { .. } => [&*project, "/", shelf, "/", &*image].concat(),
            Place::Gcr { .. } | Place::Other => [&*project, "/", &*image].concat(),
        };
        Some(Repository {
            created: row.create_time,
            updated: row.update_time,
            ..Repository::new(name)
        })
    }
}

fn no_packages() -> wire::Packages {
    wire::Packages { packages: Vec::new(), next_page_token: String::new() }
}

/// The last segment of a resource's name.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// The token of the page after the one that `token` asked for.
fn following(token: &str, next: String) -> Result<Option<String>> {
    if next.is_empty() {
        return Ok(None);
    }
    if next == token {
        return Err(Error::MalformedResponse(format!(
            "{} names the same page as the next one again and again",
            api::HOST
        )));
    }
    Ok(Some(next))
}
