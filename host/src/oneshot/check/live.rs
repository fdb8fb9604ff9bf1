//! A live endpoint: does the adapter do there what it says it can? Nothing is written but to the
//! repository that was named for it.

use std::collections::BTreeSet;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    oci::{Repository, Tag},
    provider::{Action, ArtifactEntry, ArtifactQuery, RepositoryQuery},
    secret::Secret,
};

use super::{Kit, Live, judge, probes};
use crate::{AdapterCall, Answer, CallFailure, Fault};

mod write;

/// Pages of a listing that are asked for.
const PAGES: usize = 3;
/// Most pages of the one repository that is written to.
const PAGES_OF_ONE: usize = 50;
const CHECK: &str = "live";

/// One live endpoint.
struct Endpoint<'a> {
    spec: &'a EndpointSpec,
    credentials: &'a Credentials,
    secrets: Vec<String>,
}

impl Endpoint<'_> {
    async fn ask(&self, kit: &mut Kit, call: &AdapterCall) -> Result<Answer, CallFailure> {
        let outcome = kit.host.call(self.spec, self.credentials, call).await;
        if let Some(why) = judge::fault(&outcome, &self.secrets) {
            kit.report.fail(CHECK, call.function(), why);
        }
        outcome
    }

    /// Asks and reports: a success in the words of `say`.
    async fn expect(
        &self,
        kit: &mut Kit,
        call: &AdapterCall,
        say: impl Fn(&Answer) -> String,
    ) -> Option<Answer> {
        match self.ask(kit, call).await {
            Ok(answer) => {
                kit.report.pass(CHECK, call.function(), say(&answer));
                Some(answer)
            }
            Err(failure) if failure.fault == Fault::Unsupported => {
                match call {
                    AdapterCall::CheckHealth => {
                        let text = format!("{} ({})", judge::HEALTH_IS_SUPPORTED, failure.message);
                        kit.report.fail(CHECK, call.function(), text);
                    }
                    _ => kit.report.note(CHECK, call.function(), failure.message),
                }
                None
            }
            Err(failure) => {
                let text = format!("{}: {}", failure.fault, failure.message);
                kit.report.fail(CHECK, call.function(), text);
                None
            }
        }
    }
}

pub(super) async fn check(kit: &mut Kit, live: Live) {
    let Live { mut spec, credentials, write } = live;
    spec.provider.clone_from(&kit.info.provider);
    let secret = credentials.access_secret.as_ref();
    let secrets = secret.map(|secret| secret.expose().to_owned()).into_iter().collect();
    let endpoint = Endpoint { spec: &spec, credentials: &credentials, secrets };
    let healthy = endpoint.expect(kit, &AdapterCall::CheckHealth, |answer| match answer {
        Answer::Health(report) => {
            let product = report.product.as_deref().unwrap_or("product not told");
            format!("{product}, authenticated: {}", report.authenticated)
        }
        _ => String::new(),
    });
    if healthy.await.is_none() {
        return;
    }
    wrong_secret(kit, &spec, &credentials).await;
    let listed = repositories(kit, &endpoint).await;
    let name = write.as_ref().map(|name| name.as_str().to_owned()).or(listed);
    if let Some(name) = name {
        if write.is_none() {
            artifacts(kit, &endpoint, &name).await;
        }
        data_plane(kit, &endpoint, &name).await;
    }
    if let Some(repository) = write {
        write::check(kit, &endpoint, &repository).await;
    }
    kit.host.forget_calls();
}

async fn wrong_secret(kit: &mut Kit, spec: &EndpointSpec, credentials: &Credentials) {
    let Some(secret) = &credentials.access_secret else {
        return kit.report.note(CHECK, "check-health", "without credentials there is no wrong one");
    };
    let wrong = Secret::new(format!("{}-wrong", secret.expose()));
    let credentials = Credentials { access_secret: Some(wrong), ..credentials.clone() };
    let outcome = kit.host.call(spec, &credentials, &AdapterCall::CheckHealth).await;
    match outcome {
        Err(failure) if matches!(failure.fault, Fault::Unauthenticated | Fault::Forbidden) => {
            kit.report.pass(CHECK, "check-health", "a wrong secret is told apart");
        }
        // A key file with more behind it is no key file.
        Err(failure) if failure.fault == Fault::Invalid => {
            kit.report.pass(CHECK, "check-health", "a wrong secret is refused");
        }
        Ok(Answer::Health(report)) if !report.authenticated => {
            let text = "the server asks for no credentials: a wrong secret cannot be told apart";
            kit.report.note(CHECK, "check-health", text);
        }
        Ok(_) => {
            let text = "a wrong secret passes: ask for something that needs the credentials";
            kit.report.fail(CHECK, "check-health", text);
        }
        Err(failure) => {
            let text = format!(
                "a wrong secret ends as {}, and not as `unauthenticated` ({})",
                failure.fault, failure.message
            );
            kit.report.fail(CHECK, "check-health", text);
        }
    }
}

/// A few pages; gives the first name.
async fn repositories(kit: &mut Kit, endpoint: &Endpoint<'_>) -> Option<String> {
    let mut call = AdapterCall::ListRepositories(RepositoryQuery::default(), None);
    let (mut names, mut first, mut again, mut pages) = (BTreeSet::new(), None, 0, 0);
    while pages < PAGES {
        let Ok(Answer::Repositories(page)) = endpoint.ask(kit, &call).await else {
            // Told with the reason.
            endpoint.expect(kit, &call, |_| "at the second try".to_owned()).await;
            return first;
        };
        pages += 1;
        for row in page.items {
            first.get_or_insert_with(|| row.name.clone());
            again += usize::from(!names.insert(row.name));
        }
        match page.next.and_then(|cursor| probes::after(&call, &cursor)) {
            Some(following) => call = following,
            None => break,
        }
    }
    let text = format!("{} repositories on {pages} page(s)", names.len());
    kit.report.pass(CHECK, call.function(), text);
    if again > 0 {
        let text = format!("{again} row(s) came twice: does the cursor lead on?");
        kit.report.warn(CHECK, call.function(), text);
    }
    first
}

async fn artifacts(kit: &mut Kit, endpoint: &Endpoint<'_>, name: &str) {
    let call = AdapterCall::ListArtifacts(name.to_owned(), ArtifactQuery::default(), None);
    let say = |answer: &Answer| match answer {
        Answer::Artifacts(page) => format!("{} of {name} on the first page", page.items.len()),
        _ => String::new(),
    };
    endpoint.expect(kit, &call, say).await;
}

async fn data_plane(kit: &mut Kit, endpoint: &Endpoint<'_>, name: &str) {
    let located = |answer: &Answer| match answer {
        Answer::Target(target) => format!("{name} is {} at {}", target.repository, target.base_url),
        _ => String::new(),
    };
    endpoint.expect(kit, &AdapterCall::Locate(name.to_owned()), located).await;
    if let Some(call) = probes::authorize(name, &[Action::Pull]) {
        let granted = |answer: &Answer| match answer {
            Answer::Grant(grant) => format!("it carries {}", grant.carries),
            _ => String::new(),
        };
        endpoint.expect(kit, &call, granted).await;
    }
}

/// A tag that nobody else has.
fn own_tag() -> Option<Tag> {
    "portolan-kit".parse().ok()
}

/// What a repository holds, as far as `enough` is not reached before: tags and digests of its pages.
/// `None` where it cannot be listed to its end.
async fn held(
    kit: &mut Kit,
    endpoint: &Endpoint<'_>,
    name: &Repository,
    enough: impl Fn(&ArtifactEntry) -> bool,
) -> Option<Vec<ArtifactEntry>> {
    let name = name.as_str().to_owned();
    let mut call = AdapterCall::ListArtifacts(name, ArtifactQuery::default(), None);
    let mut all = Vec::new();
    for _ in 0..PAGES_OF_ONE {
        let page = match endpoint.ask(kit, &call).await {
            Ok(Answer::Artifacts(page)) => page,
            // With its last tag a repository may go.
            Err(failure) if failure.fault == Fault::NotFound => return Some(all),
            Ok(_) | Err(_) => return None,
        };
        all.extend(page.items);
        if all.iter().any(&enough) {
            return Some(all);
        }
        match page.next.and_then(|cursor| probes::after(&call, &cursor)) {
            Some(following) => call = following,
            None => return Some(all),
        }
    }
    None
}
