//! Projects to push to: found, created, or asked for by name.
//!
//! A robot or project-scoped user may not create projects, and often may not read them either;
//! where the project exists that is no obstacle.

use std::collections::BTreeMap;

use portolan_sdk::{
    Endpoint, Error, KeyValue, Result,
    http::{self, Request},
    log,
};

use crate::{api, wire};

/// Makes the projects of `repositories` ready; one result for each repository, in order.
pub(crate) fn prepare(
    endpoint: &Endpoint,
    repositories: &[String],
    metadata: &[KeyValue],
) -> Vec<Result<()>> {
    if let Err(error) = api::require_v2(endpoint) {
        return repositories.iter().map(|_| Err(error.clone())).collect();
    }
    let public = metadata.iter().any(|kv| kv.key == "visibility" && kv.value == "public");
    let mut done: BTreeMap<&str, Result<()>> = BTreeMap::new();
    let one = |repository| {
        let (project, _) = api::split(repository)?;
        done.entry(project).or_insert_with(|| ready(endpoint, project, public)).clone()
    };
    repositories.iter().map(String::as_str).map(one).collect()
}

/// What the list of projects says of one.
enum Sight {
    Found(wire::Project),
    Absent,
    /// The account may not list.
    Hidden,
}

fn ready(endpoint: &Endpoint, project: &str, public: bool) -> Result<()> {
    let sight = find(endpoint, project)?;
    if let Sight::Found(found) = &sight {
        return takes_pushes(endpoint, found);
    }
    let body = wire::NewProject {
        project_name: project,
        metadata: wire::NewMetadata { public: if public { "true" } else { "false" } },
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
        _ => response.success().map(drop),
    }
}

/// The project as the account sees it among the projects. The name of the query is a fuzzy one,
/// so names are compared here.
fn find(endpoint: &Endpoint, project: &str) -> Result<Sight> {
    let query = [("name", project)];
    let at = (1, api::MAX_PAGE);
    match api::list::<wire::Project>(endpoint, "/api/v2.0/projects", at, &query) {
        Ok((rows, _)) => {
            let found = rows.into_iter().find(|row| row.name == project);
            Ok(found.map_or(Sight::Absent, Sight::Found))
        }
        Err(Error::Unauthenticated(_) | Error::Forbidden(_) | Error::Conflict(_)) => {
            Ok(Sight::Hidden)
        }
        Err(error) => Err(error),
    }
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

fn must_be_created(endpoint: &Endpoint, project: &str, refusal: &Error) -> Error {
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
