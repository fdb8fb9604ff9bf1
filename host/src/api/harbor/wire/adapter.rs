//! What adapters can do, in Harbor's words: `RegistryInfo` and `RegistryProviderInfo` (contract
//! 1.9, 4.3).

use std::collections::BTreeMap;

use portolan_core::provider::{
    AccessKeyPattern, AccessSecretPattern, AdapterInfo, CredentialPattern, EndpointPattern,
};
use serde::Serialize;

use super::{array, is_zero};
use crate::host::EndpointInfo;

/// What the rule form needs to know of an endpoint.
#[derive(Debug, Serialize)]
pub(crate) struct RegistryInfo {
    #[serde(rename = "type")]
    provider: String,
    #[serde(skip_serializing_if = "is_zero")]
    description: String,
    supported_resource_filters: Vec<FilterStyle>,
    supported_triggers: Vec<&'static str>,
    #[serde(skip_serializing_if = "is_zero")]
    supported_copy_by_chunk: bool,
}

#[derive(Debug, Serialize)]
struct FilterStyle {
    #[serde(rename = "type")]
    kind: &'static str,
    style: &'static str,
    values: Option<Vec<String>>,
}

impl RegistryInfo {
    /// Made of what the adapter says; what it reads webhooks of, and Local, can be triggered by
    /// events, too.
    pub(crate) fn new(info: EndpointInfo, local: bool) -> Self {
        let EndpointInfo { adapter, labels } = info;
        let filter = |kind, style, values| FilterStyle { kind, style, values };
        let mut filters = vec![filter("name", "input", None), filter("tag", "input", None)];
        if adapter.capabilities.labels {
            filters.push(filter("label", "list", array(labels)));
        }
        let chunks = ("supported_copy_by_chunk".to_owned(), "true".to_owned());
        let supported_copy_by_chunk = adapter.extra.contains(&chunks);
        // A filter takes no other kind; a source of charts alone needs none.
        let mut kinds = adapter.resources;
        kinds.retain(|kind| matches!(kind.as_str(), "image" | "artifact"));
        if !kinds.is_empty() {
            filters.push(filter("resource", "radio", array(kinds)));
        }
        let mut supported_triggers = vec!["manual", "scheduled"];
        if local || adapter.capabilities.notifications {
            supported_triggers.push("event_based");
        }
        Self {
            provider: adapter.provider,
            description: adapter.description,
            supported_resource_filters: filters,
            supported_triggers,
            supported_copy_by_chunk,
        }
    }
}

/// What the New Endpoint form offers for one provider.
#[derive(Debug, Serialize)]
pub(crate) struct ProviderInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_pattern: Option<EndpointWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_pattern: Option<CredentialWire>,
}

#[derive(Debug, Serialize)]
struct EndpointWire {
    endpoint_type: &'static str,
    endpoints: Option<Vec<Choice>>,
}

#[derive(Debug, Serialize)]
struct Choice {
    key: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct CredentialWire {
    #[serde(skip_serializing_if = "is_zero")]
    access_key_type: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    access_key_data: String,
    #[serde(skip_serializing_if = "is_zero")]
    access_secret_type: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    access_secret_data: String,
}

/// Providers by id in byte order: the answer of `/replication/adapters`.
pub(crate) fn names(adapters: Vec<AdapterInfo>) -> Vec<String> {
    let mut names: Vec<String> = adapters.into_iter().map(|info| info.provider).collect();
    names.sort_unstable();
    names
}

/// Patterns by provider. As in Harbor, a provider that takes any address with a user name and a
/// password is absent, and beside addresses to choose from only credentials are shown that differ
/// from these two. One that calls itself free text in so many words (`quay` does) is shown whole.
pub(crate) fn patterns(adapters: Vec<AdapterInfo>) -> BTreeMap<String, ProviderInfo> {
    let patterned = adapters.into_iter().filter(is_patterned).map(|info| {
        let whole = info.endpoints == Some(EndpointPattern::Standard);
        let credentials = info.credentials.filter(|it| whole || is_peculiar(it));
        let endpoint_pattern = info.endpoints.map(endpoint_pattern);
        let credential_pattern = credentials.map(credential_pattern);
        (info.provider, ProviderInfo { endpoint_pattern, credential_pattern })
    });
    patterned.collect()
}

fn is_patterned(info: &AdapterInfo) -> bool {
    let usual = CredentialPattern {
        access_key: AccessKeyPattern::Standard,
        access_secret: AccessSecretPattern::Password,
    };
    info.endpoints.is_some() || info.credentials.as_ref().is_some_and(|it| *it != usual)
}

/// Whether Harbor's form has a pattern for it.
fn is_peculiar(credentials: &CredentialPattern) -> bool {
    matches!(credentials.access_key, AccessKeyPattern::Fixed(_))
        || matches!(credentials.access_secret, AccessSecretPattern::File(_))
}

fn endpoint_pattern(pattern: EndpointPattern) -> EndpointWire {
    let (endpoint_type, choices) = match pattern {
        EndpointPattern::Standard => ("EndpointPatternTypeStandard", Vec::new()),
        EndpointPattern::Fixed(key, value) => ("EndpointPatternTypeFix", vec![(key, value)]),
        EndpointPattern::Choice(choices) => ("EndpointPatternTypeList", choices),
    };
    let choices = choices.into_iter().map(|(key, value)| Choice { key, value });
    EndpointWire { endpoint_type, endpoints: array(choices.collect()) }
}

fn credential_pattern(pattern: CredentialPattern) -> CredentialWire {
    let (access_key_type, access_key_data) = match pattern.access_key {
        AccessKeyPattern::None => ("", String::new()),
        AccessKeyPattern::Standard => ("AccessKeyTypeStandard", String::new()),
        AccessKeyPattern::Fixed(value) => ("AccessKeyTypeFix", value),
    };
    let (access_secret_type, access_secret_data) = match pattern.access_secret {
        AccessSecretPattern::None => ("", String::new()),
        AccessSecretPattern::Password => ("AccessSecretTypePass", String::new()),
        AccessSecretPattern::File(shown) => ("AccessSecretTypeFile", shown),
    };
    CredentialWire { access_key_type, access_key_data, access_secret_type, access_secret_data }
}

#[cfg(test)]
mod tests;
