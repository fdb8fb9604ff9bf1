//! Short ways to make and read the interface's records.
//!
//! Every field stays public: an author may write `AdapterInfo { hint: …, ..AdapterInfo::new(…) }`.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::de::DeserializeOwned;

use crate::{
    Action, AdapterInfo, Artifact, ArtifactFilter, Auth, Challenge, Endpoint, EndpointPattern,
    Error, Grant, Health, KeyValue, RawAuth, Repository, RepositoryFilter, Result, Scope, Target,
};

impl AdapterInfo {
    /// An adapter of images at a free address with optional user name and password.
    #[must_use]
    pub fn new(provider: &str, display_name: &str, version: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            display_name: display_name.to_owned(),
            description: String::new(),
            version: version.to_owned(),
            endpoints: None,
            credentials: None,
            hint: String::new(),
            settings_schema: "{}".to_owned(),
            allowed_hosts: Vec::new(),
            login_urls: Vec::new(),
            signing: Vec::new(),
            resources: vec!["image".to_owned()],
            min_components: 1,
            max_components: None,
            accepted_manifests: Vec::new(),
            can_push: true,
            extra: Vec::new(),
        }
    }

    /// The same with what the form offers for the URL.
    #[must_use]
    pub fn at(mut self, endpoints: EndpointPattern) -> Self {
        self.endpoints = Some(endpoints);
        self
    }
}

impl Endpoint {
    /// An endpoint without credentials and settings: what tests start from.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            id: "1".to_owned(),
            url: url.trim_end_matches('/').to_owned(),
            access_key: None,
            has_access_secret: false,
            settings: "{}".to_owned(),
            extra: Vec::new(),
        }
    }

    /// Whether the administrator gave credentials at all.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.has_access_secret || self.access_key.as_deref().is_some_and(|key| !key.is_empty())
    }

    /// How to prove oneself to the endpoint's own API: Basic with credentials, else nothing.
    #[must_use]
    pub fn auth(&self) -> Auth {
        if self.has_credentials() { Auth::Basic } else { Auth::Anonymous }
    }

    /// The provider settings; the host has checked them against the schema.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where they do not fit `T`.
    pub fn settings_as<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.settings.trim().is_empty() {
            return Ok(T::default());
        }
        serde_json::from_str(&self.settings).map_err(|e| {
            Error::InvalidInput(format!("the settings of {} do not fit: {e}", self.url))
        })
    }
}

impl Auth {
    /// Basic with a short-lived user name and password that the adapter obtained itself. The
    /// endpoint's own secret goes by [`Auth::Basic`]: the adapter never has it.
    #[must_use]
    pub fn temporary(username: &str, password: &str) -> Self {
        let value = BASE64_STANDARD.encode(format!("{username}:{password}"));
        Self::Raw(RawAuth { scheme: "Basic".to_owned(), value })
    }
}

impl KeyValue {
    /// A key with its value.
    #[must_use]
    pub fn new(key: &str, value: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: value.into() }
    }
}

impl Health {
    /// Reachable; `authenticated` says whether credentials were sent and accepted.
    #[must_use]
    pub fn new(authenticated: bool) -> Self {
        Self { product: None, authenticated, details: Vec::new() }
    }

    /// The same with a fact for people.
    #[must_use]
    pub fn detail(mut self, key: &str, value: impl Into<String>) -> Self {
        self.details.push(KeyValue::new(key, value));
        self
    }
}

impl Target {
    /// The distribution API below `base_url`: one `PUT` per blob, mounts allowed.
    #[must_use]
    pub fn new(base_url: &str, repository: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            repository: repository.to_owned(),
            upload: "single-put".to_owned(),
            max_chunk_bytes: None,
            mount: true,
            extra: Vec::new(),
        }
    }

    /// The same where this endpoint takes manifests of these media types alone: in place of
    /// `AdapterInfo::accepted_manifests`, for a provider whose versions differ.
    #[must_use]
    pub fn accepting<'a>(mut self, media_types: impl IntoIterator<Item = &'a str>) -> Self {
        let media_types: Vec<String> = media_types.into_iter().map(str::to_owned).collect();
        self.extra.push(KeyValue::new("accepted-manifests", media_types.join(",")));
        self
    }
}

impl Grant {
    /// Authority by `auth` alone.
    #[must_use]
    pub fn new(auth: Auth, expires: Option<u64>) -> Self {
        Self { auth, headers: Vec::new(), expires, extra: Vec::new() }
    }
}

impl Scope {
    /// Reading a repository.
    #[must_use]
    pub fn pull(repository: &str) -> Self {
        Self { repository: repository.to_owned(), actions: vec![Action::Pull] }
    }

    /// Reading and writing a repository.
    #[must_use]
    pub fn push(repository: &str) -> Self {
        Self { repository: repository.to_owned(), actions: vec![Action::Pull, Action::Push] }
    }
}

impl Challenge {
    /// A parameter by name; names compare without case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|p| p.key.eq_ignore_ascii_case(name)).map(|p| p.value.as_str())
    }
}

impl Repository {
    /// A repository of which nothing but the name is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            created: None,
            updated: None,
            artifact_count: None,
            private: None,
            extra: Vec::new(),
        }
    }
}

impl Artifact {
    /// An artifact of which nothing but its tags is known.
    #[must_use]
    pub fn new(tags: Vec<String>) -> Self {
        Self {
            digest: None,
            tags,
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
}

impl RepositoryFilter {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { prefix: None, name_contains: None, extra: Vec::new() }
    }
}

impl ArtifactFilter {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { tag_prefix: None, tag: None, pushed_since: None, extra: Vec::new() }
    }
}
