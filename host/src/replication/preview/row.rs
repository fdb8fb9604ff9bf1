//! Rows of a plan: as they come from the listing and the filters, before anybody is asked.

use portolan_core::{
    accepts::Accepts,
    id::EndpointId,
    oci::{Digest, MediaType, Reference, Repository},
    plan::{Decision, PlannedArtifact},
    provider::ArtifactEntry,
};

use crate::distribution::Remote;

/// One repository at one destination.
pub(super) struct Target {
    pub(super) endpoint: EndpointId,
    pub(super) repository: Repository,
    /// The repository there, or why it cannot be asked.
    pub(super) remote: Result<Remote, String>,
    pub(super) accepts: Accepts,
}

/// A row whose decision may still need a question.
pub(super) struct Draft {
    pub(super) row: PlannedArtifact,
    /// Index of its target, where it is not decided yet.
    pub(super) target: Option<usize>,
    pub(super) media_type: Option<MediaType>,
    /// What else is to be said where it is copied.
    pub(super) note: Option<String>,
}

/// What the destination is asked for; `None` where nothing can be.
pub(super) fn reference(row: &PlannedArtifact) -> Option<Reference> {
    match &row.tag {
        Some(tag) => tag.parse().ok().map(Reference::Tag),
        None => row.digest.clone().map(Reference::Digest),
    }
}

/// A row that still needs a question to its target.
pub(super) fn draft(
    name: &str,
    tag: Option<String>,
    artifact: &ArtifactEntry,
    (at, target): (usize, &Target),
) -> Draft {
    let row = PlannedArtifact {
        repository: name.to_owned(),
        tag,
        digest: artifact.digest.clone(),
        destination: Some(target.endpoint),
        destination_repository: Some(target.repository.clone()),
        decision: Decision::Unknown,
        reason: String::new(),
        size: artifact.size,
    };
    Draft { row, target: Some(at), media_type: artifact.media_type.clone(), note: None }
}

/// A row that a filter, or the grammar of names, leaves out.
pub(super) fn left_out(
    repository: &str,
    tag: Option<String>,
    digest: Option<Digest>,
    reason: String,
) -> PlannedArtifact {
    PlannedArtifact {
        repository: repository.to_owned(),
        tag,
        digest,
        destination: None,
        destination_repository: None,
        decision: Decision::Skipped,
        reason,
        size: None,
    }
}
