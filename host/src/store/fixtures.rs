//! What the store's tests put into it. Tests only.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portolan_core::{
    endpoint::{Credentials, Endpoint, EndpointSpec, Health},
    execution::{Execution, StartedBy},
    id::EndpointId,
    policy::{Destination, Policy, PolicySpec},
    secret::Secret,
    task::{Operation, TaskSpec},
    trigger::Trigger,
};
use time::{Duration, OffsetDateTime};

use super::{Location, SealingKey, Store, StoreError};

pub(super) fn key(byte: u8) -> SealingKey {
    SealingKey(Secret::new(BASE64_STANDARD.encode([byte; 32])))
}

pub(super) async fn memory() -> Store {
    Store::open(Location::Memory, key(7)).await.unwrap()
}

pub(super) async fn at(directory: &Path) -> Result<Store, StoreError> {
    Store::open(Location::Directory(directory.to_owned()), key(7)).await
}

/// The instant `seconds` after the beginning of the test.
pub(super) fn after(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::seconds(seconds)
}

pub(super) fn endpoint_spec(name: &str) -> EndpointSpec {
    EndpointSpec {
        access_key: Some("robot".to_owned()),
        ..EndpointSpec::new(name, "harbor", "https://registry.test".parse().unwrap())
    }
}

pub(super) fn credentials(secret: &str) -> Credentials {
    Credentials { access_secret: Some(Secret::new(secret.to_owned())), ..Credentials::default() }
}

pub(super) async fn endpoint(store: &Store, name: &str) -> Result<Endpoint, StoreError> {
    let spec = endpoint_spec(name);
    store.create_endpoint(spec, credentials("s"), Health::Unknown, after(0)).await
}

pub(super) fn policy_spec(name: &str, source: u64, destinations: &[u64]) -> PolicySpec {
    let destination = |&id: &u64| Destination { endpoint: EndpointId(id), namespace: None };
    PolicySpec {
        name: name.to_owned(),
        description: String::new(),
        source: EndpointId(source),
        destinations: destinations.iter().map(destination).collect(),
        replace_count: 0,
        filters: Vec::new(),
        trigger: Trigger::Manual,
        override_tags: true,
        enabled: true,
        deletion: false,
        speed: 0,
        copy_by_chunk: false,
        single_active: false,
        options: Default::default(),
    }
}

pub(super) async fn policy(store: &Store, name: &str) -> Policy {
    store.create_policy(policy_spec(name, 0, &[0]), after(0)).await.unwrap()
}

pub(super) fn task_spec(repository: &str) -> TaskSpec {
    TaskSpec {
        operation: Operation::Copy,
        resource_type: "image".to_owned(),
        source: EndpointId(0),
        source_repository: repository.parse().unwrap(),
        destination: EndpointId(3),
        destination_repository: repository.parse().unwrap(),
        items: Vec::new(),
        override_tags: true,
        speed: 0,
        copy_by_chunk: false,
        visibility: None,
        attached: Vec::new(),
        options: Default::default(),
    }
}

pub(super) fn task_specs(count: usize) -> Vec<TaskSpec> {
    (0..count).map(|n| task_spec(&format!("library/r{n}"))).collect()
}

/// A new execution of a policy of its own.
pub(super) async fn execution(store: &Store) -> Execution {
    let name = format!("p{}", store.policies().await.unwrap().len());
    let policy = policy(store, &name).await;
    store.create_execution(policy.id, StartedBy::Manual, false, after(0)).await.unwrap()
}
