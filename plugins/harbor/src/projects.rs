//! Projects to push to: found, created, or asked for by name.
//!
//! A robot or project-scoped user may not create projects, and often may not read them either;
//! where the project exists that is no obstacle.

use portolan_sdk::{
    Endpoint, Error, KeyValue, Result,
    http::{self, Request},
    log,
};

use crate::{api, generation::Generation, v1, wire};

/// Pages of projects with a name like the one looked for.
const MAX_PAGES: u32 = 100;

/// Makes the projects of `repositories` ready; one result for each repository, in order.
pub(crate) fn prepare(
    endpoint: &Endpoint,
    repositories: &[String],
    metadata: &[KeyValue],
) -> Vec<Result<()>> {
    let generation = match Generation::of(endpoint) {
        Ok(generation) => generation,
        Err(error) => return repositories.iter().map(|_| Err(error.clone())).collect(),
    };
    let public = metadata.iter().any(|kv| kv.key == "visibility" && kv.value == "public");
    let ready = |project: &str| match &generation {
        Generation::V2 => ready(endpoint, project, public),
        Generation::V1(harbor) => v1::projects::ready(endpoint, harbor, project, public),
    };
    // At most 100 at once; a map would be a twentieth of the component.
    let mut done: Vec<(&str, Result<()>)> = Vec::new();
    let one = |repository| {
        let (project, _) = api::split(repository)?;
        if let Some((_, result)) = done.iter().find(|(name, _)| *name == project) {
            return result.clone();
        }
        let result = ready(project);
        done.push((project, result.clone()));
        result
    };
    repositories.iter().map(|it| &**it).map(one).collect()
}

/// What the list of projects says of one.
enum Sight {
    Found(wire::Project),
    Absent,
    /// The account may not list.
    Hidden,
}

fn ready(endpoint: &Endpoint, project: &str, public: bool) -> Result<()> {
    let sight = see(endpoint, project)?;
    if let Sight::Found(found) = &sight {
        return takes_pushes(endpoint, found);
    }
    let body = wire::NewProject {
        project_name: project,
        public: None,
        metadata: Some(wire::NewMetadata::public(public)),
    };
    let create = Request::post("/api/v2.0/projects").json(&body);
    let response = api::request(endpoint, create).send()?;
    match response.status() {
        201 | 409 => Ok(()),
        401 | 403 | 412 => match exists(endpoint, project)? {
            Some(true) => Ok(()),
            None if matches!(sight, Sight::Hidden) => {
                log::warn(
                    "this account is not shown whether the project exists; going on",
                    &[("project", project)],
                );
                Ok(())
            }
            _ => Err(must_be_created(endpoint, project, &response.error())),
        },
        _ => response.done(),
    }
}

/// The project as the account sees it among the projects.
fn see(endpoint: &Endpoint, project: &str) -> Result<Sight> {
    match find(endpoint, &Generation::V2, project) {
        Ok(found) => Ok(found.map_or(Sight::Absent, Sight::Found)),
        Err(Error::Unauthenticated(_) | Error::Forbidden(_) | Error::Conflict(_)) => {
            Ok(Sight::Hidden)
        }
        Err(error) => Err(error),
    }
}

/// A project among those listed. The name of the query is a fuzzy one, so names are compared here.
pub(crate) fn find(
    endpoint: &Endpoint,
    generation: &Generation,
    project: &str,
) -> Result<Option<wire::Project>> {
    let path = format!("{}/projects", generation.base());
    for page in 1..=MAX_PAGES {
        let at = (page, api::MAX_PAGE);
        let (rows, more) = api::list::<wire::Project>(endpoint, &path, at, &[("name", project)])?;
        let found = rows.into_iter().find(|row| row.name == project);
        if found.is_some() || !more {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether a project exists, asked for by name; `None` where the account is not told.
fn exists(endpoint: &Endpoint, project: &str) -> Result<Option<bool>> {
    let path = format!("/api/v2.0/projects/{}", http::encode(project));
    // Without the header a project named by digits would be read as an id.
    let by_name = Request::get(path).header("X-Is-Resource-Name", "true");
    let one = api::request(endpoint, by_name).send()?;
    if one.status() == 200 {
        return takes_pushes(endpoint, &one.json()?).map(|()| Some(true));
    }
    let by_query = Request::head("/api/v2.0/projects").query("project_name", project);
    let head = api::request(endpoint, by_query).send()?;
    Ok(match (one.status(), head.status()) {
        (_, 200) => Some(true),
        (404, _) | (_, 404) => Some(false),
        _ => None,
    })
}

pub(crate) fn must_be_created(endpoint: &Endpoint, project: &str, refusal: &Error) -> Error {
    let url = &endpoint.url;
    let account = endpoint.access_key.as_deref().unwrap_or("an anonymous user");
    Error::Forbidden(format!(
        "the project `{project}` does not exist on {url}, and `{account}` may not create it ({}): \
         ask an administrator of {url}, or someone who may create projects there, to create \
         `{project}` and to let `{account}` push to it; then run again",
        refusal.text()
    ))
}

fn takes_pushes(endpoint: &Endpoint, project: &wire::Project) -> Result<()> {
    if !project.is_proxy_cache() {
        return Ok(());
    }
    let name = &project.name;
    Err(Error::Unsupported(format!(
        "the project `{name}` on {} is a proxy cache and takes no pushes: \
         choose another project as the destination namespace",
        endpoint.url
    )))
}
