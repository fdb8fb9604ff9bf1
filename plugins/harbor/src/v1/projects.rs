//! Projects of a Harbor 1.x: asked for by name, created in the form of its version.

use portolan_sdk::{
    Endpoint, Error, Result,
    http::{Request, Response},
    log,
};

use crate::{api, generation::V1, projects::must_be_created, wire};

/// Harbor 1.3 brought `metadata`.
const METADATA_SINCE: u32 = 3;
/// From Harbor 1.5 on `metadata` is documented to be enough.
const METADATA_ALONE_SINCE: u32 = 5;

/// Makes a project ready.
pub(crate) fn ready(endpoint: &Endpoint, harbor: &V1, project: &str, public: bool) -> Result<()> {
    let head = Request::head("/api/projects").query("project_name", project);
    let head = api::request(endpoint, head).send()?;
    let hidden = match head.status() {
        200 => return head.done(),
        404 => false,
        // A robot, or an anonymous user: whether it exists is not shown.
        401 | 403 => true,
        _ => return Err(head.error()),
    };
    let create = Request::post("/api/projects").json(&body(harbor, project, public));
    let response = api::request(endpoint, create).send()?;
    match response.status() {
        201 | 409 => Ok(()),
        429 | 502..=504 => Err(response.error()),
        401 | 403 if hidden => {
            log::warn(
                "this account is not shown whether the project exists; going on",
                &[("project", project)],
            );
            Ok(())
        }
        400.. if harbor.admiral.is_some() => {
            Err(left_to_admiral(endpoint, harbor, project, &response))
        }
        401 | 403 => Err(must_be_created(endpoint, project, &response.error())),
        _ => response.done(),
    }
}

fn body<'a>(harbor: &V1, project: &'a str, public: bool) -> wire::NewProject<'a> {
    let minor = harbor.minor();
    wire::NewProject {
        project_name: project,
        public: (minor < METADATA_ALONE_SINCE).then_some(u8::from(public)),
        metadata: (minor >= METADATA_SINCE).then(|| wire::NewMetadata::public(public)),
    }
}

fn left_to_admiral(endpoint: &Endpoint, harbor: &V1, project: &str, refusal: &Response) -> Error {
    let admiral = harbor.admiral.as_deref().filter(|address| !address.is_empty());
    let gap = if admiral.is_some() { " " } else { "" };
    Error::Forbidden(format!(
        "the project `{project}` does not exist on {url}, and this registry leaves its projects to \
         the vSphere Integrated Containers portal (Admiral{gap}{}): create `{project}` there, let \
         `{}` push to it, then run again ({})",
        admiral.unwrap_or_default(),
        endpoint.access_key.as_deref().unwrap_or("the account"),
        refusal.error().text(),
        url = endpoint.url,
    ))
}
