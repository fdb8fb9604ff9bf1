//! What `plugin check` and `plugin call` have in common: a component's bytes, and an endpoint that
//! is not stored.

use std::path::Path;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec, EndpointUrl},
    secret::Secret,
};
use serde_json::{Map, Value};

use crate::cli::{args::PluginEndpoint, output::Failure, secret, typed};

/// Reads a component.
pub(super) async fn component(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = tokio::fs::read(file).await;
    read.map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))
}

/// Access ID and secret; a secret may stand alone, where the provider knows no ID.
pub(super) fn login(args: &PluginEndpoint) -> Result<(Option<String>, Option<Secret>), Failure> {
    let file = args.access_secret_file.as_deref();
    if args.access_id.is_none() && file.is_none() {
        return Ok((None, None));
    }
    let prompt = format!("Secret of {}", args.access_id.as_deref().unwrap_or("the endpoint"));
    let read = secret::from_file_or_prompt(file, "--access-secret-file", &prompt)?;
    Ok((args.access_id.clone(), Some(read)))
}

/// The endpoint at `url`; its provider is filled in later where it is not known yet.
pub(super) fn endpoint(
    args: &PluginEndpoint,
    provider: &str,
    url: EndpointUrl,
) -> Result<(EndpointSpec, Credentials), Failure> {
    let (access_key, access_secret) = login(args)?;
    let ca = args.ca.as_deref().map(|path| typed::certificates("--ca", path)).transpose()?;
    let spec = EndpointSpec {
        access_key,
        insecure: args.insecure,
        ca_certificate: ca,
        settings: settings(&args.setting)?,
        proxy: args.proxy.clone(),
        ..EndpointSpec::new("typed", provider, url)
    };
    Ok((spec, Credentials { access_secret, ..Credentials::default() }))
}

/// `NAME=VALUE`; a value that is no JSON is text.
pub(super) fn settings(given: &[String]) -> Result<Map<String, Value>, Failure> {
    let one = |text: &String| {
        let wrong = || Failure::usage(format!("--setting {text}: write it as NAME=VALUE"));
        let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = pair.ok_or_else(wrong)?;
        let parsed = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok((name.to_owned(), parsed))
    };
    given.iter().map(one).collect()
}
