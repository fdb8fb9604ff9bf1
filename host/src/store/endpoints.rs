//! Endpoints, their names, and which policies need them.
//!
//! Secrets are handed to `secrets` at once and stand in no record here.

use std::{mem, sync::Arc};

use portolan_core::{
    audit::{Change, SecretChange},
    endpoint::{Credentials, Endpoint, EndpointSpec, Health},
    id::EndpointId,
};
use redb::ReadableTable;
use time::OffsetDateTime;

use super::{
    Store, StoreError, events,
    meta::{Counter, next_id, take_ids},
    rows::{all_readable, among, find, indexed, load, missing, unreadable},
    secrets,
    tables::{ENDPOINTS, META, SECRETS, Tables},
};

const WHAT: &str = "endpoint";

impl Store {
    /// Stores an endpoint and its sealed secrets. `Conflict` when the name is taken.
    pub(crate) async fn create_endpoint(
        &self,
        spec: EndpointSpec,
        credentials: Credentials,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<Endpoint, StoreError> {
        let ring = Arc::clone(&self.shared.ring);
        let create = move |tables: &mut Tables<'_>| {
            free_name(tables, &spec.name, None)?;
            let sealer = ring.in_use(tables.meta.open()?)?;
            let id = next_id(tables, Counter::Endpoint)?;
            let sealed = secrets::seal(&sealer, id, 1, &credentials)?;
            take_ids(tables, Counter::Endpoint, 1)?;
            let endpoint = Endpoint {
                id: EndpointId(id),
                spec,
                has_secret: has_secret(&credentials),
                generation: 1,
                health,
                created: now,
                updated: now,
            };
            secrets::put(tables, id, sealed)?;
            put(tables, &endpoint)?;
            let change = Change::of(WHAT, id).to(&endpoint);
            let change = noted(change, &Credentials::default(), &credentials);
            Ok((endpoint, change))
        };
        self.change(create).await
    }

    /// One endpoint, or `NotFound`.
    pub(crate) async fn endpoint(&self, id: EndpointId) -> Result<Endpoint, StoreError> {
        let (seen, version) = (&self.shared.endpoints, self.shared.committed.endpoints());
        if let Some(endpoint) = seen.find(&id.0, version) {
            return Ok(endpoint);
        }
        let endpoint: Endpoint = self.peek(|tables| load(&tables.open(ENDPOINTS)?, WHAT, id.0))?;
        seen.keep(id.0, version, endpoint.clone());
        Ok(endpoint)
    }

    /// Another number, a greater one, whenever an endpoint was changed.
    pub(crate) fn endpoints_version(&self) -> u64 {
        self.shared.committed.endpoints()
    }

    /// Those of a few endpoints that are there, in the order they are asked for.
    pub(crate) async fn endpoints_among(
        &self,
        ids: &[EndpointId],
    ) -> Result<Vec<Endpoint>, StoreError> {
        let ids: Vec<u64> = ids.iter().map(|id| id.0).collect();
        self.read_few(ids.len(), move |tables| {
            among(&tables.open(ENDPOINTS)?, WHAT, ids.into_iter())
        })
        .await
    }

    /// The unsealed secrets of an endpoint, or `NotFound`.
    #[cfg(test)]
    pub(crate) async fn credentials(&self, id: EndpointId) -> Result<Credentials, StoreError> {
        Ok(self.endpoint_with_credentials(id).await?.1)
    }

    /// One endpoint with its unsealed secrets, both as of one moment; or `NotFound`.
    pub(crate) async fn endpoint_with_credentials(
        &self,
        id: EndpointId,
    ) -> Result<(Endpoint, Credentials), StoreError> {
        let ring = Arc::clone(&self.shared.ring);
        self.read_few(1, move |tables| {
            let endpoint = load(&tables.open(ENDPOINTS)?, WHAT, id.0)?;
            let sealer = ring.in_use(&tables.open(META)?)?;
            let credentials = secrets::load(&sealer, &tables.open(SECRETS)?, &endpoint)?;
            Ok((endpoint, credentials))
        })
        .await
    }

    /// Every endpoint that is understood, by ascending id.
    pub(crate) async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read(|tables| all_readable(&tables.open(ENDPOINTS)?, WHAT)).await
    }

    /// Replaces what an administrator said of the endpoint as it was `seen`. `credentials` replaces
    /// every secret. Counts the generation up when address, provider, access key or a secret
    /// changed. `Conflict` when the name is taken; `Changed` when somebody else was faster.
    pub(crate) async fn update_endpoint(
        &self,
        seen: &Endpoint,
        spec: EndpointSpec,
        credentials: Credentials,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<Endpoint, StoreError> {
        let ring = Arc::clone(&self.shared.ring);
        let (id, seen) = (seen.id, (seen.generation, seen.spec.clone()));
        let update = move |tables: &mut Tables<'_>| {
            let old: Endpoint = load(tables.endpoints.open()?, WHAT, id.0)?;
            if (old.generation, &old.spec) != (seen.0, &seen.1) {
                return Err(StoreError::Changed { what: WHAT, id: id.to_string() });
            }
            free_name(tables, &spec.name, Some(id))?;
            let sealer = ring.in_use(tables.meta.open()?)?;
            let known = secrets::load(&sealer, tables.secrets.open()?, &old)?;
            let changed = old.spec.url != spec.url
                || old.spec.provider != spec.provider
                || old.spec.access_key != spec.access_key
                || old.spec.credential_source != spec.credential_source
                || secrets::parts(&known) != secrets::parts(&credentials);
            let generation = old.generation + u64::from(changed);
            let sealed = secrets::seal(&sealer, id.0, generation, &credentials)?;
            let has_secret = has_secret(&credentials);
            tables.endpoint_names.remove(old.spec.name.as_str())?;
            let before = old.clone();
            let endpoint = Endpoint { spec, has_secret, generation, health, updated: now, ..old };
            secrets::put(tables, id.0, sealed)?;
            put(tables, &endpoint)?;
            let change = Change::of(WHAT, id).from(&before).to(&endpoint);
            Ok((endpoint, noted(change, &known, &credentials)))
        };
        self.change(update).await
    }

    /// Records what a check of the endpoint as it was `seen` found; of one that was changed since
    /// it says nothing. `updated` moves only where it became healthy or unhealthy (contract 2.9).
    pub(crate) async fn set_health(
        &self,
        seen: &Endpoint,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let (id, seen) = (seen.id, (seen.generation, seen.spec.clone()));
        let set = move |tables: &mut Tables<'_>| {
            let old: Endpoint = load(tables.endpoints.open()?, WHAT, id.0)?;
            if old.health == health || (old.generation, &old.spec) != (seen.0, &seen.1) {
                return Ok(());
            }
            let flipped = mem::discriminant(&old.health) != mem::discriminant(&health);
            let updated = if flipped { now } else { old.updated };
            tables.changed.endpoints.insert(id);
            tables.endpoints.put_json(id.0, &Endpoint { health, updated, ..old })
        };
        self.write(set).await
    }

    /// Deletes an endpoint and its secrets, also where its record is not understood. `InUse` when a
    /// policy names it: checked in the same transaction.
    pub(crate) async fn delete_endpoint(&self, id: EndpointId) -> Result<(), StoreError> {
        let delete = move |tables: &mut Tables<'_>| {
            if tables.endpoints.open()?.get(id.0).map_err(unreadable)?.is_none() {
                return Err(missing(WHAT, id.0));
            }
            let endpoint: Option<Endpoint> =
                find(tables.endpoints.open()?, id.0).unwrap_or_default();
            let name = match &endpoint {
                Some(endpoint) => Some(endpoint.spec.name.clone()),
                None => name_of(tables, id)?,
            };
            let name = name.unwrap_or_default();
            let policies = indexed(tables.endpoint_policies.open()?, id.0)?;
            if !policies.is_empty() {
                let ids = policies.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                return Err(StoreError::InUse(format!(
                    "the endpoint `{name}` is used by {} (id {ids}); delete or change what uses \
                     it first",
                    if policies.len() == 1 { "a policy" } else { "policies" },
                )));
            }
            tables.changed.endpoints.insert(id);
            tables.endpoints.remove(id.0)?;
            tables.endpoint_names.remove(name.as_str())?;
            tables.secrets.remove(id.0)?;
            events::forget(tables, id)?;
            let change = Change::of(WHAT, id);
            Ok(((), endpoint.iter().fold(change, |change, endpoint| change.from(endpoint))))
        };
        self.change(delete).await
    }
}

/// Says which secrets changed.
fn noted(change: Change, before: &Credentials, after: &Credentials) -> Change {
    let names = ["access_secret", "client_key", "proxy_credentials", "webhook_secret"];
    let sides = secrets::parts(before).into_iter().zip(secrets::parts(after));
    names.into_iter().zip(sides).fold(change, |change, (name, (before, after))| {
        change.secret(name, SecretChange::between(before, after))
    })
}

fn has_secret(credentials: &Credentials) -> bool {
    credentials.access_secret.as_ref().is_some_and(|secret| !secret.is_empty())
}

/// Checks that a name is nobody's, or its own.
fn free_name(tables: &Tables<'_>, name: &str, own: Option<EndpointId>) -> Result<(), StoreError> {
    match tables.endpoint_names.open()?.get(name).map_err(unreadable)? {
        Some(id) if Some(EndpointId(id.value())) != own => {
            Err(StoreError::Conflict { what: WHAT, name: name.to_owned() })
        }
        _ => Ok(()),
    }
}

/// The name an endpoint goes by, found without its record.
fn name_of(tables: &Tables<'_>, id: EndpointId) -> Result<Option<String>, StoreError> {
    for row in tables.endpoint_names.open()?.iter().map_err(unreadable)? {
        let (name, holder) = row.map_err(unreadable)?;
        if holder.value() == id.0 {
            return Ok(Some(name.value().to_owned()));
        }
    }
    Ok(None)
}

/// Stores the record and its name.
fn put(tables: &mut Tables<'_>, endpoint: &Endpoint) -> Result<(), StoreError> {
    tables.changed.endpoints.insert(endpoint.id);
    tables.endpoint_names.put(endpoint.spec.name.as_str(), endpoint.id.0)?;
    tables.endpoints.put_json(endpoint.id.0, endpoint)
}

#[cfg(test)]
mod tests {
    use portolan_core::secret::Secret;

    use super::*;
    use crate::store::fixtures::{
        after, credentials, endpoint, endpoint_spec, memory, policy_spec,
    };

    #[tokio::test]
    async fn a_name_is_taken_once_and_free_again_after() {
        let store = memory().await;
        let first = endpoint(&store, "a").await.unwrap();
        assert_eq!((first.id.0, first.generation, first.has_secret), (1, 1, true));
        let taken = endpoint(&store, "a").await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict { .. }), "{taken}");
        let second = endpoint(&store, "b").await.unwrap();
        assert_eq!(store.endpoints().await.unwrap(), [first.clone(), second.clone()]);
        // Renamed, the old name is free, and the new one taken.
        let update = async |id, name| {
            let (seen, spec) = (store.endpoint(id).await?, endpoint_spec(name));
            store.update_endpoint(&seen, spec, credentials("s"), Health::Healthy, after(5)).await
        };
        let taken = update(second.id, "a").await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict { .. }), "{taken}");
        let renamed = update(first.id, "c").await.unwrap();
        assert_eq!((renamed.created, renamed.updated), (after(0), after(5)));
        assert_eq!(store.endpoint(first.id).await.unwrap(), renamed);
        update(second.id, "a").await.unwrap();
        store.delete_endpoint(second.id).await.unwrap();
        let gone = store.endpoint(second.id).await.unwrap_err();
        assert_eq!(gone.to_string(), "endpoint 2 does not exist");
        assert!(store.credentials(second.id).await.is_err());
        assert!(store.delete_endpoint(second.id).await.is_err());
        // The name comes back, the id does not.
        assert_eq!(endpoint(&store, "a").await.unwrap().id.0, 3);
    }

    #[tokio::test]
    async fn a_record_that_is_not_understood_hides_no_other_and_can_be_deleted() {
        let store = memory().await;
        for name in ["a", "b", "c"] {
            endpoint(&store, name).await.unwrap();
        }
        let damage = |tables: &mut Tables<'_>| tables.endpoints.put(2, b"\x01{".as_slice());
        store.write(damage).await.unwrap();
        let ids = [EndpointId(3), EndpointId(2), EndpointId(1)];
        let names = |found: Vec<Endpoint>| -> Vec<String> {
            found.into_iter().map(|it| it.spec.name).collect()
        };
        assert_eq!(names(store.endpoints().await.unwrap()), ["a", "c"]);
        assert_eq!(names(store.endpoints_among(&ids).await.unwrap()), ["c", "a"]);
        let policy = store.create_policy(policy_spec("p", 2, &[0]), after(0)).await.unwrap();
        let used = store.delete_endpoint(EndpointId(2)).await.unwrap_err().to_string();
        assert!(used.contains("`b` is used"), "{used}");
        store.delete_policy(policy.id).await.unwrap();
        store.delete_endpoint(EndpointId(2)).await.unwrap();
        assert!(store.delete_endpoint(EndpointId(2)).await.is_err());
        endpoint(&store, "b").await.expect("its name is free again");
    }

    #[tokio::test]
    async fn generation_counts_changes_of_address_and_credentials() {
        let store = memory().await;
        let stored = endpoint(&store, "a").await.unwrap();
        let base = || (endpoint_spec("a"), credentials("s"));
        type Case = (&'static str, fn(&mut EndpointSpec, &mut Credentials), bool);
        let cases: [Case; 8] = [
            ("nothing", |_, _| (), false),
            ("description", |spec, _| spec.description = "x".to_owned(), false),
            ("name", |spec, _| spec.name = "z".to_owned(), false),
            ("url", |spec, _| spec.url = "https://other.test".parse().unwrap(), true),
            ("provider", |spec, _| spec.provider = "x".to_owned(), true),
            ("access key", |spec, _| spec.access_key = None, true),
            ("secret", |_, new| *new = credentials("t"), true),
            ("client key", |_, new| new.client_key = Some(Secret::new("k".to_owned())), true),
        ];
        let mut seen = stored.clone();
        for (what, change, counts) in cases {
            let (mut spec, mut secrets) = base();
            change(&mut spec, &mut secrets);
            let expected = secrets.clone();
            let changed = store.update_endpoint(&seen, spec, secrets, Health::Unknown, after(1));
            let changed = changed.await.unwrap();
            assert_eq!(changed.generation, seen.generation + u64::from(counts), "{what}");
            let known = store.credentials(stored.id).await.unwrap();
            assert_eq!(secrets::parts(&known), secrets::parts(&expected), "{what}");
            let (spec, secrets) = base();
            let back = store.update_endpoint(&changed, spec, secrets, Health::Unknown, after(2));
            seen = back.await.unwrap();
        }
        let without = store.update_endpoint(
            &seen,
            endpoint_spec("a"),
            Credentials::default(),
            Health::Unknown,
            after(3),
        );
        assert!(!without.await.unwrap().has_secret);
        let known = store.credentials(stored.id).await.unwrap();
        assert_eq!(secrets::parts(&known), [None; 4]);
    }

    #[tokio::test]
    async fn who_saw_an_older_endpoint_changes_nothing() {
        let store = memory().await;
        let seen = endpoint(&store, "a").await.unwrap();
        let update = |spec, secret| {
            store.update_endpoint(&seen, spec, credentials(secret), Health::Healthy, after(1))
        };
        let renamed = update(endpoint_spec("b"), "s").await.unwrap();
        let late = update(endpoint_spec("c"), "s").await.unwrap_err();
        assert!(matches!(late, StoreError::Changed { .. }), "{late}");
        // A secret alone is a change; what a health check found is none.
        let seen = renamed;
        let update = |secret| {
            let spec = endpoint_spec("b");
            store.update_endpoint(&seen, spec, credentials(secret), Health::Healthy, after(2))
        };
        store.set_health(&seen, Health::Unknown, after(2)).await.unwrap();
        update("t").await.unwrap();
        assert!(matches!(update("u").await.unwrap_err(), StoreError::Changed { .. }));
        let (now, secrets) = store.endpoint_with_credentials(seen.id).await.unwrap();
        assert_eq!((now.spec.name.as_str(), now.generation), ("b", 2));
        assert_eq!(secrets.access_secret.unwrap().expose(), "t");
    }

    #[tokio::test]
    async fn health_is_news_once_and_of_the_endpoint_that_was_checked() {
        let store = memory().await;
        let seen = endpoint(&store, "a").await.unwrap();
        let down = |why: &str| Health::Unhealthy(why.to_owned());
        let cases = [
            (down("closed port"), 1, 1),
            (down("closed port"), 2, 1),
            // Another reason is told and is no change of the endpoint.
            (down("no such host"), 3, 1),
            (Health::Healthy, 4, 4),
        ];
        for (health, at, updated) in cases {
            store.set_health(&seen, health.clone(), after(at)).await.unwrap();
            let endpoint = store.endpoint(seen.id).await.unwrap();
            assert_eq!((endpoint.health, endpoint.updated), (health, after(updated)));
        }
        let spec = EndpointSpec { insecure: true, ..endpoint_spec("a") };
        store
            .update_endpoint(&seen, spec, credentials("s"), Health::Healthy, after(5))
            .await
            .unwrap();
        store.set_health(&seen, down("late"), after(6)).await.unwrap();
        assert_eq!(store.endpoint(seen.id).await.unwrap().health, Health::Healthy);
        store.delete_endpoint(seen.id).await.unwrap();
        let gone = store.set_health(&seen, Health::Healthy, after(7)).await;
        assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    }

    #[tokio::test]
    async fn an_endpoint_in_use_stays_and_says_who_uses_it() {
        let store = memory().await;
        for name in ["a", "b"] {
            endpoint(&store, name).await.unwrap();
        }
        let policy = store.create_policy(policy_spec("p", 1, &[2]), after(0)).await.unwrap();
        for id in [1, 2] {
            let refused = store.delete_endpoint(EndpointId(id)).await.unwrap_err();
            assert!(matches!(&refused, StoreError::InUse(text) if text.contains("(id 1)")));
        }
        let without = policy_spec("p", 0, &[2]);
        store.update_policy(policy.id, without, after(1)).await.unwrap();
        store.delete_endpoint(EndpointId(1)).await.unwrap();
        assert!(store.delete_endpoint(EndpointId(2)).await.is_err());
        store.delete_policy(policy.id).await.unwrap();
        store.delete_endpoint(EndpointId(2)).await.unwrap();
    }
}
