//! Deleting tags and artifacts. What is gone already is no error.

use portolan_sdk::{Action, Endpoint, Error, Result, Scope, distribution, http};

use crate::{
    api::Api,
    login,
    repository::{self, Name},
    tags,
};

/// Deletes one tag.
pub(crate) fn tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    let name = Name::parse(repository)?;
    let api = Api::of(endpoint)?;
    one_tag(&api, name, tag)
}

/// Deletes a digest with its tags: through the registry in the enterprise edition. The personal
/// one's registry refuses that, so there every tag on it is deleted.
pub(crate) fn artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    let name = Name::parse(repository)?;
    let api = Api::of(endpoint)?;
    if api.instance.id.is_some() {
        let scope = Scope { repository: repository.to_owned(), actions: vec![Action::Delete] };
        return login::with_flow(endpoint, |flow| {
            distribution::delete_manifest(flow, &scope, digest)
        });
    }
    let found = match tags::on(&api, name, digest) {
        Err(Error::NotFound(_)) => Vec::new(),
        found => found?,
    };
    found.iter().try_for_each(|tag| one_tag(&api, name, tag))
}

fn one_tag(api: &Api<'_>, name: Name<'_>, tag: &str) -> Result<()> {
    let deleted = match &api.instance.id {
        Some(instance) => repository::with_id(api, instance, name, |id| {
            api.tell(instance, "DeleteRepoTag", &[("RepoId", id), ("Tag", tag)])
        }),
        None => api.delete(&format!("{}/tags/{}", name.path(), http::encode(tag))),
    };
    match deleted {
        Err(Error::NotFound(_)) => Ok(()),
        deleted => deleted,
    }
}
