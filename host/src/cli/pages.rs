//! Listings of our own API: pages that tell what asks for the next.

use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{client::Client, output::Failure};

/// Most rows that are asked for at once.
const PAGE: usize = 200;
/// Most pages of one listing: some may be empty.
const MAX_PAGES: usize = 1_000;

/// At most `limit` rows under `key` of the pages at `path`; true where there are more.
pub(super) async fn read(
    client: &Client,
    path: &str,
    asked: &[(&str, Option<&str>)],
    (key, limit): (&str, u32),
) -> Result<(Vec<Value>, bool), Failure> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut rows, mut token) = (Vec::new(), None::<String>);
    for _ in 0..MAX_PAGES {
        let room = limit.saturating_sub(rows.len()).min(PAGE);
        if room == 0 {
            break;
        }
        let mut query = Serializer::new(String::new());
        query.append_pair("limit", &room.to_string());
        let given = asked.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        query.extend_pairs(given.chain(token.as_deref().map(|token| ("page_token", token))));
        let path = format!("{path}?{}", query.finish());
        let mut page = client.get(&path).await?;
        if let Some(Value::Array(found)) = page.get_mut(key).map(Value::take) {
            rows.extend(found);
        }
        token = page.get("next_page_token").and_then(Value::as_str).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok((rows, token.is_some()))
}
