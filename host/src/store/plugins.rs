//! Plug-ins: what they say of themselves, their bytes, and the administrator's approval.
//!
//! The approval belongs to the digest: other bytes never inherit it.

use portolan_core::oci::Digest;
use redb::ReadableTable;

use super::{
    PluginGrant, PluginRecord, Store, StoreError,
    rows::{all, find, missing, unreadable},
    tables::{Json, Snapshot, Tables},
};

impl Store {
    /// Stores a plug-in with the bytes of its component; replaces the one of the same digest,
    /// whose grant stays where the new record has none.
    pub(crate) async fn put_plugin(
        &self,
        record: PluginRecord,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let put = move |tables: &mut Tables<'_>| {
            let key = record.digest.as_str();
            tables.components.put(key, bytes.as_slice())?;
            if let Some(grant) = &record.grant {
                tables.grants.put_json(key, grant)?;
            }
            tables.plugins.put_json(key, &PluginRecord { grant: None, ..record.clone() })
        };
        self.write(put).await
    }

    /// Every plug-in, by provider, then by time of installation.
    pub(crate) async fn plugins(&self) -> Result<Vec<PluginRecord>, StoreError> {
        let list = |tables: &Snapshot| {
            let mut records: Vec<PluginRecord> = all(&tables.plugins)?;
            for record in &mut records {
                record.grant = find(&tables.grants, record.digest.as_str())?;
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
            let bytes = ReadableTable::get(&tables.components, digest.as_str());
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
            let mut record = plugin(&*tables.plugins, &digest)?;
            match &grant {
                None => {
                    tables.grants.remove(digest.as_str())?;
                }
                Some(grant) => {
                    let known: Vec<PluginRecord> = all(&*tables.plugins)?;
                    let same = |other: &&PluginRecord| other.info.provider == record.info.provider;
                    for other in known.iter().filter(same) {
                        tables.grants.remove(other.digest.as_str())?;
                    }
                    tables.grants.put_json(digest.as_str(), grant)?;
                }
            }
            record.grant = grant;
            Ok(record)
        };
        self.write(set).await
    }

    /// Forgets a plug-in, or `NotFound`.
    pub(crate) async fn remove_plugin(&self, digest: &Digest) -> Result<(), StoreError> {
        let digest = digest.clone();
        let remove = move |tables: &mut Tables<'_>| {
            plugin(&*tables.plugins, &digest)?;
            tables.plugins.remove(digest.as_str())?;
            tables.components.remove(digest.as_str())?;
            tables.grants.remove(digest.as_str())?;
            Ok(())
        };
        self.write(remove).await
    }
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
