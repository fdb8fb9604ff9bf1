//! Monocular's API, as the Helm Hub had it.

use portolan_sdk::{
    Artifact, Chart, Endpoint, Error, Page, PageRequest, Repository, Result,
    http::{self, Request},
};
use serde::Deserialize;

/// Charts of one page.
const ROWS: u32 = 1000;
/// Most pages.
const MAX_PAGES: u32 = 1000;
const CHARTS: &str = "/api/chartsvc/v1/charts";
/// What the artifact will be.
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[derive(Deserialize)]
struct Charts {
    data: Vec<Row>,
    #[serde(default)]
    meta: Meta,
}

/// Older servers give every chart at once and no `meta`.
#[derive(Default, Deserialize)]
struct Meta {
    #[serde(rename = "totalPages")]
    total_pages: Option<u32>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
}

#[derive(Deserialize)]
struct Versions {
    data: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    attributes: Attributes,
    relationships: Option<Relationships>,
}

#[derive(Deserialize)]
struct Attributes {
    version: String,
    urls: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Relationships {
    chart: Related,
}

#[derive(Deserialize)]
struct Related {
    data: About,
}

#[derive(Deserialize)]
struct About {
    repo: Repo,
}

#[derive(Deserialize)]
struct Repo {
    url: String,
}

/// Whether the endpoint's own host lists charts.
pub(crate) fn answers(endpoint: &Endpoint) -> bool {
    let answer = Request::get(CHARTS).query("page", 1).query("size", 1).send();
    let Ok(answer) = answer else { return false };
    answer.status() == 200
        && http::origin(answer.url()) == http::origin(&endpoint.url)
        && answer.json::<Charts>().is_ok()
}

/// One page of charts. The cursor is the page's number.
pub(crate) fn charts(page: &PageRequest) -> Result<Page<Repository>> {
    let number = page.position::<u32>()?.max(1);
    let request = Request::get(CHARTS).query("page", number).query("size", ROWS);
    let charts: Charts = request.send()?.success()?.json()?;
    let pages = charts.meta.total_pages.unwrap_or(1).min(MAX_PAGES);
    let next = number.saturating_add(1);
    let more = number < pages && !charts.data.is_empty();
    let rows = charts.data.into_iter().map(|row| Repository::new(row.id));
    Page::last(rows.collect()).next(more.then_some(&next))
}

fn fetch(repository: &str) -> Result<Vec<Version>> {
    let path = format!("{CHARTS}/{}/versions", http::encode_path(repository));
    let versions: Versions = Request::get(path).send()?.success()?.json()?;
    Ok(versions.data)
}

/// Every version of a chart: the API has no pages of them.
pub(crate) fn versions(repository: &str, page: &PageRequest) -> Result<Page<Artifact>> {
    const MOST: usize = 5_000;
    let start: usize = page.position()?;
    let versions = fetch(repository)?;
    let end = start.saturating_add(MOST);
    let more = end < versions.len();
    let artifact = |version: Version| Artifact {
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: Some(CONFIG.to_owned()),
        ..Artifact::new(vec![version.attributes.version.replace('+', "_")])
    };
    let rows = versions.into_iter().skip(start).take(MOST).map(artifact);
    Page::last(rows.collect()).next(more.then_some(&end))
}

/// Where the archive of a version is. Paths keep their capital letters.
pub(crate) fn chart(repository: &str, version: &str) -> Result<Chart> {
    let tag = version.replace('+', "_");
    let mut versions = fetch(repository)?.into_iter();
    let found = versions.find(|it| it.attributes.version.replace('+', "_") == tag);
    let nowhere = || Error::NotFound(format!("`{repository}` has no version {version} here"));
    let found = found.ok_or_else(nowhere)?;
    let url = found.attributes.urls.unwrap_or_default().into_iter().next();
    let url = url.ok_or_else(nowhere)?;
    let repo = found.relationships.map(|it| it.chart.data.repo.url).unwrap_or_default();
    let base = format!("{}/", repo.trim_end_matches('/'));
    let url = http::resolve(&base, &url);
    let provenance = (!url.starts_with("oci://")).then(|| format!("{url}.prov"));
    Ok(Chart { url, digest: None, provenance, extra: Vec::new() })
}
