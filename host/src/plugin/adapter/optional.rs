//! Functions of optional interfaces that have no meaning of "nothing to do": where the component
//! does not export them, they are `unsupported`.

use std::{sync::Arc, time::Duration};

use portolan_bindings::v0_1::portolan::adapter::http::ResponseHeader;
use portolan_core::provider::{ChartLocation, DeliveryAuth, Event};
use tokio::time::Instant;

use super::Adapter;
use crate::{
    net::Budgets,
    plugin::{
        Inner, Package, PluginError,
        instance::{Allowance, Call},
        v0_1,
    },
};

/// Longest time `authentication` may take: it may call nothing.
const AUTHENTICATION: Duration = Duration::from_secs(2);

impl Adapter {
    /// Deletes one tag; others on the same digest stay, where the provider can do that.
    pub(crate) async fn delete_tag(&self, repository: &str, tag: &str) -> Result<(), PluginError> {
        const FUNCTION: &str = "delete-tag";
        let mut call = self.begin(FUNCTION).await?;
        let guest = self.package.exports.management(&mut call)?;
        let guest = guest.ok_or_else(|| self.missing("management", "delete tags"))?;
        let endpoint = self.endpoint();
        let work = guest.call_delete_tag(&mut call.store, &endpoint, repository, tag);
        let outcome = call.deadline.within(work).await;
        self.finish(call, FUNCTION, outcome)
    }

    /// Deletes by digest, with every tag on it.
    pub(crate) async fn delete_artifact(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<(), PluginError> {
        const FUNCTION: &str = "delete-artifact";
        let mut call = self.begin(FUNCTION).await?;
        let guest = self.package.exports.management(&mut call)?;
        let guest = guest.ok_or_else(|| self.missing("management", "delete artifacts"))?;
        let endpoint = self.endpoint();
        let work = guest.call_delete_artifact(&mut call.store, &endpoint, repository, digest);
        let outcome = call.deadline.within(work).await;
        self.finish(call, FUNCTION, outcome)
    }

    /// How the provider's webhooks prove themselves.
    pub(crate) async fn authentication(&self) -> Result<Vec<DeliveryAuth>, PluginError> {
        Ok(authentication(&self.inner, &self.package).await?.to_vec())
    }

    /// What a webhook that passed its check says.
    pub(crate) async fn parse(
        &self,
        headers: &[(String, Vec<u8>)],
        body: &[u8],
    ) -> Result<Vec<Event>, PluginError> {
        const FUNCTION: &str = "parse";
        let mut call = self.begin(FUNCTION).await?;
        let guest = self.package.exports.notifications(&mut call)?;
        let guest = guest.ok_or_else(|| self.missing("notifications", "read webhooks"))?;
        let endpoint = self.endpoint();
        let header = |(name, value): &(String, Vec<u8>)| ResponseHeader {
            name: name.clone(),
            value: value.clone(),
        };
        let headers: Vec<_> = headers.iter().map(header).collect();
        let work = guest.call_parse(&mut call.store, &endpoint, &headers, body);
        let outcome = call.deadline.within(work).await;
        v0_1::delivery::events(self.finish(call, FUNCTION, outcome)?)
    }

    /// Where the chart of a repository's tag is. Each address is checked again when it is used.
    pub(crate) async fn resolve_chart(
        &self,
        repository: &str,
        tag: &str,
    ) -> Result<ChartLocation, PluginError> {
        const FUNCTION: &str = "resolve-chart";
        let mut call = self.begin(FUNCTION).await?;
        let guest = self.package.exports.foreign(&mut call)?;
        let guest = guest.ok_or_else(|| self.missing("foreign-content", "find charts"))?;
        let endpoint = self.endpoint();
        let work = guest.call_resolve_chart(&mut call.store, &endpoint, repository, tag);
        let outcome = call.deadline.within(work).await;
        v0_1::location(self.finish(call, FUNCTION, outcome)?)
    }

    fn missing(&self, interface: &str, what: &str) -> PluginError {
        missing(&self.bound.provider, interface, what)
    }
}

fn missing(provider: &str, interface: &str, what: &str) -> PluginError {
    PluginError::Unsupported(format!(
        "the adapter `{provider}` cannot {what}: it does not export `{interface}`"
    ))
}

/// How a provider's webhooks prove themselves. Asked once, and without an endpoint: an import traps.
pub(in crate::plugin) async fn authentication(
    inner: &Inner,
    package: &Package,
) -> Result<Arc<[DeliveryAuth]>, PluginError> {
    let ask = async || {
        let allowance = Allowance {
            provider: package.info.provider.clone(),
            function: "authentication",
            bound: None,
            budgets: Budgets::default(),
            time: AUTHENTICATION,
            memory: inner.limits.memory,
            requests: 0,
            log_lines: 0,
        };
        let mut call = Call::begin(&inner.engine, &package.pre, allowance).await?;
        let guest = package.exports.notifications(&mut call)?;
        let guest = guest
            .ok_or_else(|| missing(&package.info.provider, "notifications", "read webhooks"))?;
        let outcome = call.deadline.within(guest.call_authentication(&mut call.store)).await;
        let (ways, _) = call.finish(outcome)?;
        v0_1::delivery::ways(ways).map(Arc::from)
    };
    let asked = package.ways.get_or_try_init(ask).await.cloned();
    asked.inspect_err(|error| package.trouble.note(Some(error), Instant::now()))
}
