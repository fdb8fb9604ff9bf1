//! Which key seals, and its replacement. The store says itself which key is in use: by the one text
//! in it that this key alone opens. While a key is replaced there are two, and every read and every
//! write goes by what the store says at its own moment. It never writes a key anywhere.

use std::sync::{Arc, PoisonError, RwLock};

use portolan_core::{
    audit::{Change, SecretChange},
    endpoint::Endpoint,
};
use redb::ReadableTable;

use super::{
    SealingKey, Store, StoreError,
    rows::{find, unreadable},
    secrets::{self, SEAL_CHECK, Sealer},
    tables::{Json, META, Tables},
};

/// The keys that may be in use.
pub(super) struct Ring(RwLock<Vec<Arc<Sealer>>>);

impl Ring {
    pub(super) fn new(sealer: Arc<Sealer>) -> Self {
        Self(RwLock::new(vec![sealer]))
    }

    /// The key that a store's own text says is in use.
    pub(super) fn in_use(
        &self,
        meta: &impl ReadableTable<&'static str, Json>,
    ) -> Result<Arc<Sealer>, StoreError> {
        let sealed: Vec<u8> = find(meta, SEAL_CHECK)?.unwrap_or_default();
        let sealers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = sealers.iter().find(|sealer| sealer.made_check(&sealed));
        found.cloned().ok_or_else(Sealer::another)
    }

    fn set(&self, sealers: Vec<Arc<Sealer>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = sealers;
    }
}

impl Store {
    /// Seals every secret anew, in one transaction that also says which key is in use from then on.
    /// Gives the number of endpoints with secrets. `Seal` where one cannot be opened, and nothing
    /// changes. Not to be called again before it has ended.
    pub(crate) async fn rotate_key(&self, key: &SealingKey) -> Result<usize, StoreError> {
        let new = Arc::new(Sealer::new(key)?);
        let ring = Arc::clone(&self.shared.ring);
        let old = self.peek(|tables| ring.in_use(&tables.open(META)?))?;
        ring.set(vec![old, Arc::clone(&new)]);
        let rotate = move |tables: &mut Tables<'_>| {
            let old = ring.in_use(tables.meta.open()?)?;
            let check = new.check_text()?;
            let sealed = sealed_anew(tables, &old, &new)?;
            for (id, bytes) in &sealed {
                tables.secrets.put(id, bytes.as_slice())?;
            }
            tables.meta.put_json(SEAL_CHECK, &check)?;
            let change = Change::of("key", "").secret("sealing_key", Some(SecretChange::Changed));
            Ok((sealed.len(), change))
        };
        self.change(rotate).await
    }

    /// Whether this is the key in use.
    pub(crate) fn is_sealed_with(&self, key: &SealingKey) -> Result<bool, StoreError> {
        let sealer = Sealer::new(key)?;
        let sealed: Option<Vec<u8>> = self.peek(|tables| find(&tables.open(META)?, SEAL_CHECK))?;
        Ok(sealer.made_check(&sealed.unwrap_or_default()))
    }
}

/// Every row of secrets, opened with one key and sealed with another.
fn sealed_anew(
    tables: &Tables<'_>,
    old: &Sealer,
    new: &Sealer,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut sealed = Vec::new();
    for row in tables.secrets.open()?.iter().map_err(unreadable)? {
        let id = row.map_err(unreadable)?.0.value();
        let endpoint: Option<Endpoint> = find(tables.endpoints.open()?, id).unwrap_or_default();
        let endpoint = endpoint.ok_or_else(|| {
            StoreError::Seal(format!("the endpoint {id} is not understood; delete it first"))
        })?;
        let credentials = secrets::load(old, tables.secrets.open()?, &endpoint)?;
        let bytes = secrets::seal(new, id, endpoint.generation, &credentials)?;
        sealed.extend(bytes.map(|bytes| (id, bytes)));
    }
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use portolan_core::{audit::AuditQuery, endpoint::Health, id::EndpointId};

    use super::*;
    use crate::store::{
        Location,
        fixtures::{after, at, credentials, endpoint, endpoint_spec, key},
    };

    async fn secret(store: &Store, id: EndpointId) -> String {
        store.credentials(id).await.unwrap().access_secret.unwrap().expose().to_owned()
    }

    #[tokio::test]
    async fn another_key_opens_everything_from_then_on_and_the_one_before_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = at(directory.path()).await.unwrap();
        let first = endpoint(&store, "a").await.unwrap().id;
        let anonymous = endpoint_spec("none");
        let none = Default::default();
        store.create_endpoint(anonymous, none, Health::Unknown, after(0)).await.unwrap();
        for (byte, used) in [(7, true), (8, false)] {
            assert_eq!(store.is_sealed_with(&key(byte)).unwrap(), used);
        }
        assert_eq!(store.rotate_key(&key(8)).await.unwrap(), 1);
        assert_eq!(store.rotate_key(&key(9)).await.unwrap(), 1);
        assert!(store.is_sealed_with(&key(9)).unwrap());
        let spec = endpoint_spec("b");
        let made = store.create_endpoint(spec, credentials("t"), Health::Unknown, after(0));
        let second = made.await.unwrap().id;
        assert_eq!(
            (secret(&store, first).await, secret(&store, second).await),
            ("s".into(), "t".into())
        );
        drop(store);
        for byte in [7, 8] {
            let place = Location::Directory(directory.path().to_owned());
            let refused = Store::open(place, key(byte)).await.err().unwrap();
            assert!(matches!(refused, StoreError::Seal(_)), "{refused}");
        }
        let place = Location::Directory(directory.path().to_owned());
        let store = Store::open(place, key(9)).await.unwrap();
        assert_eq!(
            (secret(&store, first).await, secret(&store, second).await),
            ("s".into(), "t".into())
        );
    }

    #[tokio::test]
    async fn a_secret_that_does_not_open_leaves_the_key_in_use() {
        let directory = tempfile::tempdir().unwrap();
        let store = at(directory.path()).await.unwrap();
        let good = endpoint(&store, "a").await.unwrap().id;
        let bad = endpoint(&store, "b").await.unwrap().id;
        let bend = move |tables: &mut Tables<'_>| tables.secrets.put(bad.0, &[1_u8, 2, 3][..]);
        store.write(bend).await.unwrap();
        assert!(matches!(store.rotate_key(&key(8)).await, Err(StoreError::Seal(_))));
        assert!(store.is_sealed_with(&key(7)).unwrap());
        assert_eq!(secret(&store, good).await, "s");
        store.delete_endpoint(bad).await.unwrap();
        assert_eq!(store.rotate_key(&key(8)).await.unwrap(), 1);
        assert_eq!(secret(&store, good).await, "s");
        assert!(store.audit(AuditQuery::default(), 10).await.unwrap().is_empty());
    }
}
