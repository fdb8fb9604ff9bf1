//! An index written as JSON.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Catalog, Version};

#[derive(Deserialize)]
struct Index {
    entries: Option<BTreeMap<String, Option<Vec<Entry>>>>,
}

#[derive(Deserialize)]
struct Entry {
    version: Option<String>,
    urls: Option<Vec<String>>,
    digest: Option<String>,
    created: Option<String>,
}

/// Reads an index.
pub(super) fn read(text: &str) -> Result<Catalog<'_>, String> {
    let index: Index = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut catalog = Catalog::default();
    let entries = index.entries.ok_or("it has no `entries`")?;
    for (chart, versions) in entries {
        for entry in versions.unwrap_or_default() {
            if !catalog.add_unescaped(chart.clone().into(), version(entry)) {
                return Err("it has too many versions".to_owned());
            }
        }
    }
    Ok(catalog)
}

fn version(entry: Entry) -> Version<'static> {
    Version {
        version: entry.version.unwrap_or_default().into(),
        url: entry.urls.unwrap_or_default().into_iter().next().unwrap_or_default().into(),
        digest: entry.digest.unwrap_or_default().into(),
        created: entry.created.unwrap_or_default().into(),
    }
}
