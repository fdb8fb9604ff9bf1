//! The audit log: read, never changed.

use portolan_core::audit::{AuditQuery, Entry};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::api::{
    auth::Access,
    extract::Query,
    respond::{Answer, ApiError, json},
};

/// Entries of one page where the client says nothing.
const USUAL: usize = 100;
/// Most entries of one page.
const MOST: usize = 1_000;

#[derive(Serialize)]
struct Page {
    entries: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// `GET /audit?who=&noun=&id=&since=&page_token=&limit=`: newest first.
pub(crate) async fn list(access: Access, query: Query) -> Answer {
    let (asked, limit) = asked(&query)?;
    let host = access.admin().await?;
    let entries = host.audit(asked, limit).await?;
    let last = entries.last().filter(|_| entries.len() >= limit);
    let next_page_token = last.map(|entry| entry.id.to_string());
    Ok(json(&Page { entries, next_page_token }))
}

fn asked(query: &Query) -> Result<(AuditQuery, usize), ApiError> {
    let text = |name| query.text(name).map(str::to_owned);
    let since = query.text("since").map(|text| OffsetDateTime::parse(text, &Rfc3339));
    let since = since.transpose().map_err(|error| {
        ApiError::unprocessable(format!("since in query must be an RFC 3339 date-time: {error}"))
    })?;
    let before = query.text("page_token").map(str::parse).transpose();
    let before = before
        .map_err(|_| ApiError::unprocessable("page_token in query is none that a page gave"))?;
    let limit = query.limit(USUAL, MOST)?;
    Ok((AuditQuery { who: text("who"), noun: text("noun"), id: text("id"), since, before }, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let (query, limit) =
            asked(&Query::new("who=ada&noun=user&id=3&since=2026-01-01T00:00:00Z&page_token=9"))
                .unwrap();
        assert_eq!((query.who.as_deref(), query.noun.as_deref()), (Some("ada"), Some("user")));
        assert_eq!((query.id.as_deref(), query.before, limit), (Some("3"), Some(9), USUAL));
        assert!(query.since.is_some());
        for bad in ["since=yesterday", "page_token=x", "limit=0", "limit=1001", "limit=x"] {
            assert!(asked(&Query::new(bad)).is_err(), "{bad}");
        }
    }
}
