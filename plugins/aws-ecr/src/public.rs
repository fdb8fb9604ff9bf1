//! ECR Public as a source: anybody's repositories by name, and listings of one's own.

use portolan_sdk::{
    Artifact, Endpoint, Error, Page, PageRequest, Repository, Result, distribution, token::Flow,
};

use crate::{api::Service, listing};

/// Where it serves.
pub(crate) const REGISTRY: &str = "https://public.ecr.aws";

/// One page of the repositories of the keys' own account: no others are ever listed.
pub(crate) fn repositories(endpoint: &Endpoint, page: &PageRequest) -> Result<Page<Repository>> {
    if !endpoint.has_credentials() {
        return Err(Error::Unsupported(format!(
            "{} lists nobody's repositories but those of the account whose keys the endpoint has, \
             and it has none: name the repositories in the rule, without wildcards",
            endpoint.url
        )));
    }
    listing::repositories(&Service::public(), endpoint, None, page, |row| {
        // The name as it is pulled begins with the account's alias.
        let uri = row.repository_uri.as_deref().and_then(|uri| uri.split_once('/'));
        let name = uri.map_or(row.repository_name.clone(), |(_, name)| name.to_owned());
        Repository { private: Some(false), ..Repository::new(name) }
    })
}

/// One page of anybody's tags. Asked for anonymously: the endpoint's secret is no password of
/// the token service.
pub(crate) fn tags(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let nobody = Endpoint { access_key: None, has_access_secret: false, ..endpoint.clone() };
    distribution::tags(&Flow::new(&nobody).at(REGISTRY), repository, page)
}

/// What is refused of writing.
pub(crate) fn read_only(endpoint: &Endpoint, what: &str) -> Error {
    Error::Unsupported(format!(
        "{what} on {} is not done: everything in ECR Public is open to anybody, so it is a source \
         only here; choose a private registry, https://api.ecr.REGION.amazonaws.com",
        endpoint.url
    ))
}
