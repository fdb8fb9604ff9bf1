//! Answers of adapters as JSON for people and programs. Values of a grant's headers are secret and
//! are not in it.

use portolan_core::provider::{
    ArtifactEntry, ChartLocation, Grant, HealthReport, Listing, RepositoryEntry, Target,
    UploadStyle,
};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Answer, CallFailure};

impl Answer {
    /// The answer as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Health(report) => health(report),
            Self::Repositories(page) => listing(page, repository),
            Self::Artifacts(page) => listing(page, artifact),
            Self::Target(it) => target(it),
            Self::Grant(it) => grant(it),
            Self::Prepared(results) => results.iter().map(prepared).collect(),
            Self::Done => json!({"done": true}),
            Self::Chart(it) => chart(it),
            Self::Labels(page) => listing(page, |label| json!(label)),
            Self::Ways(ways) => json!(ways),
            Self::Events(events) => json!(events),
        }
    }
}

fn health(report: &HealthReport) -> Value {
    let details: Map<_, _> =
        report.details.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    json!({
        "product": report.product,
        "authenticated": report.authenticated,
        "details": details,
    })
}

fn listing<T>(page: &Listing<T>, row: impl Fn(&T) -> Value) -> Value {
    let items: Vec<_> = page.items.iter().map(row).collect();
    json!({"items": items, "next": page.next, "total": page.total})
}

fn repository(it: &RepositoryEntry) -> Value {
    json!({"name": it.name, "private": it.private})
}

fn artifact(it: &ArtifactEntry) -> Value {
    json!({
        "digest": it.digest.as_ref().map(|digest| digest.as_str()),
        "tags": it.tags,
        "media_type": it.media_type.as_ref().map(|media_type| media_type.as_str()),
        "artifact_type": it.artifact_type,
        "size": it.size,
        "pushed": it.pushed.and_then(instant),
        "labels": it.labels,
        "subject": it.subject.as_ref().map(|digest| digest.as_str()),
    })
}

fn target(it: &Target) -> Value {
    let upload = match it.upload {
        UploadStyle::SinglePut => "single-put",
        UploadStyle::SinglePatch => "single-patch",
        UploadStyle::Chunked => "chunked",
    };
    json!({
        "base_url": it.base_url.as_str(),
        "repository": it.repository.as_str(),
        "upload": upload,
        "max_chunk_bytes": it.max_chunk,
        "mount": it.mount,
    })
}

fn chart(it: &ChartLocation) -> Value {
    json!({
        "url": it.url.as_str(),
        "digest": it.digest.as_ref().map(|digest| digest.as_str()),
        "provenance": it.provenance.as_ref().map(|url| url.as_str()),
        "created": it.created.and_then(|at| at.format(&Rfc3339).ok()),
    })
}

fn grant(it: &Grant) -> Value {
    let names: Vec<_> = it.headers.iter().map(|(name, _)| name.as_str()).collect();
    json!({
        "headers": names,
        "carries": it.carries.to_string(),
        "expires": it.expires.and_then(instant),
    })
}

fn prepared(result: &Result<(), CallFailure>) -> Value {
    match result {
        Ok(()) => json!({"done": true}),
        Err(failure) => {
            json!({"error": {"kind": failure.fault.to_string(), "message": failure.message}})
        }
    }
}

/// An instant that cannot be written, in the year 10,000 say, is left out.
fn instant(at: OffsetDateTime) -> Option<String> {
    at.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use portolan_core::{provider::HostUse, secret::Secret};

    use super::*;

    #[test]
    fn a_grant_is_shown_without_its_values() {
        let token = ("authorization".to_owned(), Secret::new("Bearer hidden".to_owned()));
        let grant = Grant {
            headers: [token].into(),
            carries: HostUse::Signed,
            expires: Some(OffsetDateTime::UNIX_EPOCH),
        };
        let shown = Answer::Grant(grant).to_json();
        assert_eq!(
            shown,
            json!({"headers": ["authorization"], "carries": "signed", "expires": "1970-01-01T00:00:00Z"})
        );
    }
}
