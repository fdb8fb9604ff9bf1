//! Repositories, page by page, by the account's own listing.
//!
//! The console's API is not described; where it does not page although it is asked to, its whole
//! answer is cut into pages here. The listing goes on by the rows that came, however few a page
//! holds, and never ends short of the total that SWR announced without saying so.

use portolan_sdk::{
    Error, Page, PageRequest, Repository, RepositoryFilter, Result,
    http::{Request, Response},
};
use serde::{Deserialize, Serialize};

use crate::{account::Account, wire};

/// Rows asked for: the most that the management API gives.
const ROWS: u64 = 1000;

/// Rows after which a listing is taken for endless.
const MAX_ROWS: u64 = 1_000_000;

/// Where a listing stands.
#[derive(Default, Serialize, Deserialize)]
struct Position {
    offset: u64,
    /// The first repository of the page before: a server that shows it again does not page.
    first: String,
    /// Repositories in all, where the page before told.
    #[serde(default)]
    total: Option<u64>,
}

pub(crate) fn repositories(
    account: &Account<'_>,
    filter: &RepositoryFilter,
    page: &PageRequest,
) -> Result<Page<Repository>> {
    let at: Position = page.position()?;
    let Answer { mut rows, whole } = ask(account, at.offset)?;
    let told = rows.first().and_then(|row| row.total_range).filter(|total| *total > 0);
    let total = told.or(at.total);
    let all = rows.len() as u64;
    if whole {
        complete(account, total, all)?;
        let start = usize::try_from(at.offset).unwrap_or(usize::MAX).min(rows.len());
        rows.drain(..start);
        rows.truncate(ROWS as usize);
    }
    let first = rows.first().map(full_name);
    let again = first.as_deref() == Some(&*at.first);
    let Some(first) = first.filter(|_| !again) else {
        return ended(account, &at, total, again);
    };
    let offset = at.offset.saturating_add(rows.len() as u64);
    // Where the server tells no total, the next page shows whether there is one.
    let more = if whole { offset < all } else { total.is_none_or(|total| offset < total) };
    if more && offset >= MAX_ROWS {
        return Err(Error::MalformedResponse(format!(
            "the listing of {} does not end after {offset} repositories",
            account.endpoint.url
        )));
    }
    let items = rows.into_iter().map(repository).filter(|it| is_wanted(it, filter)).collect();
    let page = Page { items, next: None, total: None };
    page.next(more.then_some(&Position { offset, first, total }))
}

/// A page with nothing new on it: the end, unless SWR said that there is more.
fn ended(
    account: &Account<'_>,
    at: &Position,
    total: Option<u64>,
    again: bool,
) -> Result<Page<Repository>> {
    // As many rows as were asked for, and the same again: cut short, and who knows where.
    let cut = again && total.is_none() && at.offset >= ROWS;
    if cut {
        return Err(Error::MalformedResponse(format!(
            "{} gives its first {} repositories again and again, and does not say how many there \
             are: name the repositories in the rule",
            account.endpoint.url, at.offset
        )));
    }
    complete(account, total, at.offset).map(|()| Page::empty())
}

/// Fails where fewer repositories came than SWR says there are.
fn complete(account: &Account<'_>, total: Option<u64>, came: u64) -> Result<()> {
    match total.filter(|total| *total > came) {
        None => Ok(()),
        Some(total) => Err(Error::MalformedResponse(format!(
            "{} says that there are {total} repositories and gives {came} of them, whichever page \
             is asked for: name the repositories in the rule, or, if some were deleted just now, \
             list again",
            account.endpoint.url
        ))),
    }
}

/// Rows from an offset, or all of them where the server does not page.
struct Answer {
    rows: Vec<wire::Repository>,
    whole: bool,
}

fn ask(account: &Account<'_>, offset: u64) -> Result<Answer> {
    let page = format!("limit::{ROWS}|offset::{offset}");
    if account.signs() {
        let rows = read(account, "", &page)?.success()?.json::<Option<Vec<_>>>()?;
        return Ok(Answer { rows: rows.unwrap_or_default(), whole: false });
    }
    let own = "center::self";
    let mut response = read(account, "/repositories", &format!("{own}|{page}"))?;
    let unpaged = response.status() == 400;
    if unpaged {
        response = read(account, "/repositories", own)?;
    }
    let rows = response.success()?.json::<Option<Vec<_>>>()?.unwrap_or_default();
    let whole = unpaged || rows.len() as u64 > ROWS;
    Ok(Answer { rows, whole })
}

fn read(account: &Account<'_>, console: &str, filter: &str) -> Result<Response> {
    account.send(Request::get(account.address(console, "/repos")?).query("filter", filter))
}

/// With the organisation; a slash within the name may be written as `$`.
fn full_name(row: &wire::Repository) -> String {
    let namespace = row.namespace.as_deref().unwrap_or_default();
    let separator = if namespace.is_empty() { "" } else { "/" };
    let mut name = [namespace, separator, &row.name].concat();
    if row.name.contains('$') {
        name = name.replace('$', "/");
    }
    name
}

fn repository(row: wire::Repository) -> Repository {
    let name = full_name(&row);
    Repository {
        description: row.description.filter(|text| !text.is_empty()),
        created: row.created_at,
        updated: row.updated_at,
        artifact_count: row.num_images,
        private: row.is_public.map(|public| !public),
        ..Repository::new(name)
    }
}

/// SWR was seen to ignore filters (goharbor/harbor#21133), so they are applied here.
fn is_wanted(repository: &Repository, filter: &RepositoryFilter) -> bool {
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    let part = filter.name_contains.as_deref().unwrap_or_default();
    repository.name.starts_with(prefix) && repository.name.contains(part)
}
