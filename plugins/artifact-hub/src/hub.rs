//! Artifact Hub's API for Helm charts (OpenAPI 1.22.0). Also a part of the adapter `helm-hub`,
//! whose site has become an alias of it.

use portolan_sdk::{
    Artifact, Chart, Endpoint, Error, KeyValue, Page, PageRequest, Repository, RepositoryFilter,
    Result, SecretText,
    http::{self, Request},
};
use serde::Deserialize;

/// Most packages of one page, by the API's rule.
const PACKAGES: usize = 60;
/// Packages of the page before that a page begins with: so many may go while it is asked for, and
/// none after them is left out.
const OVERLAP: usize = 3;
/// Most packages listed: a catalog that never ends is stopped.
const MAX_PACKAGES: usize = 1_000_000;
/// Versions of one page; the API gives all of a package at once.
const VERSIONS: usize = 5_000;
/// What the artifact will be.
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Where a listing of packages stands: packages met, the last of them, and how many came to the
/// front meanwhile. No last one, but some at the front: those are read again.
type At = (usize, String, usize);

/// The API of one endpoint.
pub(crate) struct Hub<'a> {
    base: &'a str,
    endpoint: &'a Endpoint,
}

#[derive(Deserialize)]
struct Found {
    /// May be null, and is always there: what lacks it is another API's answer.
    #[serde(deserialize_with = "Option::deserialize")]
    packages: Option<Vec<Row>>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    normalized_name: Option<String>,
    description: Option<String>,
    repository: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Package {
    version: Option<String>,
    available_versions: Option<Vec<Available>>,
}

#[derive(Deserialize)]
struct Available {
    version: String,
    ts: Option<u64>,
}

#[derive(Deserialize)]
struct Details {
    content_url: Option<String>,
    digest: Option<String>,
    ts: Option<i64>,
    signatures: Option<Vec<String>>,
}

impl<'a> Hub<'a> {
    /// `base` is empty for the endpoint itself.
    pub(crate) fn new(base: &'a str, endpoint: &'a Endpoint) -> Self {
        Self { base, endpoint }
    }

    /// The id of the API key, where there is one. A key goes to the endpoint alone.
    fn key(&self) -> Option<&str> {
        let id = self.endpoint.access_key.as_deref().filter(|id| !id.is_empty());
        id.filter(|_| self.base.is_empty() && self.endpoint.has_access_secret)
    }

    fn get(&self, path: &str) -> Request {
        let request = Request::get(format!("{}/api/v1/{path}", self.base));
        let Some(id) = self.key() else { return request };
        let nothing = String::new;
        let secret = SecretText { prefix: nothing(), part: nothing(), suffix: nothing() };
        request.header("X-API-KEY-ID", id).secret_header("X-API-KEY-SECRET", secret)
    }

    /// Whether the API answers; `true` where it accepted the API key: a profile is shown to its
    /// owner alone.
    pub(crate) fn check(&self) -> Result<bool> {
        let has_key = self.key().is_some();
        let path = if has_key { "users/profile" } else { "stats" };
        let answer = self.get(path).send()?.success()?;
        answer.json::<serde::de::IgnoredAny>().map(|_| has_key)
    }

    /// One page of `REPOSITORY/PACKAGE`, deprecated ones among them.
    ///
    /// In the order of updates: by relevance or stars, packages of one name have no order among
    /// them, and change places between two pages. A package that is updated while the catalog is
    /// read comes to the front, so as much of the front is read again at the end.
    pub(crate) fn packages(
        &self,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        let (met, last, mut moved) = page.position::<At>()?;
        let is_front = last.is_empty() && moved > 0;
        let before = if last.is_empty() { 0 } else { met.min(OVERLAP) };
        let start = met.saturating_sub(before);
        let (mut rows, total) = self.search(filter, start)?;
        let (came, after) = (rows.len(), start.saturating_add(rows.len()));
        let more = came > 0 && total.map_or(came >= PACKAGES, |total| after < total);
        match rows.iter().position(|row| !last.is_empty() && row.is(&last)) {
            Some(place) => {
                moved = moved.saturating_add((place + 1).saturating_sub(before));
                rows.drain(..=place);
            }
            // Updated or gone itself, or more came to the front than a page holds.
            None if !last.is_empty() => moved = moved.saturating_add(came.max(1)),
            None => {}
        }
        let next = match rows.last() {
            None if more => return Err(self.repeats(met)),
            Some(row) if more && !is_front && after < MAX_PACKAGES => {
                Some((after, row.name(), moved))
            }
            _ if is_front => (more && after < moved).then_some((after, String::new(), moved)),
            _ => (moved > 0).then_some((0, String::new(), moved)),
        };
        Page::last(rows.into_iter().map(repository).collect()).next(next.as_ref())
    }

    /// Packages from a place in the order on, and how many there are in all.
    fn search(
        &self,
        filter: &RepositoryFilter,
        offset: usize,
    ) -> Result<(Vec<Row>, Option<usize>)> {
        let mut request = self
            .get("packages/search")
            .query("kind", 0)
            .query("facets", false)
            .query("deprecated", true)
            .query("sort", "last_updated")
            .query("limit", PACKAGES)
            .query("offset", offset);
        if let Some((repository, _)) = filter.prefix.as_deref().and_then(|it| it.split_once('/')) {
            request = request.query("repo", repository);
        }
        let answer = request.send()?.success()?;
        let total = answer.header("Pagination-Total-Count").and_then(|text| text.parse().ok());
        Ok((answer.json::<Found>()?.packages.unwrap_or_default(), total))
    }

    fn repeats(&self, met: usize) -> Error {
        Error::MalformedResponse(format!(
            "{} says that there are more than {met} packages, and gives no others than those",
            self.endpoint.url
        ))
    }

    /// One page of a package's versions. The cursor is the number of versions before it.
    pub(crate) fn versions(&self, repository: &str, page: &PageRequest) -> Result<Page<Artifact>> {
        let start: usize = page.position()?;
        let answer = self.get(&package_path(repository)?).send()?.success()?;
        let package: Package = answer.json()?;
        let only = package.version.map(|version| Available { version, ts: None });
        let mut versions = package.available_versions.unwrap_or_default();
        if versions.is_empty() {
            let none = || Error::MalformedResponse(format!("`{repository}` is told no version of"));
            versions.push(only.ok_or_else(none)?);
        }
        let end = start.saturating_add(VERSIONS);
        let more = end < versions.len();
        let rows = versions.into_iter().skip(start).take(VERSIONS).map(artifact);
        Page::last(rows.collect()).next(more.then_some(&end))
    }

    /// Where the archive of a version is; `version` may be its tag.
    pub(crate) fn chart(&self, repository: &str, version: &str) -> Result<Chart> {
        // A version has no `_`: in a tag it stands for `+`.
        let version = version.replace('_', "+");
        let path = format!("{}/{}", package_path(repository)?, http::encode(&version));
        let details: Details = self.get(&path).send()?.success()?.json()?;
        let url = details.content_url.filter(|url| !url.is_empty()).ok_or_else(|| {
            Error::NotFound(format!(
                "Artifact Hub does not say where the archive of {repository} {version} is"
            ))
        })?;
        let is_archive = !url.starts_with("oci://");
        let is_digest = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let digest = details.digest.unwrap_or_default();
        let hex = digest.strip_prefix("sha256:").unwrap_or(&digest);
        let signed = details.signatures.unwrap_or_default().iter().any(|it| it == "prov");
        let created = details.ts.filter(|ts| *ts > 0);
        Ok(Chart {
            // Of an OCI artifact it is the manifest's.
            digest: (is_archive && is_digest(hex)).then(|| format!("sha256:{hex}")),
            provenance: (is_archive && signed).then(|| format!("{url}.prov")),
            extra: created.map(|ts| KeyValue::new("created", ts.to_string())).into_iter().collect(),
            url,
        })
    }
}

impl Row {
    /// The package within its repository.
    fn package(&self) -> &str {
        self.normalized_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.name)
    }

    /// `REPOSITORY/PACKAGE`.
    fn name(&self) -> String {
        [&*self.repository.name, "/", self.package()].concat()
    }

    /// Whether it is the one of that name; made without making its own.
    fn is(&self, name: &str) -> bool {
        let below = name.strip_prefix(&*self.repository.name);
        below.and_then(|below| below.strip_prefix('/')) == Some(self.package())
    }
}

fn repository(row: Row) -> Repository {
    let name = row.name();
    Repository {
        description: row.description.filter(|text| !text.is_empty()),
        ..Repository::new(name)
    }
}

fn artifact(version: Available) -> Artifact {
    Artifact {
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: Some(CONFIG.to_owned()),
        pushed: version.ts,
        ..Artifact::new(vec![version.version.replace('+', "_")])
    }
}

fn package_path(repository: &str) -> Result<String> {
    match repository.split_once('/') {
        Some((repository, package)) if !repository.is_empty() && !package.contains('/') => {
            Ok(format!("packages/helm/{}/{}", http::encode(repository), http::encode(package)))
        }
        _ => Err(Error::InvalidInput(format!(
            "`{repository}` names no package: on Artifact Hub it is `repository/package`"
        ))),
    }
}
