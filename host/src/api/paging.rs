//! Listings: `page`, `page_size`, `q`, `sort` and `name` in, one page with its totals out
//! (contract 1.4 to 1.7). The grammar itself is core's; what a noun's keys are, is the noun's.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, Uri, header, request::Parts},
    response::Response,
};
use portolan_core::page::{self, Field, Page, Query, sort_rows};
use serde::Serialize;

use super::{
    extract,
    respond::{Answer, ApiError, json, set},
};
use crate::host::{self, Rows};

/// Most rows of a page that may be asked for; 0 and less ask for all rows.
const MAX_SIZE: i64 = 100;
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// The parameters of a listing, bound but not yet understood.
pub(crate) struct Listing {
    path: String,
    page: Page,
    q: String,
    sort: String,
    name: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Listing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::parse(&parts.uri)
    }
}

impl Listing {
    fn parse(uri: &Uri) -> Result<Self, ApiError> {
        let query = extract::Query::new(uri.query().unwrap_or(""));
        let number = query.integer("page")?.unwrap_or(Page::FIRST.number);
        let size = query.integer("page_size")?.unwrap_or(Page::FIRST.size);
        if size > MAX_SIZE {
            let rule = format!("page_size in query should be less than or equal to {MAX_SIZE}");
            return Err(ApiError::unprocessable(rule));
        }
        let text = |name| query.text(name).unwrap_or("").to_owned();
        let path = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let (q, sort, name) = (text("q"), text("sort"), text("name"));
        Ok(Self { path, page: Page { number, size }, q, sort, name })
    }

    /// What `q` and the deprecated `name` ask for.
    ///
    /// # Errors
    /// 400 where `q` is malformed.
    pub(crate) fn query(&self) -> Result<Query, ApiError> {
        Ok(Query::parse(&self.q).map_err(ApiError::invalid)?.and_name_like(&self.name))
    }

    /// The listing with what [`query`](Self::query) gave.
    pub(crate) fn of<'a>(&'a self, query: &'a Query) -> host::Listing<'a> {
        host::Listing { query, sort: &self.sort, page: self.page }
    }

    /// The order and the part that are asked for.
    pub(crate) fn sorted(&self) -> (&str, Page) {
        (&self.sort, self.page)
    }

    /// How many rows are passed over and how many taken, where the order that is asked for is one of
    /// `known`.
    pub(crate) fn part_of(&self, known: &[&str]) -> Option<(usize, usize)> {
        known.contains(&self.sort.as_str()).then(|| self.page.bounds())
    }

    /// One page that was found, with `X-Total-Count` and `Link`.
    pub(crate) fn page<T, W: Serialize>(&self, found: &Rows<T>, show: impl Fn(&T) -> W) -> Answer {
        let shown: Vec<W> = found.rows.iter().map(show).collect();
        Ok(self.headed(json(&shown), found.total))
    }

    /// One page of `rows`, ordered by `sort`, else by `usual`, with `X-Total-Count` and `Link`.
    pub(crate) fn answer<T, W: Serialize>(
        &self,
        mut rows: Vec<T>,
        usual: &str,
        field: for<'r> fn(&'r T, &str) -> Option<Field<'r>>,
        show: impl Fn(&T) -> W,
    ) -> Answer {
        if !sort_rows(&mut rows, &self.sort, field) {
            sort_rows(&mut rows, usual, field);
        }
        let (skip, take) = self.page.bounds();
        let shown: Vec<W> = rows.iter().skip(skip).take(take).map(show).collect();
        Ok(self.headed(json(&shown), rows.len() as u64))
    }

    fn headed(&self, mut response: Response, total: u64) -> Response {
        set(&mut response, TOTAL, &total.to_string());
        if let Some(link) = page::link_header(&self.path, self.page, total) {
            set(&mut response, header::LINK, &link);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Seen {
        rows: Vec<i64>,
        total: String,
        link: Option<String>,
    }

    fn field<'r>(row: &'r i64, key: &str) -> Option<Field<'r>> {
        match key {
            "id" => Some(Field::Int(*row)),
            "name" => Some(Field::Text(format!("n{}", row % 2).into())),
            _ => None,
        }
    }

    async fn list(uri: &str, usual: &str) -> Seen {
        let listing = Listing::parse(&uri.parse().unwrap()).unwrap();
        let query = listing.query().unwrap();
        let mut rows = vec![2, 1, 3];
        rows.retain(|row| query.matches(|key| field(row, key)));
        let response = listing.answer(rows, usual, field, |row| *row).unwrap();
        let header = |name: &str| {
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let (total, link) = (header("x-total-count").unwrap(), header("link"));
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Seen { rows: serde_json::from_slice(&bytes).unwrap(), total, link }
    }

    #[tokio::test]
    async fn pages_order_and_selection() {
        let cases: [(&str, &str, &[i64], &str); 12] = [
            ("/r", "id", &[1, 2, 3], "3"),
            ("/r", "-id", &[3, 2, 1], "3"),
            ("/r?sort=-id", "id", &[3, 2, 1], "3"),
            ("/r?sort=unknown", "id", &[1, 2, 3], "3"),
            ("/r?sort=name,-id", "id", &[2, 3, 1], "3"),
            ("/r?page=2&page_size=2", "id", &[3], "3"),
            ("/r?page=9&page_size=2", "id", &[], "3"),
            ("/r?page=0&page_size=1", "id", &[1], "3"),
            ("/r?page_size=0", "id", &[1, 2, 3], "3"),
            ("/r?page_size=-5&page=2", "id", &[1, 2, 3], "3"),
            ("/r?q=name%3Dn1,unknown%3D1", "id", &[1, 3], "2"),
            ("/r?name=N0", "id", &[2], "1"),
        ];
        for (uri, usual, rows, total) in cases {
            let seen = list(uri, usual).await;
            assert_eq!((seen.rows.as_slice(), seen.total.as_str()), (rows, total), "{uri}");
        }
    }

    #[tokio::test]
    async fn links_are_there_when_there_is_another_page() {
        let link = "</r?page=1&page_size=1&q=id=~2>; rel=\"prev\"";
        assert_eq!(list("/r", "id").await.link, None);
        assert_eq!(list("/r?page_size=0", "id").await.link, None);
        let seen = list("/r?page=2&page_size=1", "id").await;
        assert_eq!(
            seen.link.unwrap(),
            "</r?page=1&page_size=1>; rel=\"prev\" , </r?page=3&page_size=1>; rel=\"next\""
        );
        assert_eq!(list("/r?q=id%3D~2&page=2&page_size=1", "id").await.link.as_deref(), None);
        let seen = list("/r?q=id%3D%5B2~%5D&page=2&page_size=1", "id").await;
        assert_eq!(seen.link.unwrap(), link.replace("id=~2", "id=[2~]"));
    }

    #[test]
    fn what_is_no_listing() {
        for uri in ["/r?page_size=101", "/r?page_size=1.5", "/r?page=a"] {
            assert!(Listing::parse(&uri.parse().unwrap()).is_err(), "{uri}");
        }
        for q in ["%2C", "a", "a%3D", "a%3D%5B~%5D"] {
            let listing = Listing::parse(&format!("/r?q={q}").parse().unwrap()).unwrap();
            let error = listing.query().unwrap_err();
            assert!(format!("{error:?}").contains("BAD_REQUEST"), "{q}");
        }
    }
}
