//! The provider `helm-hub`: the Helm Hub, by Monocular's API where that still answers, else by
//! Artifact Hub's, which its site has become an alias of.
//!
//! It is a source only, like `artifact-hub`.

#[path = "../../artifact-hub/src/hub.rs"]
mod hub;
mod monocular;
#[cfg(test)]
mod tests;

use hub::Hub;
use portolan_sdk::{
    AccessKeyPattern, AccessSecretPattern, Adapter, AdapterInfo, AllowedHost, Artifact,
    ArtifactFilter, Auth, Challenge, Chart, CredentialPattern, Endpoint, EndpointPattern,
    ForeignContent, Grant, Health, NamedUrl, Page, PageRequest, Repository, RepositoryFilter,
    Result, Scope, cache, export_adapter,
};

export_adapter!(HelmHub: foreign_content);

/// Whose alias the site is.
const ALIAS_OF: &str = "https://artifacthub.io";
/// How long it is remembered which API answers, in seconds.
const REMEMBERED: u32 = 3600;

/// The adapter.
#[derive(Debug)]
pub struct HelmHub;

impl Adapter for HelmHub {
    fn describe() -> AdapterInfo {
        let host = |pattern: &str, purpose: &str| AllowedHost {
            pattern: pattern.to_owned(),
            uses: vec![purpose.to_owned()],
        };
        let site =
            NamedUrl { name: "hub.helm.sh".to_owned(), url: "https://hub.helm.sh".to_owned() };
        AdapterInfo {
            hint: "Needs no account; the site has become an alias of Artifact Hub, whose charts \
                   are what is found here (tested against recorded exchanges only)."
                .to_owned(),
            credentials: Some(CredentialPattern {
                access_key: AccessKeyPattern::None,
                access_secret: AccessSecretPattern::None,
            }),
            allowed_hosts: vec![host(ALIAS_OF, "data"), host("https://*", "any-public-download")],
            resources: vec!["chart".to_owned()],
            min_components: 2,
            max_components: Some(2),
            can_push: false,
            ..AdapterInfo::new("helm-hub", "Helm Hub", env!("CARGO_PKG_VERSION"))
        }
        .at(EndpointPattern::Fixed(site))
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        cache::remove("monocular");
        if is_monocular(endpoint) {
            return Ok(Health::new(false));
        }
        Hub::new(ALIAS_OF, endpoint).check()?;
        Ok(Health::new(false).detail("alias of", ALIAS_OF))
    }

    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        if is_monocular(endpoint) {
            return monocular::charts(page);
        }
        Hub::new(ALIAS_OF, endpoint).packages(filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        if is_monocular(endpoint) {
            return monocular::versions(repository, page);
        }
        Hub::new(ALIAS_OF, endpoint).versions(repository, page)
    }

    /// Archives are never on this host, and nothing is sent to others.
    fn authorize(_: &Endpoint, _: &[Scope], _: Option<&Challenge>) -> Result<Grant> {
        Ok(Grant::new(Auth::Anonymous, None))
    }
}

impl ForeignContent for HelmHub {
    fn resolve_chart(endpoint: &Endpoint, repository: &str, version: &str) -> Result<Chart> {
        if is_monocular(endpoint) {
            return monocular::chart(repository, version);
        }
        Hub::new(ALIAS_OF, endpoint).chart(repository, version)
    }
}

/// Whether the site itself still lists charts.
fn is_monocular(endpoint: &Endpoint) -> bool {
    if let Some(known) = cache::get("monocular") {
        return known;
    }
    let found = monocular::answers(endpoint);
    cache::set("monocular", &found, REMEMBERED);
    found
}
