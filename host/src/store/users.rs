//! Users and the hashes of their passwords. There is always an administrator once there was one.

use portolan_core::{
    account::{AccountName, Role, User},
    audit::{Change, SecretChange},
    id::UserId,
};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    rows::{all, find, load, unreadable},
    tables::{Snapshot, Tables, USER_NAMES, USERS},
    tokens,
};

const WHAT: &str = "user";
/// What the audit log calls the hash.
const PASSWORD: &str = "password";

#[derive(Serialize, Deserialize)]
struct UserRecord {
    user: User,
    /// argon2id, as a PHC string.
    hash: String,
}

/// What an administrator, or the user, changes; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserChange {
    pub(crate) role: Option<Role>,
    pub(crate) hash: Option<String>,
}

/// A user, and the hash of their password.
pub(super) type Known = (User, String);

impl Store {
    /// Stores a user; `Conflict` when the name is taken.
    pub(crate) async fn create_user(
        &self,
        name: AccountName,
        role: Role,
        hash: String,
        now: OffsetDateTime,
    ) -> Result<User, StoreError> {
        let create = move |tables: &mut Tables<'_>| {
            let user = create(tables, name, role, hash, now)?;
            let change = Change::of(WHAT, user.id).to(&user);
            Ok((user, change.secret(PASSWORD, Some(SecretChange::Set))))
        };
        self.change(create).await
    }

    /// Every user, by ascending id.
    pub(crate) async fn users(&self) -> Result<Vec<User>, StoreError> {
        let records = self.read(|tables| all::<u64, UserRecord>(&tables.open(USERS)?)).await?;
        Ok(records.into_iter().map(|record| record.user).collect())
    }

    /// A user and the hash of the password, by name.
    pub(crate) async fn user_named(&self, name: String) -> Result<Option<Known>, StoreError> {
        let (seen, version) = (&self.shared.users, self.shared.committed.users());
        if let Some(known) = seen.find(name.as_str(), version) {
            return Ok(Some(known));
        }
        let found = self.peek(|tables| named(tables, &name))?;
        if let Some(found) = &found {
            seen.keep(name, version, found.clone());
        }
        Ok(found)
    }

    /// Changes role or password. `InUse` where no administrator would be left.
    pub(crate) async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: OffsetDateTime,
    ) -> Result<User, StoreError> {
        let update = move |tables: &mut Tables<'_>| {
            let mut record: UserRecord = load(tables.users.open()?, WHAT, id.0)?;
            if change.role.is_some_and(|role| role != Role::Admin) {
                keep_an_administrator(tables, &record.user)?;
            }
            let noted = Change::of(WHAT, id).from(&record.user);
            let secret = change.hash.as_ref().map(|_| SecretChange::Changed);
            record.user.role = change.role.unwrap_or(record.user.role);
            record.user.updated = now;
            record.hash = change.hash.unwrap_or(record.hash);
            tables.changed.users = true;
            tables.users.put_json(id.0, &record)?;
            let noted = noted.to(&record.user).secret(PASSWORD, secret);
            Ok((record.user, noted))
        };
        self.change(update).await
    }

    /// Deletes a user with the tokens it made. `InUse` where no administrator would be left.
    pub(crate) async fn delete_user(&self, id: UserId) -> Result<User, StoreError> {
        let delete = move |tables: &mut Tables<'_>| {
            let record: UserRecord = load(tables.users.open()?, WHAT, id.0)?;
            keep_an_administrator(tables, &record.user)?;
            tables.changed.users = true;
            tokens::remove_of(tables, record.user.name.as_str())?;
            tables.user_names.remove(record.user.name.as_str())?;
            tables.users.remove(id.0)?;
            let change = Change::of(WHAT, id).from(&record.user);
            Ok((record.user, change))
        };
        self.change(delete).await
    }
}

/// Stores a user in a transaction that is open.
pub(super) fn create(
    tables: &mut Tables<'_>,
    name: AccountName,
    role: Role,
    hash: String,
    now: OffsetDateTime,
) -> Result<User, StoreError> {
    if tables.user_names.open()?.get(name.as_str()).map_err(unreadable)?.is_some() {
        return Err(StoreError::Conflict { what: WHAT, name: name.to_string() });
    }
    let id = UserId(take_ids(tables, Counter::User, 1)?);
    let user = User { id, name, role, created: now, updated: now };
    tables.user_names.put(user.name.as_str(), id.0)?;
    tables.users.put_json(id.0, &UserRecord { user: user.clone(), hash })?;
    Ok(user)
}

pub(super) fn named(tables: &Snapshot, name: &str) -> Result<Option<Known>, StoreError> {
    let id = tables.open(USER_NAMES)?.get(name).map_err(unreadable)?.map(|id| id.value());
    let Some(id) = id else { return Ok(None) };
    let record: Option<UserRecord> = find(&tables.open(USERS)?, id)?;
    Ok(record.map(|record| (record.user, record.hash)))
}

fn keep_an_administrator(tables: &Tables<'_>, going: &User) -> Result<(), StoreError> {
    let users = all::<u64, UserRecord>(tables.users.open()?)?;
    let other = |record: &UserRecord| record.user.role == Role::Admin && record.user.id != going.id;
    if going.role != Role::Admin || users.iter().any(other) {
        return Ok(());
    }
    Err(StoreError::InUse(format!(
        "`{}` is the only administrator; make another one first",
        going.name
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, memory};

    async fn user(store: &Store, name: &str, role: Role) -> Result<User, StoreError> {
        store.create_user(name.parse().unwrap(), role, format!("hash of {name}"), after(0)).await
    }

    #[tokio::test]
    async fn names_are_taken_once_and_found_again() {
        let store = memory().await;
        assert!(store.users().await.unwrap().is_empty());
        let ada = user(&store, "ada", Role::Admin).await.unwrap();
        assert_eq!(ada.id.0, 1);
        let again = user(&store, "ada", Role::Viewer).await;
        assert!(matches!(again, Err(StoreError::Conflict { .. })));
        let (found, hash) = store.user_named("ada".to_owned()).await.unwrap().unwrap();
        assert_eq!((found, hash.as_str()), (ada, "hash of ada"));
        assert!(store.user_named("bob".to_owned()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let store = memory().await;
        let ada = user(&store, "ada", Role::Admin).await.unwrap();
        let less = UserChange { role: Some(Role::Viewer), hash: None };
        for refused in [
            store.update_user(ada.id, less.clone(), after(1)).await.err(),
            store.delete_user(ada.id).await.err(),
        ] {
            let text = refused.unwrap().to_string();
            assert!(text.contains("only administrator"), "{text}");
        }
        user(&store, "bob", Role::Admin).await.unwrap();
        let changed = store.update_user(ada.id, less, after(1)).await.unwrap();
        assert_eq!((changed.role, changed.updated), (Role::Viewer, after(1)));
        store.delete_user(ada.id).await.unwrap();
        let names: Vec<_> = store.users().await.unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["bob".parse().unwrap()]);
        let password = UserChange { role: None, hash: Some("new".to_owned()) };
        store.update_user(UserId(2), password, after(2)).await.unwrap();
        assert_eq!(store.user_named("bob".to_owned()).await.unwrap().unwrap().1, "new");
        let gone = store.delete_user(ada.id).await;
        assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    }
}
