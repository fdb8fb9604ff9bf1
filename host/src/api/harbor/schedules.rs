//! `/api/v2.0/schedules`: which rules run by the clock (contract 1.11, 3.3). They are read from the
//! rules; nothing is scheduled here.

use axum::extract::Path;
use portolan_core::{page::Field, policy::Policy, trigger::Trigger};
use serde::Serialize;

use super::{columns, wire::Time};
use crate::api::{
    auth::Access,
    paging::Listing,
    respond::{Answer, ApiError, json},
};

#[derive(Serialize)]
struct ScheduleTask {
    id: u64,
    vendor_type: &'static str,
    vendor_id: u64,
    cron: String,
    update_time: Time,
}

/// `GET /schedules`: one row for each enabled rule with a schedule, by ascending id, which is the
/// rule's.
pub(crate) async fn list(access: Access, listing: Listing) -> Answer {
    let mut policies = access.viewer().await?.policies().await?;
    policies.retain(|policy| policy.spec.enabled && !cron(policy).is_empty());
    listing.answer(policies, "id", key, |policy| ScheduleTask {
        id: policy.id.0,
        vendor_type: columns::VENDOR,
        vendor_id: policy.id.0,
        cron: cron(policy).to_owned(),
        update_time: policy.updated.into(),
    })
}

fn cron(policy: &Policy) -> &str {
    match &policy.spec.trigger {
        Trigger::Scheduled(schedule) => schedule.as_str(),
        Trigger::Manual | Trigger::EventBased => "",
    }
}

/// Harbor orders them by no other key.
fn key<'r>(policy: &'r Policy, key: &str) -> Option<Field<'r>> {
    (key == "id").then(|| columns::int(policy.id.0))
}

#[derive(Serialize)]
struct SchedulerStatus {
    paused: bool,
}

/// `GET /schedules/{job_type}/paused`: never; the only job type is `all`.
pub(crate) async fn paused(access: Access, Path(job_type): Path<String>) -> Answer {
    access.viewer().await?;
    if !job_type.eq_ignore_ascii_case("all") {
        return Err(ApiError::invalid("job_type can only be 'all'"));
    }
    Ok(json(&SchedulerStatus { paused: false }))
}
