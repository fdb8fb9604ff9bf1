//! Pages without end: a provider that gives the same page of one row for ever. A listing has to
//! read the row, or say that it cannot; and it has to end.

use portolan_core::endpoint::EndpointSpec;

use super::{Error, Kit, probes, stage};
use crate::{AdapterCall, Answer, Fault, Reply, StageCall, oneshot::check::judge};

const NAME: &str = "pages without end";
/// Most pages asked for of a listing that goes on and on.
const MAX_PAGES: usize = 50;

/// One page that is always the first of many, in the shapes of several APIs at once.
fn again(call: &StageCall) -> Reply {
    let link = format!("<{}?last=again&n=1>; rel=\"next\"", call.path);
    let headers =
        [("Content-Type", "application/json"), ("Link", &link), ("X-Total-Count", "1000000")];
    let next = format!("https://{}{}?page=2", call.host, call.path);
    let body = serde_json::json!({
        "repositories": ["kit/app"], "name": "kit/app", "tags": ["v1"], "child": ["app"],
        "manifest": {}, "results": [{"name": "app", "namespace": "kit"}], "items": [],
        "next": next, "nextToken": "again", "count": 1_000_000, "total": 1_000_000,
        "token": "kit-token", "access_token": "kit-token", "expires_in": 300,
    });
    Reply::new(200, &headers, body.to_string())
}

pub(super) async fn check(kit: &mut Kit) -> Result<(), Error> {
    let stage = stage(again).await?;
    let spec = kit.played.on(&stage);
    for call in probes::every(&kit.info, &kit.played.repository) {
        if probes::is_listing(&call) {
            follow(kit, &spec, call).await;
        }
    }
    kit.host.forget_calls();
    Ok(())
}

/// Asks page after page of a listing whose provider always gives the same one.
async fn follow(kit: &mut Kit, spec: &EndpointSpec, mut call: AdapterCall) {
    let function = call.function();
    let (mut cursor, mut pages, mut rows) = (None::<String>, 0, 0);
    while pages < MAX_PAGES {
        let outcome = kit.host.call(spec, &kit.played.credentials, &call).await;
        pages += 1;
        if let Some(why) = judge::fault(&outcome, &kit.played.secrets()) {
            return kit.report.fail(NAME, function, why);
        }
        let answer = match outcome {
            Ok(answer) => answer,
            Err(failure) if failure.fault == Fault::Invalid && kit.played.is_made_up => return,
            Err(failure) if is_clear(&failure.fault) => {
                let text = format!("it failed at page {pages} as {}, clearly", failure.fault);
                return kit.report.pass(NAME, function, text);
            }
            Err(failure) => {
                let text = format!(
                    "a page that was answered with 200 ended as {}: where a page cannot be read, \
                     that is `malformed-response` ({})",
                    failure.fault, failure.message
                );
                return kit.report.fail(NAME, function, text);
            }
        };
        rows += rows_of(&answer);
        let Some(next) = probes::next(&answer).map(str::to_owned) else {
            return ended(kit, function, pages, rows);
        };
        if cursor.as_ref() == Some(&next) {
            let text = "a page's cursor leads to that very page: end, or fail, where the provider \
                        repeats itself";
            return kit.report.fail(NAME, function, text);
        }
        let Some(following) = probes::after(&call, &next) else { return };
        (call, cursor) = (following, Some(next));
    }
    let text = format!(
        "it went on after {MAX_PAGES} pages that are all the same: compare with the number of \
         rows the provider tells, or with the last row, and end"
    );
    kit.report.warn(NAME, function, text);
}

fn ended(kit: &mut Kit, function: &str, pages: usize, rows: usize) {
    if rows > 0 {
        return kit.report.pass(NAME, function, format!("it ended after page {pages}"));
    }
    let text = "it took a page it cannot read for an empty one: where what a provider's page has to \
                have is missing, that is `malformed-response`, and no end of the listing";
    kit.report.fail(NAME, function, text);
}

fn rows_of(answer: &Answer) -> usize {
    match answer {
        Answer::Repositories(page) => page.items.len(),
        Answer::Artifacts(page) => page.items.len(),
        _ => 0,
    }
}

/// Whether an error tells what an answer of 200 may be: unreadable, or none of this provider's.
fn is_clear(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Malformed
            | Fault::Upstream(_)
            | Fault::Unsupported
            | Fault::NotFound
            | Fault::Limit(_)
    )
}
