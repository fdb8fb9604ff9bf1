//! Repositories and images, page by page.

use portolan_sdk::{Artifact, Endpoint, Error, Page, PageRequest, Repository, Result, log};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{api::Service, place::Private, wire};

/// Largest page of this API.
const MAX_PAGE: u32 = 1000;

/// Pages after which a listing is taken for endless: a thousand times the usual quota.
const MAX_PAGES: u32 = 10_000;

/// Empty pages in a row that one call passes over.
const MAX_EMPTY: u32 = 10;

/// Where a listing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Position {
    token: Option<String>,
    /// Pages so far.
    pages: u32,
    /// The keys may not describe images, and these are their tags alone.
    tags_only: bool,
}

/// A page as the API gives it.
trait Rows: DeserializeOwned {
    type Row;

    fn split(self) -> (Vec<Self::Row>, Option<String>);
}

macro_rules! rows {
    ($page:ty, $row:ty, $field:ident) => {
        impl Rows for $page {
            type Row = $row;

            fn split(self) -> (Vec<$row>, Option<String>) {
                (self.$field.unwrap_or_default(), self.next_token)
            }
        }
    };
}

rows!(wire::Repositories, wire::Repository, repositories);
rows!(wire::ImageDetails, wire::ImageDetail, image_details);
rows!(wire::ImageList, wire::ImageId, image_ids);

/// One page of an account's repositories.
pub(crate) fn repositories(
    service: &Service<'_>,
    endpoint: &Endpoint,
    account: Option<&str>,
    page: &PageRequest,
    repository: impl Fn(wire::Repository) -> Repository,
) -> Result<Page<Repository>> {
    let at: Position = page.position()?;
    let ask = |token: Option<&str>| {
        let arguments = wire::DescribeRepositories {
            registry_id: account,
            max_results: Some(page.size(MAX_PAGE)),
            next_token: token,
            ..wire::DescribeRepositories::default()
        };
        service.call(endpoint, "DescribeRepositories", &arguments)
    };
    let (rows, next) = next_page::<wire::Repositories>(at, ask)?;
    let row = |row: wire::Repository| {
        let created = row.created_at.map(|at| at as u64);
        Repository { created, ..repository(row) }
    };
    Page::last(rows.into_iter().map(row).collect()).next(next.as_ref())
}

/// One page of a repository's tagged images.
pub(crate) fn images(
    endpoint: &Endpoint,
    place: &Private,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let at: Position = page.position()?;
    let of = Images { endpoint, place, repository, size: page.size(MAX_PAGE) };
    if at.tags_only {
        return of.tags(at);
    }
    match of.details(at.clone()) {
        Err(Error::Forbidden(why)) if at == Position::default() => {
            log::info("ecr:DescribeImages is not allowed; listing tags alone", &[("why", &why)]);
            of.tags(Position { tags_only: true, ..at })
        }
        outcome => outcome,
    }
}

/// The images of one repository.
struct Images<'a> {
    endpoint: &'a Endpoint,
    place: &'a Private,
    repository: &'a str,
    size: u32,
}

impl Images<'_> {
    fn details(&self, at: Position) -> Result<Page<Artifact>> {
        let tagged = || Some(wire::ImageFilter { tag_status: "TAGGED" });
        let ask = |token: Option<&str>| self.call("DescribeImages", token, tagged());
        let (rows, next) = next_page::<wire::ImageDetails>(at, ask)?;
        Page::last(rows.into_iter().map(artifact).collect()).next(next.as_ref())
    }

    fn tags(&self, at: Position) -> Result<Page<Artifact>> {
        let ask = |token: Option<&str>| self.call("ListImages", token, None);
        let (rows, next) = next_page::<wire::ImageList>(at, ask)?;
        let tagged = |row: wire::ImageId| {
            let tags = vec![row.image_tag?];
            Some(Artifact { digest: row.image_digest, ..Artifact::new(tags) })
        };
        Page::last(rows.into_iter().filter_map(tagged).collect()).next(next.as_ref())
    }

    fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        token: Option<&str>,
        filter: Option<wire::ImageFilter>,
    ) -> Result<T> {
        let arguments = wire::Images {
            registry_id: self.place.account.as_deref(),
            repository_name: self.repository,
            max_results: self.size,
            next_token: token,
            filter,
        };
        Service::private(self.place).call(self.endpoint, operation, &arguments)
    }
}

fn artifact(row: wire::ImageDetail) -> Artifact {
    Artifact {
        digest: row.image_digest,
        media_type: row.image_manifest_media_type,
        artifact_type: row.artifact_media_type,
        size: row.image_size_in_bytes,
        pushed: row.image_pushed_at.map(|at| at as u64),
        subject: row.subject_manifest_digest,
        ..Artifact::new(row.image_tags.unwrap_or_default())
    }
}

/// The rows at a position and the position after them. Empty pages are passed over; a listing
/// that does not get on ends with an error rather than never.
fn next_page<T: Rows>(
    mut at: Position,
    ask: impl Fn(Option<&str>) -> Result<T>,
) -> Result<(Vec<T::Row>, Option<Position>)> {
    for _ in 0..MAX_EMPTY {
        let (rows, next) = ask(at.token.as_deref())?.split();
        let next = next.filter(|token| !token.is_empty());
        let Some(token) = next else { return Ok((rows, None)) };
        if at.token.as_ref() == Some(&token) || at.pages >= MAX_PAGES {
            break;
        }
        at = Position { token: Some(token), pages: at.pages.saturating_add(1), ..at };
        if !rows.is_empty() {
            return Ok((rows, Some(at)));
        }
    }
    Err(Error::MalformedResponse(
        "AWS pages without end: it gives the same page, or nothing but empty ones, again and \
         again; try later"
            .to_owned(),
    ))
}
