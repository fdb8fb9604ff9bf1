//! The traits an author implements: [`Adapter`] always, the others where the provider can.
//!
//! All functions are associated functions without a receiver: an instance lives for one call, so
//! there is no state to hold. What the next call needs goes into [`crate::cache`].

use crate::{
    Action, AdapterInfo, Artifact, ArtifactFilter, Challenge, Chart, DeliveryAuth, Endpoint, Error,
    Event, Grant, Health, KeyValue, LabelPage, Page, PageRequest, Repository, RepositoryFilter,
    ResponseHeader, Result, Scope, Target, token,
};

/// One registry provider (`registry-adapter` of the interface).
pub trait Adapter {
    /// Says who the adapter is and what it needs. Must not call the host: it runs before anything
    /// was granted.
    fn describe() -> AdapterInfo;

    /// Proves that the endpoint is reachable and, where it has credentials, that they are
    /// accepted.
    ///
    /// # Errors
    /// Whatever keeps the endpoint from being used; the text is shown at Test Connection.
    fn check_health(endpoint: &Endpoint) -> Result<Health>;

    /// Lists one page of repositories. The host filters again.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the provider cannot list.
    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>>;

    /// Lists one page of a repository's artifacts or tags. The host filters again.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such repository.
    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        filter: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>>;

    /// Says how the distribution API of a repository is reached. Default: below the endpoint, the
    /// name unchanged, one `PUT` per blob, mounts allowed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name the provider cannot hold.
    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        Ok(Target::new(&endpoint.url, repository))
    }

    /// Gives the authority for requests within `scopes`. Default: what the endpoint's challenge
    /// asks for (nothing, Basic, or a token).
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where the credentials are refused.
    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        token::Flow::new(endpoint).authorize(scopes, challenge)
    }
}

/// Writing through the provider's own API. Each function is idempotent.
pub trait Management: Adapter {
    /// Makes repositories ready to be pushed to, at most 100; one result for each, in order. Asked
    /// for once something is missing at a destination: `locate` and `authorize` may come before, for
    /// a repository that does not exist yet.
    /// `metadata` keys: `visibility` (`public`, `private`), `description`; open. Without the key
    /// the source did not tell: make it private. `public` is told to adapters alone whose
    /// `describe` has `copies_visibility` in `extra`: `true` where they make what they are told to,
    /// and then only where all that goes there is public; `told` where they make nothing so, and
    /// say in the log what that means.
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        metadata: &[KeyValue],
    ) -> Vec<Result<()>>;

    /// Deletes one tag and leaves others on the same digest. Default: cannot.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the provider cannot delete a tag alone.
    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        let _ = (repository, tag);
        Err(Error::Unsupported(format!("{} cannot delete a tag alone", endpoint.url)))
    }

    /// Deletes an artifact by digest, with every tag on it. Default: through the distribution API.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the registry forbids deletes.
    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        let scope = Scope { repository: repository.to_owned(), actions: vec![Action::Delete] };
        crate::distribution::delete_manifest(&token::Flow::new(endpoint), &scope, digest)
    }
}

/// Labels that a rule may filter by.
pub trait Labels: Adapter {
    /// Lists one page of label names.
    ///
    /// # Errors
    /// Whatever the provider answered.
    fn list_labels(endpoint: &Endpoint, page: &PageRequest) -> Result<LabelPage>;
}

/// The provider's webhooks, turned into events that wake rules.
pub trait Notifications: Adapter {
    /// Says how deliveries prove themselves; any one of them is enough. Must not call the host.
    fn authentication() -> Vec<DeliveryAuth>;

    /// Reads a delivery that passed the check. An unknown but harmless one is an empty list.
    ///
    /// # Errors
    /// [`Error::MalformedResponse`] where the payload cannot be understood.
    fn parse(endpoint: &Endpoint, headers: &[ResponseHeader], body: &[u8]) -> Result<Vec<Event>>;
}

/// A source whose artifacts are not OCI, such as a classic Helm repository.
pub trait ForeignContent: Adapter {
    /// Says where the archive of a chart version is.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such chart or version.
    fn resolve_chart(endpoint: &Endpoint, repository: &str, version: &str) -> Result<Chart>;
}
