//! Line 0.1 of the interface: which exports a component has, and its records turned into
//! `portolan-core`'s, checked and bounded. What does not fit is `malformed`, never kept in part.

use portolan_bindings::v0_1::{
    exports::portolan::adapter::{labels, management, notifications, registry_adapter as wit},
    portolan::adapter::types,
};
use portolan_core::{
    oci::{Challenge, MediaType},
    provider::{
        Action, ArtifactEntry, ArtifactQuery, Capabilities, HealthReport, Listing, RepositoryEntry,
        RepositoryQuery, Scope,
    },
    secret::Secret,
    visibility::Visibility,
};
use time::OffsetDateTime;
use wasmtime::component::{ComponentExportIndex, TypedFunc};

use super::{
    PluginError,
    bound::Bound,
    imports::shown,
    instance::{Call, State, Tripped},
};

mod chart;
pub(super) mod delivery;
pub(super) mod info;
mod target;

pub(super) use target::target;

pub(super) use chart::location;

/// The interface that every adapter has.
const REGISTRY: &str = "portolan:adapter/registry-adapter@0.1.0";
/// Rows asked for at once.
const PAGE: u32 = 100;
/// Longest name, tag, digest or cursor in bytes.
const MAX_NAME: usize = 4096;
/// Most rows of one page: more than was ever asked for is a fault.
const MAX_ROWS: usize = 10_000;
/// Longest message for people in bytes.
const MAX_MESSAGE: usize = 1000;

/// The interfaces a component exports.
pub(super) struct Exports {
    registry: wit::GuestIndices,
    locate: ComponentExportIndex,
    management: Option<management::GuestIndices>,
    labels: Option<labels::GuestIndices>,
    notifications: Option<notifications::GuestIndices>,
    foreign: Option<foreign_content::GuestIndices>,
}

use portolan_bindings::v0_1::exports::portolan::adapter::foreign_content;

/// `registry-adapter`'s `locate`.
pub(super) type Locate<'p> =
    TypedFunc<(&'p types::Endpoint, &'p str), (Result<wit::Target, types::Error>,)>;

type Pre = wasmtime::component::InstancePre<State>;

impl Exports {
    /// Looks for each interface by itself.
    pub(super) fn find(pre: &Pre) -> wasmtime::Result<Self> {
        let component = pre.component();
        let registry = component.get_export_index(None, REGISTRY);
        let locate = component.get_export_index(registry.as_ref(), "locate");
        Ok(Self {
            locate: locate.ok_or_else(|| wasmtime::format_err!("`{REGISTRY}` has no `locate`"))?,
            registry: wit::GuestIndices::new(pre)?,
            management: management::GuestIndices::new(pre).ok(),
            labels: labels::GuestIndices::new(pre).ok(),
            notifications: notifications::GuestIndices::new(pre).ok(),
            foreign: foreign_content::GuestIndices::new(pre).ok(),
        })
    }

    /// What the component can do.
    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            management: self.management.is_some(),
            labels: self.labels.is_some(),
            notifications: self.notifications.is_some(),
            foreign_content: self.foreign.is_some(),
        }
    }

    /// Looks up every function once, so that a type that does not fit surfaces at load.
    pub(super) fn prove(&self, call: &mut Call) -> wasmtime::Result<()> {
        let (store, instance) = (&mut call.store, &call.instance);
        self.registry.load(&mut *store, instance)?;
        self.management.as_ref().map(|it| it.load(&mut *store, instance)).transpose()?;
        self.labels.as_ref().map(|it| it.load(&mut *store, instance)).transpose()?;
        self.notifications.as_ref().map(|it| it.load(&mut *store, instance)).transpose()?;
        self.foreign.as_ref().map(|it| it.load(&mut *store, instance)).transpose()?;
        Ok(())
    }

    /// `locate` of one instance. It is asked for each repository, and to look up every function of the
    /// interface takes longer than that call.
    pub(super) fn locate<'p>(&self, call: &mut Call) -> Result<Locate<'p>, PluginError> {
        let found = call.instance.get_typed_func(&mut call.store, self.locate);
        found.map_err(|error| call.broken(&error))
    }

    /// The required interface of one instance.
    pub(super) fn registry(&self, call: &mut Call) -> Result<wit::Guest, PluginError> {
        self.registry.load(&mut call.store, &call.instance).map_err(|error| call.broken(&error))
    }

    /// `management` of one instance.
    pub(super) fn management(
        &self,
        call: &mut Call,
    ) -> Result<Option<management::Guest>, PluginError> {
        let Some(indices) = &self.management else { return Ok(None) };
        let guest = indices.load(&mut call.store, &call.instance);
        guest.map(Some).map_err(|error| call.broken(&error))
    }

    /// `labels` of one instance.
    pub(super) fn labels(&self, call: &mut Call) -> Result<Option<labels::Guest>, PluginError> {
        let Some(indices) = &self.labels else { return Ok(None) };
        let guest = indices.load(&mut call.store, &call.instance);
        guest.map(Some).map_err(|error| call.broken(&error))
    }

    /// `foreign-content` of one instance.
    pub(super) fn foreign(
        &self,
        call: &mut Call,
    ) -> Result<Option<foreign_content::Guest>, PluginError> {
        let Some(indices) = &self.foreign else { return Ok(None) };
        let guest = indices.load(&mut call.store, &call.instance);
        guest.map(Some).map_err(|error| call.broken(&error))
    }

    /// `notifications` of one instance.
    pub(super) fn notifications(
        &self,
        call: &mut Call,
    ) -> Result<Option<notifications::Guest>, PluginError> {
        let Some(indices) = &self.notifications else { return Ok(None) };
        let guest = indices.load(&mut call.store, &call.instance);
        guest.map(Some).map_err(|error| call.broken(&error))
    }
}

/// What the guest is told of the endpoint.
pub(super) fn endpoint(bound: &Bound) -> types::Endpoint {
    types::Endpoint {
        id: bound.id.clone(),
        url: bound.url.base().to_owned(),
        access_key: bound.account.key.clone(),
        has_access_secret: bound.account.secret.as_ref().is_some_and(|it| !it.is_empty()),
        settings: bound.settings.clone(),
        extra: told(bound),
    }
}

/// The public parts of a key file, and the session token of temporary keys.
fn told(bound: &Bound) -> Vec<types::KeyValue> {
    let token = bound.session_token.iter().map(session_token);
    bound.public_parts.iter().map(pair).chain(token).collect()
}

fn pair((key, value): &(String, String)) -> types::KeyValue {
    types::KeyValue { key: key.clone(), value: value.clone() }
}

fn session_token(token: &Secret) -> types::KeyValue {
    types::KeyValue { key: "session-token".to_owned(), value: token.expose().to_owned() }
}

pub(super) fn page(cursor: Option<&str>) -> types::PageRequest {
    types::PageRequest { cursor: cursor.map(str::to_owned), limit: PAGE }
}

pub(super) fn repository_filter(query: &RepositoryQuery) -> wit::RepositoryFilter {
    wit::RepositoryFilter {
        prefix: query.prefix.clone(),
        name_contains: query.name_contains.clone(),
        extra: Vec::new(),
    }
}

pub(super) fn artifact_filter(query: &ArtifactQuery) -> wit::ArtifactFilter {
    wit::ArtifactFilter {
        tag_prefix: query.tag_prefix.clone(),
        tag: query.tag.clone(),
        pushed_since: None,
        extra: Vec::new(),
    }
}

pub(super) fn scopes(scopes: &[Scope]) -> Vec<wit::Scope> {
    let action = |action: &Action| match action {
        Action::Pull => wit::Action::Pull,
        Action::Push => wit::Action::Push,
        Action::Delete => wit::Action::Delete,
    };
    let one = |scope: &Scope| wit::Scope {
        repository: scope.repository.as_str().to_owned(),
        actions: scope.actions.iter().map(action).collect(),
    };
    scopes.iter().map(one).collect()
}

pub(super) fn challenge(challenge: &Challenge) -> wit::Challenge {
    wit::Challenge {
        scheme: challenge.scheme.clone(),
        params: challenge.params.iter().map(pair).collect(),
    }
}

/// Metadata of what `prepare-targets` makes.
pub(super) fn visibility(visibility: Visibility) -> types::KeyValue {
    types::KeyValue { key: "visibility".to_owned(), value: visibility.as_str().to_owned() }
}

pub(super) fn health(health: wit::Health) -> HealthReport {
    HealthReport {
        product: health.product.map(|text| shown(&text, 200)),
        authenticated: health.authenticated,
        details: pairs(health.details),
    }
}

/// At most 32 pairs for people.
fn pairs(pairs: Vec<types::KeyValue>) -> Vec<(String, String)> {
    let pair = |it: types::KeyValue| (shown(&it.key, 100), shown(&it.value, MAX_MESSAGE));
    pairs.into_iter().take(32).map(pair).collect()
}

pub(super) fn repositories(
    page: wit::RepositoryPage,
) -> Result<Listing<RepositoryEntry>, PluginError> {
    let row = |it: wit::Repository| {
        Ok(RepositoryEntry { name: name(it.name, "repository")?, private: it.private })
    };
    listing(page.items, page.next, page.total, row)
}

pub(super) fn artifacts(page: wit::ArtifactPage) -> Result<Listing<ArtifactEntry>, PluginError> {
    listing(page.items, page.next, page.total, artifact)
}

pub(super) fn label_page(page: labels::LabelPage) -> Result<Listing<String>, PluginError> {
    listing(page.items, page.next, None, |label| name(label, "label"))
}

fn artifact(it: wit::Artifact) -> Result<ArtifactEntry, PluginError> {
    let digest = |text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(digest) => Ok(Some(digest)),
            Err(_) => Err(malformed(&format!("`{}` is no digest", shown(&text, 200)))),
        },
    };
    Ok(ArtifactEntry {
        digest: digest(it.digest)?,
        tags: names(it.tags, "tag")?,
        media_type: it.media_type.map(|text| MediaType::new(&shown(&text, 255))),
        artifact_type: it.artifact_type.map(|text| shown(&text, 255)),
        size: it.size,
        pushed: it.pushed.and_then(|seconds| instant(seconds).ok()),
        labels: names(it.labels, "label")?,
        subject: digest(it.subject)?,
    })
}

fn listing<A, B>(
    items: Vec<A>,
    next: Option<String>,
    total: Option<u64>,
    row: impl Fn(A) -> Result<B, PluginError>,
) -> Result<Listing<B>, PluginError> {
    if items.len() > MAX_ROWS {
        return Err(malformed(&format!("a page has {} rows", items.len())));
    }
    let next = next.map(|cursor| name(cursor, "cursor")).transpose()?;
    let items = items.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(Listing { items, next, total })
}

fn names(texts: Vec<String>, what: &str) -> Result<Vec<String>, PluginError> {
    if texts.len() > MAX_ROWS {
        return Err(malformed(&format!("there are {} {what}s on one artifact", texts.len())));
    }
    texts.into_iter().map(|text| name(text, what)).collect()
}

fn name(text: String, what: &str) -> Result<String, PluginError> {
    if text.len() > MAX_NAME || text.contains(char::is_control) {
        return Err(malformed(&format!("a {what} is too long, or holds control characters")));
    }
    Ok(text)
}

/// Seconds since 1970 as an instant.
pub(super) fn instant(seconds: u64) -> Result<OffsetDateTime, PluginError> {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds)
        .map_err(|_| malformed("an instant is out of range"))
}

pub(super) fn malformed(what: &str) -> PluginError {
    PluginError::Malformed(format!("the adapter's answer cannot be used: {what}"))
}

/// A guest's error; where a host limit made its request fail, that limit.
pub(super) fn error(
    error: types::Error,
    (provider, function): (&str, &'static str),
    tripped: Option<Tripped>,
) -> PluginError {
    use types::Error as Guest;
    let text = |text: String| shown(&text, MAX_MESSAGE);
    match error {
        Guest::Unauthenticated(message) => PluginError::Unauthenticated(text(message)),
        Guest::Forbidden(message) => PluginError::Forbidden(text(message)),
        Guest::NotFound(message) => PluginError::NotFound(text(message)),
        Guest::Conflict(message) => PluginError::Conflict(text(message)),
        Guest::RateLimited(limit) => PluginError::RateLimited {
            message: text(limit.message),
            retry_after: limit.retry_after_seconds.map(u64::from),
        },
        Guest::Transport(error) => match tripped {
            Some(tripped) if error.kind == "body-too-large" => PluginError::Limit {
                provider: provider.to_owned(),
                function,
                limit: tripped.limit,
                detail: tripped.detail,
            },
            _ => PluginError::Transport {
                kind: shown(&error.kind, 64),
                message: text(error.message),
            },
        },
        Guest::Upstream(error) => PluginError::Upstream {
            status: error.status,
            message: text(match error.code {
                Some(code) => format!("{} ({code})", error.message),
                None => error.message,
            }),
            retryable: error.retryable,
        },
        Guest::MalformedResponse(message) => PluginError::Malformed(text(message)),
        Guest::InvalidInput(message) => PluginError::Invalid(text(message)),
        Guest::Unsupported(message) => PluginError::Unsupported(text(message)),
        Guest::Internal(message) => PluginError::Internal(text(message)),
        Guest::Other(error) => {
            PluginError::Internal(text(format!("{} ({})", error.message, error.code)))
        }
    }
}
