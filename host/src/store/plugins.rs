//! Plug-ins: what they say of themselves, their bytes, and the administrator's approval.
//!
//! The approval belongs to the digest: other bytes never inherit it.

use portolan_core::{audit::Change, oci::Digest};
use redb::ReadableTable;

use super::{
    PluginGrant, PluginRecord, Store, StoreError,
    rows::{all, find, missing, unreadable},
    tables::{COMPONENTS, GRANTS, Json, PLUGINS, Snapshot, Tables},
};

impl Store {
    /// Stores a plug-in with the bytes of its component; replaces the one of the same digest,
    /// whose grant stays where the new record has none.
    pub(crate) async fn put_plugin(
        &self,
        mut record: PluginRecord,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let grant = record.grant.take();
        let put = move |tables: &mut Tables<'_>| {
            let key = record.digest.as_str();
            tables.components.put(key, bytes.as_slice())?;
            if let Some(grant) = &grant {
                tables.grants.put_json(key, grant)?;
            }
            tables.plugins.put_json(key, &record)?;
            Ok(((), noted(&record).to(&shown(&record, grant.as_ref()))))
        };
        self.change(put).await
    }

    /// Every plug-in, by provider, then by time of installation.
    pub(crate) async fn plugins(&self) -> Result<Vec<PluginRecord>, StoreError> {
        let list = |tables: &Snapshot| {
            let mut records: Vec<PluginRecord> = all(&tables.open(PLUGINS)?)?;
            let grants = tables.open(GRANTS)?;
            for record in &mut records {
                record.grant = find(&grants, record.digest.as_str())?;
            }
            records.sort_by(|a, b| {
                (&a.info.provider, a.installed).cmp(&(&b.info.provider, b.installed))
            });
            Ok(records)
        };
        self.read(list).await
    }

    /// The component of a plug-in, or `NotFound`.
    pub(crate) async fn plugin_bytes(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let digest = digest.clone();
        self.read(move |tables| {
            let components = tables.open(COMPONENTS)?;
            let bytes = ReadableTable::get(&components, digest.as_str());
            let bytes = bytes.map_err(unreadable)?.ok_or_else(|| unknown(&digest))?;
            Ok(bytes.value().to_vec())
        })
        .await
    }

    /// Grants hosts to a plug-in (approval), or takes the grant away (`None`); approving one
    /// revokes any other of the same provider.
    pub(crate) async fn set_grant(
        &self,
        digest: &Digest,
        grant: Option<PluginGrant>,
    ) -> Result<PluginRecord, StoreError> {
        let digest = digest.clone();
        let set = move |tables: &mut Tables<'_>| {
            let mut record = plugin(tables.plugins.open()?, &digest)?;
            let old: Option<PluginGrant> = find(tables.grants.open()?, digest.as_str())?;
            let change = noted(&record).from(&shown(&record, old.as_ref()));
            match &grant {
                None => {
                    tables.grants.remove(digest.as_str())?;
                }
                Some(grant) => {
                    let known: Vec<PluginRecord> = all(tables.plugins.open()?)?;
                    let same = |other: &&PluginRecord| other.info.provider == record.info.provider;
                    for other in known.iter().filter(same) {
                        tables.grants.remove(other.digest.as_str())?;
                    }
                    tables.grants.put_json(digest.as_str(), grant)?;
                }
            }
            let change = change.to(&shown(&record, grant.as_ref()));
            record.grant = grant;
            Ok((record, change))
        };
        self.change(set).await
    }

    /// Forgets a plug-in, or `NotFound`.
    pub(crate) async fn remove_plugin(&self, digest: &Digest) -> Result<(), StoreError> {
        let digest = digest.clone();
        let remove = move |tables: &mut Tables<'_>| {
            let record = plugin(tables.plugins.open()?, &digest)?;
            tables.plugins.remove(digest.as_str())?;
            tables.components.remove(digest.as_str())?;
            tables.grants.remove(digest.as_str())?;
            Ok(((), noted(&record).from(&shown(&record, None))))
        };
        self.change(remove).await
    }
}

fn noted(record: &PluginRecord) -> Change {
    Change::of("plugin", &record.digest)
}

/// What the audit log keeps of a plug-in; its schemas are long, and its digest says them all.
fn shown(record: &PluginRecord, grant: Option<&PluginGrant>) -> serde_json::Value {
    let PluginRecord { info, source, .. } = record;
    serde_json::json!({
        "provider": info.provider, "version": info.version, "source": source,
        "granted": grant.map(|grant| &grant.hosts),
    })
}

fn plugin(
    table: &impl ReadableTable<&'static str, Json>,
    digest: &Digest,
) -> Result<PluginRecord, StoreError> {
    find(table, digest.as_str())?.ok_or_else(|| unknown(digest))
}

fn unknown(digest: &Digest) -> StoreError {
    missing("plug-in", digest)
}

#[cfg(test)]
mod tests {
    use portolan_core::provider::{AdapterInfo, Capabilities};

    use super::*;
    use crate::store::fixtures::{after, memory};

    fn record(provider: &str, bytes: &[u8], installed: i64) -> PluginRecord {
        let info = AdapterInfo {
            provider: provider.to_owned(),
            display_name: String::new(),
            description: String::new(),
            version: String::new(),
            endpoints: None,
            credentials: None,
            hint: String::new(),
            settings_schema: serde_json::Value::Null,
            allowed_hosts: Vec::new(),
            login_urls: Vec::new(),
            signing: Vec::new(),
            resources: Vec::new(),
            min_components: 1,
            max_components: None,
            accepted_manifests: Vec::new(),
            can_push: true,
            extra: Vec::new(),
            capabilities: Capabilities::default(),
        };
        let digest = Digest::of(bytes);
        let source = format!("{provider}.wasm");
        PluginRecord { digest, info, grant: None, source, installed: after(installed) }
    }

    fn grant(by: &str) -> Option<PluginGrant> {
        Some(PluginGrant { hosts: Vec::new(), by: by.to_owned(), at: after(0) })
    }

    #[tokio::test]
    async fn one_approval_a_provider_bound_to_the_digest() {
        let store = memory().await;
        for (provider, bytes, at) in [("b", "b2", 2), ("b", "b1", 1), ("a", "a1", 3)] {
            let record = record(provider, bytes.as_bytes(), at);
            store.put_plugin(record, bytes.as_bytes().to_vec()).await.unwrap();
        }
        let approved = async || {
            let records = store.plugins().await.unwrap();
            let by = |record: &PluginRecord| record.grant.as_ref().map(|grant| grant.by.clone());
            records.iter().map(|record| by(record).unwrap_or_default()).collect::<Vec<_>>()
        };
        let [a1, b1, b2] = ["a1", "b1", "b2"].map(|bytes| Digest::of(bytes.as_bytes()));
        assert_eq!(store.plugins().await.unwrap()[1].digest, b1);
        for digest in [&a1, &b1] {
            let record = store.set_grant(digest, grant("x")).await.unwrap();
            assert!(record.grant.is_some());
        }
        assert_eq!(approved().await, ["x", "x", ""]);
        store.set_grant(&b2, grant("y")).await.unwrap();
        assert_eq!(approved().await, ["x", "", "y"]);
        store.set_grant(&a1, None).await.unwrap();
        assert_eq!(approved().await, ["", "", "y"]);
        // Stored again, the same bytes keep their approval; a record with one brings it.
        store.put_plugin(record("b", b"b2", 4), b"b2".to_vec()).await.unwrap();
        let shipped = PluginRecord { grant: grant("z"), ..record("a", b"a1", 5) };
        store.put_plugin(shipped, b"a1".to_vec()).await.unwrap();
        assert_eq!(approved().await, ["z", "", "y"]);
    }

    #[tokio::test]
    async fn what_is_removed_is_gone_with_its_approval() {
        let store = memory().await;
        let digest = Digest::of(b"a1");
        store.put_plugin(record("a", b"a1", 0), b"a1".to_vec()).await.unwrap();
        store.set_grant(&digest, grant("x")).await.unwrap();
        assert_eq!(store.plugin_bytes(&digest).await.unwrap(), b"a1");
        store.remove_plugin(&digest).await.unwrap();
        for gone in [
            store.plugin_bytes(&digest).await.map(|_| ()),
            store.set_grant(&digest, None).await.map(|_| ()),
            store.remove_plugin(&digest).await,
        ] {
            assert!(matches!(gone, Err(StoreError::NotFound { what: "plug-in", .. })));
        }
        store.put_plugin(record("a", b"a1", 0), b"a1".to_vec()).await.unwrap();
        assert!(store.plugins().await.unwrap()[0].grant.is_none());
    }
}
