//! Writing to the one repository that was named for it: prepare, push with the host's own client,
//! list, delete.

use portolan_core::{
    endpoint::EndpointSpec,
    oci::{Repository, Tag},
};
use portolan_testregistry::{Registry, layer};

use super::{CHECK, Endpoint, own_tag, tags};
use crate::{
    AdapterCall, Answer, Code, Error, HostBuilder,
    oneshot::{
        check::Kit,
        replicate::{self, Side},
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
            delete(kit, endpoint, repository, &tag, digest).await;
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
        destination: to(endpoint),
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

fn from(source: &Registry) -> Result<Side, Error> {
    let url = source.url().parse();
    let url = url.map_err(|error| Error::new(Code::Internal, format!("{error}")))?;
    let spec = EndpointSpec {
        name: "from the kit".to_owned(),
        description: String::new(),
        provider: SOURCE.to_owned(),
        url,
        access_key: None,
        credential_type: "basic".to_owned(),
        insecure: false,
        ca_certificate: None,
        settings: serde_json::Map::new(),
        allowed_hosts: Vec::new(),
        proxy: None,
        client_certificate: None,
        credential_source: None,
    };
    Ok((spec, Default::default()))
}

fn to(endpoint: &Endpoint<'_>) -> Side {
    let spec = EndpointSpec { name: "to be checked".to_owned(), ..endpoint.spec.clone() };
    (spec, endpoint.credentials.clone())
}

async fn listed(kit: &mut Kit, endpoint: &Endpoint<'_>, repository: &Repository, tag: &Tag) {
    const FUNCTION: &str = "list-artifacts";
    match tags(kit, endpoint, repository, tag).await {
        Some(tags) if tags.iter().any(|found| found == tag.as_str()) => {
            kit.report.pass(CHECK, FUNCTION, format!("{tag} is listed"));
        }
        Some(_) => kit.report.fail(CHECK, FUNCTION, format!("{tag} was pushed, and is not listed")),
        None => kit.report.fail(CHECK, FUNCTION, format!("{repository} cannot be listed")),
    }
}

async fn delete(
    kit: &mut Kit,
    endpoint: &Endpoint<'_>,
    repository: &Repository,
    tag: &Tag,
    digest: String,
) {
    if !kit.info.capabilities.management {
        return kit.report.note(CHECK, "", "without `management` nothing can be deleted");
    }
    let name = || repository.as_str().to_owned();
    let call = AdapterCall::DeleteTag(name(), tag.as_str().to_owned());
    for time in ["is gone", "is gone, and a second time is no error"] {
        if endpoint.expect(kit, &call, |_| format!("{tag} {time}")).await.is_none() {
            break;
        }
        let left = tags(kit, endpoint, repository, tag).await.unwrap_or_default();
        if left.iter().any(|found| found == tag.as_str()) {
            let text = format!("{tag} is still listed: report success only for what was done");
            kit.report.fail(CHECK, call.function(), text);
        }
    }
    let call = AdapterCall::DeleteArtifact(name(), digest);
    for time in ["gone", "gone, and a second time is no error"] {
        if endpoint.expect(kit, &call, |_| format!("the image is {time}")).await.is_none() {
            break;
        }
    }
}
