//! The provider `acme-registry`, written as a third party would: from `wit/` alone, with plain
//! wit-bindgen and none of this project's crates. Speaks the plain distribution API.

mod api;

wit_bindgen::generate!({
    path: "../../../wit/v0.1",
    world: "adapter",
});

use exports::portolan::adapter::registry_adapter::*;
use portolan::adapter::{
    http::Auth,
    types::{Endpoint, Error, PageRequest},
};

/// What a form may ask for; none of it has to be set, and nothing here goes by it.
const SETTINGS: &str = r#"{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "team": {"type": "string", "title": "Team", "description": "Whose quota counts.", "maxLength": 40},
    "tier": {"enum": ["harbour", "anchorage"], "title": "Tier", "default": "harbour"},
    "retries": {"type": "integer", "title": "Retries", "minimum": 0, "maximum": 9},
    "mirrors": {"type": "array", "items": {"type": "string"}, "title": "Mirrors"},
    "audited": {"type": "boolean", "title": "Audited", "description": "Acme notes each request."}
  }
}"#;

struct Acme;

impl Guest for Acme {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            provider: "acme-registry".to_owned(),
            display_name: "Acme Registry".to_owned(),
            description: "Acme's own registry.".to_owned(),
            version: "1.2.3".to_owned(),
            endpoints: Some(EndpointPattern::Standard),
            credentials: Some(CredentialPattern {
                access_key: AccessKeyPattern::Standard,
                access_secret: AccessSecretPattern::Password,
            }),
            hint: "The address of your Acme Registry, without /v2.".to_owned(),
            settings_schema: SETTINGS.to_owned(),
            allowed_hosts: Vec::new(),
            login_urls: Vec::new(),
            signing: Vec::new(),
            resources: vec!["image".to_owned(), "artifact".to_owned()],
            min_components: 1,
            max_components: None,
            accepted_manifests: Vec::new(),
            can_push: true,
            extra: Vec::new(),
        }
    }

    fn check_health(endpoint: Endpoint) -> Result<Health, Error> {
        api::get(&endpoint, "/v2/")?;
        let product = Some("Acme Registry".to_owned());
        let authenticated = endpoint.has_access_secret;
        Ok(Health { product, authenticated, details: Vec::new() })
    }

    fn list_repositories(
        endpoint: Endpoint,
        _: RepositoryFilter,
        page: PageRequest,
    ) -> Result<RepositoryPage, Error> {
        let (names, next) = api::names(&endpoint, "/v2/_catalog", &page)?;
        let items = names.into_iter().map(repository).collect();
        Ok(RepositoryPage { items, next, total: None })
    }

    fn list_artifacts(
        endpoint: Endpoint,
        repository: String,
        _: ArtifactFilter,
        page: PageRequest,
    ) -> Result<ArtifactPage, Error> {
        let (tags, next) = api::names(&endpoint, &format!("/v2/{repository}/tags/list"), &page)?;
        let items = tags.into_iter().map(tagged).collect();
        Ok(ArtifactPage { items, next, total: None })
    }

    fn locate(endpoint: Endpoint, repository: String) -> Result<Target, Error> {
        if repository.starts_with("acme-internal/") {
            return Err(Error::InvalidInput(format!("`{repository}` is Acme's own")));
        }
        Ok(Target {
            base_url: endpoint.url,
            repository,
            upload: "chunked".to_owned(),
            max_chunk_bytes: None,
            mount: true,
            extra: Vec::new(),
        })
    }

    fn authorize(endpoint: Endpoint, _: Vec<Scope>, _: Option<Challenge>) -> Result<Grant, Error> {
        let auth = auth(&endpoint);
        Ok(Grant { auth, headers: Vec::new(), expires: None, extra: Vec::new() })
    }
}

/// The endpoint's credentials, where it has any.
fn auth(endpoint: &Endpoint) -> Auth {
    if endpoint.has_access_secret { Auth::Basic } else { Auth::Anonymous }
}

fn repository(name: String) -> Repository {
    Repository {
        name,
        description: None,
        created: None,
        updated: None,
        artifact_count: None,
        private: None,
        extra: Vec::new(),
    }
}

fn tagged(tag: String) -> Artifact {
    Artifact {
        digest: None,
        tags: vec![tag],
        media_type: None,
        artifact_type: None,
        size: None,
        pushed: None,
        labels: Vec::new(),
        platforms: Vec::new(),
        subject: None,
        annotations: Vec::new(),
        extra: Vec::new(),
    }
}

export!(Acme);
