//! Plans: what a run of a rule would do, for a stored rule and for one that is being written.

use portolan_core::{
    id::PolicyId,
    plan::{PlannedArtifact, PlannedCounts},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    api::{
        auth::Access,
        extract::{Ids, Json, Parameter, Query},
        harbor::wire::policy::PolicyBody,
        respond::{Answer, ApiError, json},
    },
    host::PlanPage,
};

/// Rows of one page where the client says nothing.
const USUAL: usize = 100;
/// Most rows of one page: each is a question to a registry.
const MOST: usize = 500;
/// The name of a rule that has none yet.
const UNNAMED: &str = "unnamed";

#[derive(Serialize)]
struct Plan {
    artifacts: Vec<PlannedArtifact>,
    counts: PlannedCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl From<PlanPage> for Plan {
    fn from(page: PlanPage) -> Self {
        let PlanPage { artifacts, counts, next } = page;
        Self { artifacts, counts, next_page_token: next }
    }
}

/// `GET` and `POST /policies/{id}/plan?page_token=&limit=`: of a stored rule. Going away ends it.
pub(crate) async fn of_policy(access: Access, Ids([id]): Ids<1>, query: Query) -> Answer {
    let limit = query.limit(USUAL, MOST)?;
    let host = access.viewer().await?;
    let page = host.plan_policy(PolicyId(id), query.text("page_token"), limit).await?;
    Ok(json(&Plan::from(page)))
}

/// A policy as it is being written: as for `POST /replication/policies`, but a name may be missing.
#[derive(Default, serde::Deserialize)]
pub(crate) struct Unsaved(Map<String, Value>);

impl Parameter for Unsaved {
    const NAME: &'static str = "policy";
}

impl Unsaved {
    fn body(mut self) -> Result<PolicyBody, ApiError> {
        let named = self.0.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
        if !named {
            self.0.insert("name".to_owned(), UNNAMED.into());
        }
        serde_json::from_value(Value::Object(self.0)).map_err(|error| {
            ApiError::unprocessable(format!(
                "parsing policy body from \"\" failed, because {error}"
            ))
        })
    }
}

/// `POST /plans?page_token=&limit=`: of a rule that need not be stored. Nothing is.
pub(crate) async fn of_body(access: Access, query: Query, Json(body): Json<Unsaved>) -> Answer {
    let limit = query.limit(USUAL, MOST)?;
    let policy = body.body()?;
    let host = access.viewer().await?;
    let page = host.plan(&policy.check(None)?, query.text("page_token"), limit).await?;
    Ok(json(&Plan::from(page)))
}
