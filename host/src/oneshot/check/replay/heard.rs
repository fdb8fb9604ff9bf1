//! What the adapter made of recorded answers: a refusal has to come out as an error, and a listing
//! holds what was recorded, no more and not nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kit, Row, judge::Outcome, probes};
use crate::{AdapterCall, Answer, Fault};

/// Most faults of one function that are told.
const MAX_FAULTS: usize = 3;

/// What was heard of each function.
#[derive(Default)]
pub(super) struct Heard {
    faults: BTreeMap<&'static str, BTreeSet<String>>,
    listings: BTreeMap<&'static str, Listing>,
}

/// Whether a listing had recorded rows to give, and gave any.
#[derive(Default)]
struct Listing {
    recorded: bool,
    given: bool,
}

impl Heard {
    /// Notes how a call ended whose requests were answered by `rows`, in this order; whether the
    /// last one was, since what a listing gives is held against that.
    pub(super) fn note(
        &mut self,
        call: &AdapterCall,
        outcome: &Outcome,
        (rows, to_the_end): (Vec<&Row>, bool),
        all: &[Row],
    ) {
        let Some(last) = rows.last().filter(|_| probes::must_ask(call)) else { return };
        let function = call.function();
        if let Some(why) = refusal_fault(call, outcome, &rows) {
            self.fault(function, format!("{why} ({})", last.name()));
        }
        let Ok(answer) = outcome else { return };
        let names = names(answer);
        for name in &names {
            // Some providers tell the hexadecimal digits alone.
            let told = name.strip_prefix("sha256:").unwrap_or(name);
            if !all.iter().any(|row| row.tells(told)) {
                let text = format!("it gave `{name}`, which no recorded exchange tells");
                self.fault(function, text);
            }
        }
        if to_the_end && probes::is_listing(call) {
            let listing = self.listings.entry(function).or_default();
            listing.recorded |= last.has_rows();
            listing.given |= !names.is_empty();
        }
    }

    fn fault(&mut self, function: &'static str, text: String) {
        self.faults.entry(function).or_default().insert(text);
    }

    /// Reports what is wrong.
    pub(super) fn tell(self, kit: &mut Kit, check: &str) {
        for (function, faults) in self.faults {
            for text in faults.into_iter().take(MAX_FAULTS) {
                kit.report.fail(check, function, text);
            }
        }
        for (function, listing) in self.listings {
            if listing.recorded && !listing.given {
                let text = "rows were recorded, and it gave none of them";
                kit.report.fail(check, function, text);
            }
        }
    }
}

/// What is wrong with the end of a call whose last answer was a refusal. Test Connection may have
/// proven what it has to before.
fn refusal_fault(call: &AdapterCall, outcome: &Outcome, rows: &[&Row]) -> Option<String> {
    let status = rows.last()?.status();
    let proven = matches!(call, AdapterCall::CheckHealth) && rows.iter().any(|row| row.is_good());
    match outcome {
        Ok(_) if proven => None,
        Ok(_) if matches!(status, 401 | 403 | 429 | 500..) => {
            Some(format!("it reported success, and was refused with {status}"))
        }
        Err(failure) if status == 429 && !matches!(failure.fault, Fault::RateLimited(_)) => {
            Some(format!("429 came out as {}, and not as `rate-limited`", failure.fault))
        }
        _ => None,
    }
}

/// Every name in an answer of a listing: of a repository the last part, tags, digests.
fn names(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Repositories(page) => {
            let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
            page.items.iter().map(|row| last(&row.name)).collect()
        }
        Answer::Artifacts(page) => {
            let of = |artifact: &portolan_core::provider::ArtifactEntry| {
                let digest = artifact.digest.as_ref().map(|digest| digest.as_str().to_owned());
                artifact.tags.iter().cloned().chain(digest).collect::<Vec<_>>()
            };
            page.items.iter().flat_map(of).collect()
        }
        _ => Vec::new(),
    }
}
