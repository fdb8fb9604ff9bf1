//! Tokens, found by the digest of their text. The text itself is never stored: it is random and
//! long, so a plain digest is enough.

use portolan_core::{
    account::{AccountName, Role, Token},
    audit::Change,
    id::TokenId,
};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    rows::{all, find, load, unreadable},
    tables::{TOKEN_DIGESTS, TOKENS, Tables},
};

const WHAT: &str = "token";
/// How exactly the last use is kept: a write at each request would be too many.
const USE_GRAIN: Duration = Duration::MINUTE;

#[derive(Serialize, Deserialize)]
struct TokenRecord {
    token: Token,
    digest: String,
}

/// What a new token is made of.
#[derive(Clone, Debug)]
pub(crate) struct NewToken {
    pub(crate) name: AccountName,
    pub(crate) role: Role,
    pub(crate) created_by: String,
    pub(crate) expires: Option<OffsetDateTime>,
    /// SHA-256 of its text in hexadecimal digits.
    pub(crate) digest: String,
}

impl Store {
    /// Stores a token; `Conflict` when the name is taken.
    pub(crate) async fn create_token(
        &self,
        new: NewToken,
        now: OffsetDateTime,
    ) -> Result<Token, StoreError> {
        let create = move |tables: &mut Tables<'_>| {
            if tables.token_names.open()?.get(new.name.as_str()).map_err(unreadable)?.is_some() {
                return Err(StoreError::Conflict { what: WHAT, name: new.name.to_string() });
            }
            let id = TokenId(take_ids(tables, Counter::Token, 1)?);
            let NewToken { name, role, created_by, expires, digest } = new;
            let token =
                Token { id, name, role, created_by, created: now, expires, last_used: None };
            tables.token_names.put(token.name.as_str(), id.0)?;
            tables.token_digests.put(digest.as_str(), id.0)?;
            tables.tokens.put_json(id.0, &TokenRecord { token: token.clone(), digest })?;
            let change = Change::of(WHAT, id).to(&token);
            Ok((token, change))
        };
        self.change(create).await
    }

    /// Every token, by ascending id.
    pub(crate) async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let records = self.read(|tables| all::<u64, TokenRecord>(&tables.open(TOKENS)?)).await?;
        Ok(records.into_iter().map(|record| record.token).collect())
    }

    /// The token whose text has this digest.
    pub(crate) async fn token_of(&self, digest: String) -> Result<Option<Token>, StoreError> {
        let look = move |tables: &super::Snapshot| {
            let id = tables.open(TOKEN_DIGESTS)?.get(digest.as_str()).map_err(unreadable)?;
            let Some(id) = id.map(|id| id.value()) else { return Ok(None) };
            let record: Option<TokenRecord> = find(&tables.open(TOKENS)?, id)?;
            Ok(record.map(|record| record.token))
        };
        self.read_few(1, look).await
    }

    /// Notes that a token was used, to the minute. One that is gone is no error.
    pub(crate) async fn token_used(
        &self,
        id: TokenId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let note = move |tables: &mut Tables<'_>| {
            let record: Option<TokenRecord> = find(tables.tokens.open()?, id.0)?;
            let Some(mut record) = record else { return Ok(()) };
            if record.token.last_used.is_some_and(|last| now - last < USE_GRAIN) {
                return Ok(());
            }
            record.token.last_used = Some(now);
            tables.tokens.put_json(id.0, &record)
        };
        self.write(note).await
    }

    /// Deletes a token.
    pub(crate) async fn delete_token(&self, id: TokenId) -> Result<Token, StoreError> {
        let delete = move |tables: &mut Tables<'_>| {
            let record: TokenRecord = load(tables.tokens.open()?, WHAT, id.0)?;
            remove(tables, &record)?;
            let change = Change::of(WHAT, id).from(&record.token);
            Ok((record.token, change))
        };
        self.change(delete).await
    }
}

/// Deletes the tokens that a user made.
pub(super) fn remove_of(tables: &mut Tables<'_>, user: &str) -> Result<(), StoreError> {
    let records = all::<u64, TokenRecord>(tables.tokens.open()?)?;
    let made = records.iter().filter(|record| record.token.created_by == user);
    made.into_iter().try_for_each(|record| remove(tables, record))
}

fn remove(tables: &mut Tables<'_>, record: &TokenRecord) -> Result<(), StoreError> {
    tables.token_names.remove(record.token.name.as_str())?;
    tables.token_digests.remove(record.digest.as_str())?;
    tables.tokens.remove(record.token.id.0).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, memory};

    fn new(name: &str, by: &str) -> NewToken {
        NewToken {
            name: name.parse().unwrap(),
            role: Role::Operator,
            created_by: by.to_owned(),
            expires: Some(after(100)),
            digest: format!("digest of {name}"),
        }
    }

    #[tokio::test]
    async fn tokens_are_found_by_digest_until_they_are_deleted() {
        let store = memory().await;
        let made = store.create_token(new("ci", "ada"), after(0)).await.unwrap();
        assert!(!made.is_expired(after(99)) && made.is_expired(after(100)));
        let again = store.create_token(new("ci", "ada"), after(0)).await;
        assert!(matches!(again, Err(StoreError::Conflict { .. })));
        let digest = || "digest of ci".to_owned();
        assert_eq!(store.token_of(digest()).await.unwrap(), Some(made.clone()));
        assert_eq!(store.token_of("another".to_owned()).await.unwrap(), None);
        store.delete_token(made.id).await.unwrap();
        assert_eq!(store.token_of(digest()).await.unwrap(), None);
        assert!(store.create_token(new("ci", "ada"), after(0)).await.is_ok());
    }

    #[tokio::test]
    async fn the_last_use_is_kept_to_the_minute() {
        let store = memory().await;
        let id = store.create_token(new("ci", "ada"), after(0)).await.unwrap().id;
        for (now, kept) in [(10, 10), (30, 10), (69, 10), (70, 70)] {
            store.token_used(id, after(now)).await.unwrap();
            assert_eq!(store.tokens().await.unwrap()[0].last_used, Some(after(kept)));
        }
        store.token_used(TokenId(9), after(0)).await.unwrap();
    }

    #[tokio::test]
    async fn a_user_takes_its_tokens_along() {
        let store = memory().await;
        for name in ["ada", "bob"] {
            let user =
                store.create_user(name.parse().unwrap(), Role::Admin, String::new(), after(0));
            user.await.unwrap();
            store.create_token(new(&format!("of-{name}"), name), after(0)).await.unwrap();
        }
        let ada = store.user_named("ada".to_owned()).await.unwrap().unwrap().0;
        store.delete_user(ada.id).await.unwrap();
        let left: Vec<_> = store.tokens().await.unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(left, ["of-bob".parse().unwrap()]);
    }
}
