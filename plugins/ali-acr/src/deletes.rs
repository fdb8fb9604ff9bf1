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
/// one's registry refuses that, and its API deletes by tag alone: there every tag on it is deleted.
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
        Err(Error::NotFound(_)) => return Ok(()),
        found => found?,
    };
    if found.is_empty() {
        return is_gone(endpoint, repository, digest);
    }
    found.iter().try_for_each(|tag| one_tag(&api, name, tag))
}

/// What has no tag is known to the registry alone.
fn is_gone(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    if !login::with_flow(endpoint, |flow| distribution::holds(flow, repository, digest))? {
        return Ok(());
    }
    Err(Error::Unsupported(format!(
        "{repository} on {} holds {digest} without a tag, and the personal edition of Alibaba Cloud \
         ACR deletes by tag alone: delete it in the console",
        endpoint.url
    )))
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
