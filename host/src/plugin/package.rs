//! From bytes to a [`Package`]: checked against the contract, compiled, linked, asked who it is.
//! Nothing of it can reach a network or a secret on the way.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use portolan_core::{
    oci::Digest,
    provider::{AdapterInfo, DeliveryAuth},
};
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use wasmtime::component::InstancePre;

use super::{
    Inner, PluginError,
    compile::blocking,
    contract,
    instance::{Allowance, Call, State},
    trouble::{Calls, Trouble},
    v0_1::{self, Exports},
};
use crate::net::Budgets;

/// Longest time `describe` may take: it computes nothing and may call nothing.
const DESCRIBE: Duration = Duration::from_secs(2);

/// Bytes proven loadable, compiled, and asked who they are.
pub(crate) struct Package {
    /// Digest of the component's bytes.
    pub(crate) digest: Digest,
    pub(super) origin: Origin,
    /// When this process loaded it.
    pub(crate) loaded: OffsetDateTime,
    /// What it says of itself.
    pub(crate) info: AdapterInfo,
    pub(super) pre: InstancePre<State>,
    pub(super) exports: Exports,
    pub(super) trouble: Trouble,
    /// How webhooks prove themselves, once that was asked.
    pub(super) ways: OnceCell<Arc<[DeliveryAuth]>>,
}

impl Package {
    /// What it was asked to do since it was loaded.
    pub(crate) fn calls(&self) -> Calls {
        self.trouble.calls()
    }
}

/// Where a component came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// With the program.
    #[cfg(feature = "daemon")]
    Bundled,
    /// From anybody.
    Elsewhere,
}

/// Takes a component in; nothing is enabled by it.
pub(super) async fn load(
    inner: &Inner,
    (bytes, digest): (Bytes, Digest),
    origin: Origin,
) -> Result<Package, PluginError> {
    let limit = inner.limits.component_bytes;
    if bytes.len() > limit {
        return Err(PluginError::Unusable(format!(
            "the component has {} bytes, more than the {limit} this host takes",
            bytes.len()
        )));
    }
    if origin == Origin::Elsewhere {
        let checked = bytes.clone();
        blocking(move || contract::check(&checked).map_err(PluginError::Unusable)).await?;
    }
    let component = inner.workshop.clone().component(bytes, &digest).await?;
    let unusable = |what: &str, error: &wasmtime::Error| {
        PluginError::Unusable(format!("the component cannot be {what}: {error:#}"))
    };
    let pre = inner.engine.linker.instantiate_pre(&component);
    let pre = pre.map_err(|error| unusable("linked", &error))?;
    let exports = Exports::find(&pre).map_err(|error| unusable("used", &error))?;
    let info = describe(inner, (&pre, &exports), &digest, origin).await?;
    let loaded = OffsetDateTime::now_utc();
    Ok(Package {
        digest,
        loaded,
        info,
        origin,
        pre,
        exports,
        trouble: Trouble::default(),
        ways: OnceCell::new(),
    })
}

pub(super) async fn describe(
    inner: &Inner,
    (pre, exports): (&InstancePre<State>, &Exports),
    digest: &Digest,
    origin: Origin,
) -> Result<AdapterInfo, PluginError> {
    let allowance = Allowance {
        provider: digest.as_str().to_owned(),
        function: "describe",
        bound: None,
        budgets: Budgets::default(),
        time: DESCRIBE,
        memory: inner.limits.memory,
        requests: 0,
        log_lines: 0,
    };
    let mut call = Call::begin(&inner.engine, pre, allowance).await?;
    exports.prove(&mut call).map_err(|error| {
        PluginError::Unusable(format!("the component's types differ from this host's: {error:#}"))
    })?;
    let guest = exports.registry(&mut call)?;
    let outcome = call.deadline.within(guest.call_describe(&mut call.store)).await;
    let (info, _) = call.finish(outcome)?;
    v0_1::info::read(info, exports.capabilities(), origin)
        .map_err(|why| PluginError::Unusable(format!("what the adapter says of itself: {why}")))
}
