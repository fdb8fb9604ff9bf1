//! Plans: what a run of a rule would do, for people to look at before they run it.

use portolan_core::{
    id::PolicyId,
    plan::{PlannedArtifact, PlannedCounts},
    policy::PolicySpec,
};

use super::{
    Host,
    browse::{read_token, write_token},
};
use crate::{
    error::{Code, Error},
    replication::PreviewError,
};

/// One page of a plan.
#[derive(Clone, Debug)]
pub struct PlanPage {
    /// What would be done about each artifact.
    pub artifacts: Vec<PlannedArtifact>,
    /// Counts of this page.
    pub counts: PlannedCounts,
    /// What asks for the next page; `None` after the last.
    pub next: Option<String>,
}

impl Host {
    /// What a run of a stored policy would do.
    ///
    /// # Errors
    /// `NotFound`, or as [`plan`](Self::plan).
    pub async fn plan_policy(
        &self,
        id: PolicyId,
        token: Option<&str>,
        limit: usize,
    ) -> Result<PlanPage, Error> {
        let policy = self.policy(id).await?;
        self.preview((Some(id), &policy.spec), token, limit).await
    }

    /// What a run of a policy, stored or not, would do about the next artifacts, at most `limit`.
    /// Nothing is copied. Dropping the future ends it.
    ///
    /// # Errors
    /// Where the source or a destination cannot be used at all, or a filter or name cannot be
    /// applied: a run would fail as a whole.
    pub async fn plan(
        &self,
        policy: &PolicySpec,
        token: Option<&str>,
        limit: usize,
    ) -> Result<PlanPage, Error> {
        policy.check().map_err(|error| Error::new(Code::Invalid, error.to_string()))?;
        self.preview((None, policy), token, limit).await
    }

    async fn preview(
        &self,
        policy: (Option<PolicyId>, &PolicySpec),
        token: Option<&str>,
        limit: usize,
    ) -> Result<PlanPage, Error> {
        let from = read_token(token)?;
        let preview = self.shared.engine.preview(policy, from, limit).await?;
        let next = preview.next.as_ref().map(write_token).transpose()?;
        let counts = PlannedCounts::of(&preview.artifacts);
        Ok(PlanPage { artifacts: preview.artifacts, counts, next })
    }
}

impl From<PreviewError> for Error {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::Connect(error) => error.into(),
            PreviewError::Slow(_) => Self::new(Code::Unreachable, error.to_string()),
            PreviewError::Busy => Self::new(Code::Unavailable, error.to_string()),
            PreviewError::Listing(why) => Self::new(Code::Unreachable, why),
            PreviewError::Refused(why) => Self::new(Code::Invalid, why),
        }
    }
}
