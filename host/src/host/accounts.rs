//! Users and tokens. Hashing passwords is the caller's: an embedder without the HTTP face has none.

use portolan_core::{
    account::{AccountName, Role, Token, User},
    id::{TokenId, UserId},
};
use time::OffsetDateTime;

use super::Host;
use crate::{
    error::{Code, Error},
    store::{NewToken, UserChange},
};

/// What a new token is made of.
#[derive(Clone, Debug)]
pub struct TokenSpec {
    /// The name people know it by.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// Who makes it.
    pub created_by: String,
    /// From when on it is refused; `None` is never.
    pub expires: Option<OffsetDateTime>,
    /// SHA-256 of its text in hexadecimal digits.
    pub digest: String,
}

impl Host {
    /// Whether anybody can log in at all: false at the first start.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn has_users(&self) -> Result<bool, Error> {
        Ok(!self.store.users().await?.is_empty())
    }

    /// Every user by ascending id.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        Ok(self.store.users().await?)
    }

    /// A user with the hash of the password, for whoever checks logins.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn user_named(&self, name: &str) -> Result<Option<(User, String)>, Error> {
        Ok(self.store.user_named(name.to_owned()).await?)
    }

    /// Stores a user with the hash of the password.
    ///
    /// # Errors
    /// `Conflict` where the name is taken.
    pub async fn create_user(
        &self,
        name: AccountName,
        role: Role,
        hash: String,
    ) -> Result<User, Error> {
        let now = OffsetDateTime::now_utc();
        Ok(self.store.create_user(name, role, hash, now).await?)
    }

    /// Changes a role, the hash of a password, or both.
    ///
    /// # Errors
    /// `NotFound`; `Precondition` where no administrator would be left.
    pub async fn update_user(
        &self,
        id: UserId,
        role: Option<Role>,
        hash: Option<String>,
    ) -> Result<User, Error> {
        let now = OffsetDateTime::now_utc();
        Ok(self.store.update_user(id, UserChange { role, hash }, now).await?)
    }

    /// Deletes a user with the tokens it made.
    ///
    /// # Errors
    /// `NotFound`; `Precondition` where no administrator would be left.
    pub async fn delete_user(&self, id: UserId) -> Result<User, Error> {
        Ok(self.store.delete_user(id).await?)
    }

    /// Every token by ascending id.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        Ok(self.store.tokens().await?)
    }

    /// Stores a token.
    ///
    /// # Errors
    /// `Conflict` where the name is taken; `Invalid` where it would be expired at once.
    pub async fn create_token(&self, spec: TokenSpec) -> Result<Token, Error> {
        let now = OffsetDateTime::now_utc();
        if spec.expires.is_some_and(|end| end <= now) {
            let why = "the token would be expired at once: choose a later end, or none";
            return Err(Error::new(Code::Invalid, why));
        }
        let TokenSpec { name, role, created_by, expires, digest } = spec;
        let new = NewToken { name, role, created_by, expires, digest };
        Ok(self.store.create_token(new, now).await?)
    }

    /// The token whose text has this digest, where it may still be used; notes the use. It may do
    /// no more than the user who made it may now.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn use_token(&self, digest: &str) -> Result<Option<Token>, Error> {
        let now = OffsetDateTime::now_utc();
        let token = self.store.token_of(digest.to_owned()).await?;
        let Some(mut token) = token.filter(|token| !token.is_expired(now)) else { return Ok(None) };
        if let Some((maker, _)) = self.user_named(&token.created_by).await? {
            token.role = token.role.min(maker.role);
        }
        if token.last_used.is_none_or(|last| now - last >= time::Duration::MINUTE) {
            self.store.token_used(token.id, now).await?;
        }
        Ok(Some(token))
    }

    /// Deletes a token.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_token(&self, id: TokenId) -> Result<Token, Error> {
        Ok(self.store.delete_token(id).await?)
    }
}
