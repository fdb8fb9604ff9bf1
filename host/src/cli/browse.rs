//! `portolan endpoint browse`: what is at an endpoint, as its provider lists it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{
    args::EndpointBrowse,
    client::{Client, PORTOLAN},
    endpoint::{find, id_of},
    output::{Failure, Output, note},
    pages,
};

const REPOSITORIES: &[(&str, &str)] = &[("REPOSITORY", "/name")];
const ARTIFACTS: &[(&str, &str)] = &[
    ("DIGEST", "/digest"),
    ("TAGS", "/tags"),
    ("SIZE", "/size"),
    ("TYPE", "/media_type"),
    ("PUSHED", "/pushed"),
];

pub(super) async fn browse(
    client: &Client,
    output: Output,
    args: &EndpointBrowse,
) -> Result<(), Failure> {
    let id = id_of(&find(client, &args.endpoint).await?)?;
    let base = format!("{PORTOLAN}/endpoints/{id}/repositories");
    let (mut rows, more) = match &args.repository {
        None => {
            let asked = [("prefix", args.prefix.as_deref())];
            pages::read(client, &base, &asked, ("repositories", args.limit)).await?
        }
        Some(name) => {
            let path = format!("{base}/{}/artifacts", utf8_percent_encode(name, NON_ALPHANUMERIC));
            pages::read(client, &path, &[], ("artifacts", args.limit)).await?
        }
    };
    if !output.is_json() {
        rows.iter_mut().for_each(join_tags);
    }
    let columns = if args.repository.is_some() { ARTIFACTS } else { REPOSITORIES };
    output.list(&Value::Array(rows), columns)?;
    if more {
        note("there is more: --limit shows more of it");
    }
    Ok(())
}

/// For people: `1.0, latest`.
fn join_tags(row: &mut Value) {
    let Some(tags) = row.get_mut("tags") else { return };
    let texts = tags.as_array().into_iter().flatten().filter_map(Value::as_str);
    *tags = texts.collect::<Vec<_>>().join(", ").into();
}
