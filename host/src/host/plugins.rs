//! Plug-ins: installed by anyone who may, working only once approved.

use std::sync::Arc;

use portolan_core::{
    oci::Digest,
    provider::{AdapterInfo, AllowedHost},
};
use time::OffsetDateTime;

use super::{Host, Plugin, PluginState};
use crate::{
    error::{Code, Error},
    plugin::{Package, PluginError},
    store::{PluginGrant, PluginRecord},
};

impl Host {
    /// Every enabled provider, in byte order of its id.
    #[must_use]
    pub fn providers(&self) -> Vec<AdapterInfo> {
        self.shared.plugins.providers().iter().map(|package| package.info.clone()).collect()
    }

    /// Every plug-in, bundled ones first.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn plugins(&self) -> Result<Vec<Plugin>, Error> {
        let loaded = self.shared.plugins.providers();
        let bundled = loaded.iter().filter(|package| self.is_bundled(&package.digest));
        let mut plugins: Vec<Plugin> = bundled.map(|package| bundled_plugin(package)).collect();
        let records = self.store.plugins().await?;
        plugins.extend(records.into_iter().map(|record| self.installed_plugin(record)));
        Ok(plugins)
    }

    /// Checks a component and stores it; it waits for approval. `source` names the file for
    /// people. The same bytes again change nothing.
    ///
    /// # Errors
    /// `Invalid` where the component cannot be run, with what differs.
    pub async fn install_plugin(
        &self,
        component: Vec<u8>,
        source: String,
    ) -> Result<Plugin, Error> {
        let package = self.shared.plugins.load(component.clone()).await?;
        if self.is_bundled(&package.digest) {
            return Ok(bundled_plugin(&package));
        }
        let known = self.store.plugins().await?;
        if let Some(record) = known.into_iter().find(|record| record.digest == package.digest) {
            return Ok(self.installed_plugin(record));
        }
        let record = PluginRecord {
            digest: package.digest.clone(),
            info: package.info.clone(),
            grant: None,
            source,
            installed: OffsetDateTime::now_utc(),
        };
        self.store.put_plugin(record.clone(), component).await?;
        Ok(self.installed_plugin(record))
    }

    /// Approves a plug-in by digest, with the hosts it asked for, or those given. `by` is who.
    /// Another plug-in of the same provider loses its approval; a bundled one steps back.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` where a host was not asked for.
    pub async fn approve_plugin(
        &self,
        digest: &Digest,
        hosts: Option<Vec<AllowedHost>>,
        by: &str,
    ) -> Result<Plugin, Error> {
        let bytes = self.store.plugin_bytes(digest).await?;
        let package = self.shared.plugins.load(bytes).await?;
        let hosts = hosts.unwrap_or_else(|| package.info.allowed_hosts.clone());
        if let Some(host) = hosts.iter().find(|host| !asked_for(&package.info, host)) {
            let text = format!("the plug-in did not ask for {} with these uses", host.pattern);
            return Err(Error::new(Code::Invalid, text));
        }
        let grant =
            PluginGrant { hosts: hosts.clone(), by: by.to_owned(), at: OffsetDateTime::now_utc() };
        let record = self.store.set_grant(digest, Some(grant)).await?;
        self.shared.plugins.enable(package, hosts);
        tracing::info!(provider = record.info.provider, %digest, by, "plug-in approved");
        Ok(self.installed_plugin(record))
    }

    /// Takes the approval away; running calls finish. A bundled adapter of the same provider
    /// serves again.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_plugin(&self, digest: &Digest) -> Result<Plugin, Error> {
        let record = self.store.set_grant(digest, None).await?;
        self.withdraw(digest);
        tracing::info!(provider = record.info.provider, %digest, "plug-in revoked");
        Ok(self.installed_plugin(record))
    }

    /// Revokes and forgets a plug-in.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_plugin(&self, digest: &Digest) -> Result<(), Error> {
        self.store.remove_plugin(digest).await?;
        self.withdraw(digest);
        Ok(())
    }

    /// Why settings have no adapter; says so where one only waits for approval.
    pub(super) async fn unbound(&self, error: PluginError) -> Error {
        let PluginError::UnknownProvider(provider) = &error else { return error.into() };
        let known = self.store.plugins().await.unwrap_or_default();
        if known.iter().any(|record| record.info.provider == *provider) {
            let text = format!(
                "{error}: a plug-in for it waits for approval; see `portolan plugin list`, then \
                 `portolan plugin approve {provider}`"
            );
            return Error::new(Code::Invalid, text);
        }
        error.into()
    }

    fn withdraw(&self, digest: &Digest) {
        let loaded = self.shared.plugins.providers();
        let Some(package) = loaded.into_iter().find(|package| package.digest == *digest) else {
            return;
        };
        let provider = &package.info.provider;
        self.shared.plugins.disable(provider);
        let ours = self.shared.bundled.iter().find(|bundled| bundled.info.provider == *provider);
        if let Some(ours) = ours {
            self.shared.plugins.enable(Arc::clone(ours), ours.info.allowed_hosts.clone());
        }
    }

    fn is_bundled(&self, digest: &Digest) -> bool {
        self.shared.bundled.iter().any(|package| package.digest == *digest)
    }

    fn installed_plugin(&self, record: PluginRecord) -> Plugin {
        let approved = record.grant.is_some();
        let loaded = self.shared.plugins.providers();
        let loaded = loaded.iter().find(|package| package.digest == record.digest);
        Plugin {
            digest: record.digest,
            info: record.info,
            state: if approved { PluginState::Approved } else { PluginState::Pending },
            granted: record.grant.map(|grant| grant.hosts).unwrap_or_default(),
            source: record.source,
            installed: record.installed,
            calls: loaded.map(|package| package.calls()).unwrap_or_default(),
        }
    }
}

/// Whether a grant stays within what the adapter declared.
fn asked_for(info: &AdapterInfo, granted: &AllowedHost) -> bool {
    info.allowed_hosts.iter().any(|asked| {
        asked.pattern == granted.pattern && granted.uses.iter().all(|u| asked.uses.contains(u))
    })
}

fn bundled_plugin(package: &Package) -> Plugin {
    Plugin {
        digest: package.digest.clone(),
        info: package.info.clone(),
        state: PluginState::Bundled,
        granted: package.info.allowed_hosts.clone(),
        source: String::new(),
        installed: package.loaded,
        calls: package.calls(),
    }
}
