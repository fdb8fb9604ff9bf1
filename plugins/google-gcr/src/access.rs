//! Test Connection, and the registry's tokens.

use portolan_sdk::{
    Action, Challenge, Endpoint, Error, Grant, Health, Result, Scope, distribution,
    signing::google::{self, ServiceAccount},
    token::Flow,
};

/// The access key for a key file as it is.
const KEY_FILE: &str = "_json_key";

/// Without credentials reachable is enough: public projects are read so.
pub(crate) fn check_health(endpoint: &Endpoint) -> Result<Health> {
    let health = distribution::check_health(&Flow::new(endpoint), endpoint);
    let health = health.map_err(|error| explained(endpoint, error))?;
    Ok(match google::public_part(endpoint, "/project_id") {
        Some(project) => health.detail("project", project),
        None => health,
    })
}

/// A token of the registry. Google knows no scope for deletes: they go with writing.
pub(crate) fn authorize(
    endpoint: &Endpoint,
    scopes: &[Scope],
    challenge: Option<&Challenge>,
) -> Result<Grant> {
    let known = |scope: &Scope| {
        let mut scope = scope.clone();
        for action in &mut scope.actions {
            if *action == Action::Delete {
                *action = Action::Push;
            }
        }
        scope
    };
    let scopes: Vec<Scope> = scopes.iter().map(known).collect();
    let grant = Flow::new(endpoint).authorize(&scopes, challenge);
    grant.map_err(|error| explained(endpoint, error))
}

/// The same error with what to do about refused credentials.
fn explained(endpoint: &Endpoint, error: Error) -> Error {
    let Error::Unauthenticated(text) = error else { return error };
    let key = endpoint.access_key.as_deref().unwrap_or_default();
    let todo = match ServiceAccount::of(endpoint) {
        Some(ServiceAccount { email, key_id }) => format!(
            "see under IAM, Service accounts, whether the key `{key_id}` of `{email}` is still \
             there and enabled, or give the JSON file of a new one"
        ),
        None if !endpoint.has_credentials() => {
            "what is not public needs the JSON key file of a service account".to_owned()
        }
        None if key == KEY_FILE => {
            "the access secret is not the JSON key file of a service account, which it has to be \
             as a whole"
                .to_owned()
        }
        None => format!(
            "the access key `{key}` needs a secret of its kind; `{KEY_FILE}` needs the whole JSON \
             key file of a service account"
        ),
    };
    Error::Unauthenticated(format!("{text}; {todo}"))
}
