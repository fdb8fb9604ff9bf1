//! The provider `artifact-hub`: Artifact Hub's catalog of Helm charts, whose archives lie anywhere.
//!
//! It is a source only. The catalog says what there is; the host downloads an archive and makes the
//! OCI artifact of it.

mod hub;
#[cfg(test)]
mod tests;

use hub::Hub;
use portolan_sdk::{
    AccessKeyPattern, AccessSecretPattern, Adapter, AdapterInfo, AllowedHost, Artifact,
    ArtifactFilter, Auth, Challenge, Chart, CredentialPattern, Endpoint, EndpointPattern, Error,
    ForeignContent, Grant, Health, NamedUrl, Page, PageRequest, Repository, RepositoryFilter,
    Result, Scope, export_adapter,
};

export_adapter!(ArtifactHub: foreign_content);

/// The adapter.
#[derive(Debug)]
pub struct ArtifactHub;

impl Adapter for ArtifactHub {
    fn describe() -> AdapterInfo {
        let anywhere = AllowedHost {
            pattern: "https://*".to_owned(),
            uses: vec!["any-public-download".to_owned()],
        };
        let site = NamedUrl {
            name: "artifacthub.io".to_owned(),
            url: "https://artifacthub.io".to_owned(),
        };
        AdapterInfo {
            hint: "Needs no account; the id and the secret of an API key raise the rate limit, \
                   and rules should name a repository, since the catalog is large (tested against \
                   recorded exchanges only)."
                .to_owned(),
            credentials: Some(CredentialPattern {
                access_key: AccessKeyPattern::Standard,
                access_secret: AccessSecretPattern::Password,
            }),
            allowed_hosts: vec![anywhere],
            resources: vec!["chart".to_owned()],
            min_components: 2,
            max_components: Some(2),
            can_push: false,
            ..AdapterInfo::new("artifact-hub", "Artifact Hub", env!("CARGO_PKG_VERSION"))
        }
        .at(EndpointPattern::Fixed(site))
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        match Hub::new("", endpoint).check() {
            Ok(authenticated) => Ok(Health::new(authenticated)),
            Err(Error::Unauthenticated(why) | Error::Forbidden(why)) => {
                Err(Error::Unauthenticated(format!(
                    "{} does not accept the API key: {why}; check its id and its secret, or leave \
                     both out",
                    endpoint.url
                )))
            }
            Err(other) => Err(other),
        }
    }

    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        Hub::new("", endpoint).packages(filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        Hub::new("", endpoint).versions(repository, page)
    }

    /// Archives are never on this host, and nothing is sent to others.
    fn authorize(_: &Endpoint, _: &[Scope], _: Option<&Challenge>) -> Result<Grant> {
        Ok(Grant::new(Auth::Anonymous, None))
    }
}

impl ForeignContent for ArtifactHub {
    fn resolve_chart(endpoint: &Endpoint, repository: &str, version: &str) -> Result<Chart> {
        Hub::new("", endpoint).chart(repository, version)
    }
}
