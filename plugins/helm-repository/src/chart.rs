//! Where the archive of a version is.

use portolan_sdk::{Chart, Endpoint, Error, KeyValue, Result, http};

use crate::{
    index::{self, Version},
    shelf,
};

/// Looks a version up by its tag or its number.
pub(crate) fn resolve(endpoint: &Endpoint, chart: &str, version: &str) -> Result<Chart> {
    let tag = version.replace('+', "_");
    let find = |age| {
        let versions = shelf::versions(endpoint, chart, age)?;
        Ok::<_, Error>(versions.into_iter().find(|version| version.tag() == tag))
    };
    // What is kept may be older than the version that is asked for.
    let found = match find(shelf::KEPT)? {
        Some(found) => Some(found),
        None => find(0)?,
    };
    let found = found.ok_or_else(|| {
        let url = &endpoint.url;
        Error::NotFound(format!("the index of {url} has no version {version} of `{chart}`"))
    })?;
    Ok(located(endpoint, &found))
}

fn located(endpoint: &Endpoint, version: &Version<'_>) -> Chart {
    let base = index::base(endpoint);
    let url = http::resolve(&format!("{base}/"), &version.url);
    let is_digest = |text: &&str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let hex = version.digest.strip_prefix("sha256:").unwrap_or(&version.digest);
    let created = Some(&*version.created).filter(|text| !text.is_empty());
    Chart {
        digest: Some(hex).filter(is_digest).map(|hex| format!("sha256:{}", hex.to_lowercase())),
        provenance: provenance(&url),
        extra: created.map(|text| KeyValue::new("created", text)).into_iter().collect(),
        url,
    }
}

/// Helm looks for the provenance file beside the archive; the index does not say if it is there.
fn provenance(url: &str) -> Option<String> {
    if url.starts_with("oci://") {
        return None;
    }
    Some(match url.split_once('?') {
        Some((path, query)) => format!("{path}.prov?{query}"),
        None => format!("{url}.prov"),
    })
}
