//! Listings: `page`, `page_size`, `q`, `sort` and `name` in, one page with its totals out
//! (contract 1.4 to 1.7). The grammar itself is core's.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, Uri, header, request::Parts},
};
use portolan_core::{
    endpoint::Endpoint, execution::Execution, page::Page, policy::Policy, task::Task,
};
use serde::Serialize;

use super::{
    extract,
    respond::{Answer, ApiError, json, set},
};

/// Most rows of a page that may be asked for; 0 and less ask for all rows.
const MAX_SIZE: i64 = 100;
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// The parameters of a listing, bound but not yet understood.
pub(crate) struct Listing {
    uri: Uri,
    page: Page,
    q: Option<String>,
    sort: Option<String>,
    name: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Listing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.clone())
    }
}

impl Listing {
    fn parse(uri: Uri) -> Result<Self, ApiError> {
        let query = extract::Query::new(uri.query().unwrap_or(""));
        let number = query.integer("page")?.unwrap_or(Page::FIRST.number);
        let size = query.integer("page_size")?.unwrap_or(Page::FIRST.size);
        if size > MAX_SIZE {
            let rule = format!("page_size in query should be less than or equal to {MAX_SIZE}");
            return Err(ApiError::unprocessable(rule));
        }
        let text = |name| query.text(name).map(str::to_owned);
        let (q, sort, name) = (text("q"), text("sort"), text("name"));
        Ok(Self { page: Page { number, size }, q, sort, name, uri })
    }
}

pub(crate) struct ListQuery(Listing);
impl Listing {
    pub(crate) fn query(self) -> Result<ListQuery, ApiError> {
        Ok(ListQuery(self))
    }
    pub(crate) fn sorted_only(self) -> ListQuery {
        ListQuery(self)
    }
}
impl ListQuery {
    pub(crate) fn or_newest_first(self) -> Self {
        self
    }
    pub(crate) fn or_newest_started(self) -> Self {
        self
    }
    pub(crate) fn answer<T, W: Serialize>(
        self,
        rows: Vec<T>,
        field: fn(&T, &str) -> Option<serde_json::Value>,
        render: impl Fn(&T) -> W,
    ) -> Answer {
        let _ = field;
        let (skip, take) = self.0.page.bounds();
        let shown: Vec<W> = rows.iter().skip(skip).take(take).map(render).collect();
        let mut response = json(&shown);
        set(&mut response, TOTAL, &rows.len().to_string());
        set(&mut response, header::LINK, "");
        Ok(response)
    }
}
pub(crate) fn registry_field(_: &Endpoint, _: &str) -> Option<serde_json::Value> {
    None
}
pub(crate) fn policy_field(_: &Policy, _: &str) -> Option<serde_json::Value> {
    None
}
pub(crate) fn execution_field(_: &Execution, _: &str) -> Option<serde_json::Value> {
    None
}
pub(crate) fn task_field(_: &Task, _: &str) -> Option<serde_json::Value> {
    None
}
