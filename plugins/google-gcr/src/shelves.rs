//! Repositories of Artifact Registry to push into: found, made, or asked for by name.
//!
//! An account that may only push is often not shown whether they exist; then the push tells. All
//! of it is private, as IAM makes it.

use std::collections::BTreeMap;

use portolan_sdk::{
    Endpoint, Error, Result, UpstreamError,
    http::{self, Request, Response},
    log,
    signing::google::ServiceAccount,
};

use crate::{
    api,
    place::{self, Place},
    wire,
};

/// How often an operation under way is asked for.
const MAX_POLLS: u32 = 20;

/// What gRPC calls "it exists already".
const ALREADY_EXISTS: i64 = 6;

/// Makes the repositories of these images ready; one result for each, in order.
pub(crate) fn prepare(endpoint: &Endpoint, images: &[String]) -> Vec<Result<()>> {
    let place = Place::of(endpoint);
    let mut done: BTreeMap<(String, &str), Result<()>> = BTreeMap::new();
    let one = |image| {
        let (project, below) = place::check_name(endpoint, image)?;
        let Some((location, name)) = place.shelf(below) else { return Ok(()) };
        let shelf = Shelf { endpoint, project: project.clone(), location, name };
        done.entry((project, name)).or_insert_with(|| shelf.ready(place)).clone()
    };
    images.iter().map(String::as_str).map(one).collect()
}

/// One repository of Artifact Registry.
struct Shelf<'a> {
    endpoint: &'a Endpoint,
    project: String,
    location: &'a str,
    name: &'a str,
}

impl Shelf<'_> {
    fn ready(&self, place: Place<'_>) -> Result<()> {
        let Some(account) = ServiceAccount::of(self.endpoint) else {
            self.left_to_the_push("the endpoint has no service account's key file");
            return Ok(());
        };
        match self.ensure(&account) {
            // gcr.io makes its repository on the first push, where the account may.
            Err(error) if matches!(place, Place::Gcr { .. }) && is_refusal(&error) => {
                self.left_to_the_push(error.text());
                Ok(())
            }
            result => result,
        }
    }

    fn ensure(&self, account: &ServiceAccount<'_>) -> Result<()> {
        let all = api::repositories_url(&self.project, self.location);
        let one = format!("{all}/{}", http::encode(self.name));
        let seen = api::ask(account, &Request::get(&*one))?;
        match seen.status() {
            403 | 404 => {}
            _ => return self.takes_pushes(&api::success(seen)?.json()?),
        }
        let docker_config = wire::DockerConfig { immutable_tags: false };
        let body = wire::NewShelf { format: "DOCKER", docker_config };
        let create = Request::post(&*all).query("repositoryId", self.name).json(&body);
        let made = api::ask(account, &create)?;
        match (made.status(), seen.status()) {
            (409, _) => Ok(()),
            (403, 403) => {
                self.left_to_the_push(api::failure(&made).text());
                Ok(())
            }
            (403, _) => Err(self.must_be_created(account, &made)),
            _ => self.wait(account, api::success(made)?.json()?),
        }
    }

    fn takes_pushes(&self, found: &wire::Shelf) -> Result<()> {
        let why = match (&*found.format, &*found.mode) {
            ("DOCKER", "REMOTE_REPOSITORY") => "is a cache of another registry",
            ("DOCKER", "VIRTUAL_REPOSITORY") => "only shows what others hold",
            ("DOCKER", _) => return Ok(()),
            _ => "is not of the format Docker",
        };
        Err(Error::Unsupported(format!(
            "{} {why} and takes no images: choose another destination namespace",
            self.shown()
        )))
    }

    fn must_be_created(&self, account: &ServiceAccount<'_>, refusal: &Response) -> Error {
        Error::Forbidden(format!(
            "{} does not exist, and `{}` may not create it: ask an administrator of the project to \
             create it with the format Docker, or to give the role Artifact Registry Administrator \
             to the account ({})",
            self.shown(),
            account.email,
            api::failure(refusal).text()
        ))
    }

    /// Waits for the operation that creates it.
    fn wait(&self, account: &ServiceAccount<'_>, mut operation: wire::Operation) -> Result<()> {
        for _ in 0..MAX_POLLS {
            if let Some(error) = &operation.error {
                return self.ended(error);
            }
            if operation.done {
                return Ok(());
            }
            pause();
            let get = Request::get(format!("{}/v1/{}", api::HOST, operation.name));
            operation = api::success(api::ask(account, &get)?)?.json()?;
        }
        Err(Error::Upstream(UpstreamError {
            status: 202,
            message: format!("{} is still being created; it will be asked for again", self.shown()),
            code: None,
            retryable: true,
        }))
    }

    fn ended(&self, error: &wire::Status) -> Result<()> {
        if error.code == ALREADY_EXISTS {
            return Ok(());
        }
        let message = format!("{} could not be created: {}", self.shown(), error.message);
        Err(Error::Upstream(UpstreamError { status: 200, message, code: None, retryable: false }))
    }

    fn left_to_the_push(&self, why: &str) {
        let shelf = self.shown();
        log::warn(
            "it is not known whether the repository exists; the push will tell",
            &[("repository", &shelf), ("why", why)],
        );
    }

    fn shown(&self) -> String {
        let Self { project, location, name, .. } = self;
        format!("the repository `{name}` of Artifact Registry in `{location}`, project `{project}`")
    }
}

/// Whether the API would not help, as against one that could not just now.
fn is_refusal(error: &Error) -> bool {
    match error {
        Error::RateLimited(_) | Error::Unsupported(_) => false,
        Error::Upstream(error) => !error.retryable,
        _ => true,
    }
}

/// A moment between two questions. The host waits, not a thread of its: the call's deadline ends
/// it, too.
#[cfg(target_family = "wasm")]
#[expect(clippy::disallowed_methods, reason = "a guest has no worker that could be blocked")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(500));
}

#[cfg(not(target_family = "wasm"))]
fn pause() {}
