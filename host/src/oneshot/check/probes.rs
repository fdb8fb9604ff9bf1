//! Which calls the kit makes: every function the component exports, with arguments that are valid
//! for its provider.

use portolan_core::provider::{Action, AdapterInfo, ArtifactQuery, RepositoryQuery, Scope};

use crate::AdapterCall;

/// A digest nobody has.
pub(super) const NO_DIGEST: &str =
    "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// One call of each function, and of `authorize` once for each kind of authority.
pub(super) fn every(info: &AdapterInfo, repository: &str) -> Vec<AdapterCall> {
    let mut calls = vec![
        AdapterCall::CheckHealth,
        AdapterCall::ListRepositories(RepositoryQuery::default(), None),
    ];
    calls.extend(of_repository(info, repository, &["v1".to_owned()], &[NO_DIGEST.to_owned()]));
    if info.capabilities.labels {
        calls.push(AdapterCall::ListLabels(None));
    }
    if info.capabilities.notifications {
        calls.push(AdapterCall::Authentication);
        for body in ["", "{}", "<html>", r#"{"event":"push","cut"#] {
            calls.push(AdapterCall::Parse(Vec::new(), body.as_bytes().to_vec()));
        }
    }
    calls
}

/// Every call about one repository; deletes come last.
pub(super) fn of_repository(
    info: &AdapterInfo,
    repository: &str,
    tags: &[String],
    digests: &[String],
) -> Vec<AdapterCall> {
    let name = || repository.to_owned();
    let mut calls = vec![
        AdapterCall::ListArtifacts(name(), ArtifactQuery::default(), None),
        AdapterCall::Locate(name()),
    ];
    calls.extend(authorize(repository, &[Action::Pull]));
    if info.can_push {
        calls.extend(authorize(repository, &[Action::Pull, Action::Push]));
    }
    if info.capabilities.foreign_content {
        calls.extend(tags.iter().map(|tag| AdapterCall::ResolveChart(name(), tag.clone())));
    }
    if info.capabilities.management {
        calls.push(AdapterCall::PrepareTargets(vec![name()]));
        let delete_tag = |tag: &String| AdapterCall::DeleteTag(name(), tag.clone());
        calls.extend(tags.iter().map(delete_tag));
        let delete_artifact = |digest: &String| AdapterCall::DeleteArtifact(name(), digest.clone());
        calls.extend(digests.iter().map(delete_artifact));
    }
    calls
}

/// Nothing for a name that no registry could have.
pub(super) fn authorize(repository: &str, actions: &[Action]) -> Option<AdapterCall> {
    let repository = repository.parse().ok()?;
    Some(AdapterCall::Authorize(vec![Scope { repository, actions: actions.to_vec() }]))
}

/// Whether the function cannot answer without having asked the provider.
pub(super) fn must_ask(call: &AdapterCall) -> bool {
    is_listing(call) || matches!(call, AdapterCall::CheckHealth | AdapterCall::ResolveChart(..))
}

/// Whether it is a listing that every provider has.
pub(super) fn is_listing(call: &AdapterCall) -> bool {
    matches!(call, AdapterCall::ListRepositories(..) | AdapterCall::ListArtifacts(..))
}

/// Cursor of the next page, where an answer has one.
pub(super) fn next(answer: &crate::Answer) -> Option<&str> {
    match answer {
        crate::Answer::Repositories(page) => page.next.as_deref(),
        crate::Answer::Artifacts(page) => page.next.as_deref(),
        crate::Answer::Labels(page) => page.next.as_deref(),
        _ => None,
    }
}

/// The same listing, further on.
pub(super) fn after(call: &AdapterCall, cursor: &str) -> Option<AdapterCall> {
    let cursor = Some(cursor.to_owned());
    Some(match call.clone() {
        AdapterCall::ListRepositories(query, _) => AdapterCall::ListRepositories(query, cursor),
        AdapterCall::ListArtifacts(name, query, _) => {
            AdapterCall::ListArtifacts(name, query, cursor)
        }
        AdapterCall::ListLabels(_) => AdapterCall::ListLabels(cursor),
        _ => return None,
    })
}
