//! Writing to the one repository that was named for it: prepare, push with the host's own client,
//! list, delete.

use portolan_core::{
    endpoint::EndpointSpec,
    oci::{Repository, Tag},
    provider::ArtifactEntry,
};
use portolan_testregistry::{Registry, layer};

use super::{CHECK, Endpoint, held, own_tag};
use crate::{
    AdapterCall, Answer, Code, Error, Fault, HostBuilder,
    oneshot::{
        check::Kit,
        replicate::{self, End},
    },
};

/// The adapter of the registry in memory that is pushed from.
const SOURCE: &str = "docker-registry";
const PUSH: &str = "push";

pub(super) async fn check(kit: &mut Kit, endpoint: &Endpoint<'_>, repository: &Repository) {
    if !kit.info.can_push {
        return kit.report.note(CHECK, "", "the provider is a source only: nothing is written");
    }
    let Some(tag) = own_tag() else { return };
    prepare(kit, endpoint, repository).await;
    match push(kit, endpoint, repository, &tag).await {
        Ok(digest) => {
            kit.report.pass(CHECK, PUSH, format!("{repository}:{tag}, {digest}"));
            listed(kit, endpoint, repository, &tag).await;
            if !kit.info.capabilities.management {
                return kit.report.note(CHECK, "", "without `management` nothing can be deleted");
            }
            delete_tag(kit, endpoint, repository, &tag).await;
            // With its tag the image may be gone: there has to be one to be deleted by digest.
            match push(kit, endpoint, repository, &tag).await {
                Ok(digest) => delete_artifact(kit, endpoint, repository, &tag, digest).await,
                Err(error) => kit.report.fail(CHECK, PUSH, format!("once more: {error}")),
            }
        }
        Err(error) => kit.report.fail(CHECK, PUSH, error.to_string()),
    }
}

/// Twice: what is there already is ready, too.
async fn prepare(kit: &mut Kit, endpoint: &Endpoint<'_>, repository: &Repository) {
    let call = AdapterCall::PrepareTargets(vec![repository.as_str().to_owned()]);
    for time in ["made ready", "is ready, and a second time changes nothing"] {
        match endpoint.ask(kit, &call).await {
            Ok(Answer::Prepared(results)) => match results.into_iter().find_map(Result::err) {
                None => kit.report.pass(CHECK, call.function(), format!("{repository} {time}")),
                Some(failure) => kit.report.fail(CHECK, call.function(), failure.message),
            },
            Ok(_) => {}
            Err(failure) => kit.report.fail(CHECK, call.function(), failure.message),
        }
    }
}

/// Replicates a tiny image to the endpoint; gives its digest.
async fn push(
    kit: &Kit,
    endpoint: &Endpoint<'_>,
    repository: &Repository,
    tag: &Tag,
) -> Result<String, Error> {
    let internal = |text: String| Error::new(Code::Internal, text);
    let source = Registry::builder().start().await;
    let source = source.map_err(|error| internal(format!("no registry to push from: {error}")))?;
    let digest = source.put_image(repository.as_str(), tag.as_str(), &[layer(7, 64)]);
    let bundled = bundled_plugins::ALL.iter().find(|it| it.provider == SOURCE);
    let bundled = bundled.ok_or_else(|| internal(format!("`{SOURCE}` is not bundled")))?;
    // The component last: it may be an adapter of the same provider.
    let builder = HostBuilder::in_memory().adapter(bundled.bytes).adapter(kit.component.clone());
    let host = builder.build().await?;
    let options = replicate::Options {
        source: from(&source)?,
        destinations: vec![to(endpoint)],
        filters: Vec::new(),
        list: Some(vec![(repository.clone(), vec![tag.clone()])]),
        namespace: None,
        flatten: 0,
    };
    let report = replicate::replicate(&host, options, |_| {}).await?;
    match report.failures.first() {
        None if report.complete => Ok(digest.as_str().to_owned()),
        failure => {
            let why = failure.map_or("not everything arrived", String::as_str);
            Err(Error::new(Code::Unreachable, why))
        }
    }
}

fn from(source: &Registry) -> Result<End, Error> {
    let url = source.url().parse();
    let url = url.map_err(|error| Error::new(Code::Internal, format!("{error}")))?;
    let spec = EndpointSpec::new("from the kit", SOURCE, url);
    Ok((spec, Default::default()))
}

fn to(endpoint: &Endpoint<'_>) -> End {
    let spec = EndpointSpec { name: "to be checked".to_owned(), ..endpoint.spec.clone() };
    (spec, endpoint.credentials.clone())
}

async fn listed(kit: &mut Kit, endpoint: &Endpoint<'_>, repository: &Repository, tag: &Tag) {
    const FUNCTION: &str = "list-artifacts";
    match there(kit, endpoint, repository, (tag, None)).await {
        Some(true) => kit.report.pass(CHECK, FUNCTION, format!("{tag} is listed")),
        Some(false) => {
            kit.report.fail(CHECK, FUNCTION, format!("{tag} was pushed, and is not listed"));
        }
        None => kit.report.fail(CHECK, FUNCTION, format!("{repository} cannot be listed")),
    }
}

/// Whether a tag, or a digest, is listed; `None` where the listing does not tell.
async fn there(
    kit: &mut Kit,
    endpoint: &Endpoint<'_>,
    repository: &Repository,
    (tag, digest): (&Tag, Option<&str>),
) -> Option<bool> {
    let is_it = |artifact: &ArtifactEntry| {
        artifact.tags.iter().any(|found| found == tag.as_str())
            || digest.is_some_and(|it| artifact.digest.as_ref().is_some_and(|d| d.as_str() == it))
    };
    held(kit, endpoint, repository, is_it).await.map(|all| all.iter().any(is_it))
}

async fn delete_tag(kit: &mut Kit, endpoint: &Endpoint<'_>, repository: &Repository, tag: &Tag) {
    let call = AdapterCall::DeleteTag(repository.as_str().to_owned(), tag.as_str().to_owned());
    for time in ["is gone", "is gone, and a second time is no error"] {
        let left = (tag, None);
        if !delete(kit, endpoint, (&call, repository), left, &format!("{tag} {time}")).await {
            break;
        }
    }
}

async fn delete_artifact(
    kit: &mut Kit,
    endpoint: &Endpoint<'_>,
    repository: &Repository,
    tag: &Tag,
    digest: String,
) {
    let call = AdapterCall::DeleteArtifact(repository.as_str().to_owned(), digest.clone());
    for time in ["gone", "gone, and a second time is no error"] {
        let left = (tag, Some(digest.as_str()));
        let said = format!("the image is {time}");
        if !delete(kit, endpoint, (&call, repository), left, &said).await {
            break;
        }
    }
}

/// Deletes, and looks whether what was to go is `left`; `false` where it was not done.
async fn delete(
    kit: &mut Kit,
    endpoint: &Endpoint<'_>,
    (call, repository): (&AdapterCall, &Repository),
    left: (&Tag, Option<&str>),
    said: &str,
) -> bool {
    let outcome = endpoint.ask(kit, call).await;
    let done = match outcome {
        Ok(_) => match there(kit, endpoint, repository, left).await {
            Some(false) => Ok(()),
            Some(true) => Err("what was to be deleted is still listed: report success only for \
                               what was done"
                .to_owned()),
            None => {
                Err(format!("it reported success, and {repository} cannot be listed to see it"))
            }
        },
        Err(failure) if failure.fault == Fault::Unsupported => {
            kit.report.note(CHECK, call.function(), failure.message);
            return false;
        }
        Err(failure) => Err(format!("{}: {}", failure.fault, failure.message)),
    };
    match done {
        Ok(()) => kit.report.pass(CHECK, call.function(), said),
        Err(text) => {
            kit.report.fail(CHECK, call.function(), text);
            return false;
        }
    }
    true
}
