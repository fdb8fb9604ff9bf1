//! One call: a fresh store with its limits, one instance, one deadline; then all of it is dropped.
//!
//! Wall time is limited twice: by epochs, for a guest that computes, and by a timer, for one
//! that waits in a host call.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, error::Elapsed, timeout_at},
};
use wasmtime::{
    Store, UpdateDeadline,
    component::{Instance, InstancePre, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::{PluginError, bound::Bound, clock::Running, engine::Engine};
use crate::net::Budgets;

mod meter;
mod stderr;
#[cfg(all(test, feature = "daemon"))]
pub(super) mod work;

use meter::Meter;
use stderr::Stderr;

/// Most WASI resources (streams, pollables) of one instance: they live in the host's memory.
const MAX_RESOURCES: usize = 10_000;

/// What the host keeps for one instance.
pub(super) struct State {
    /// The endpoint the call is about; without one every import of ours traps.
    pub(super) bound: Option<Arc<Bound>>,
    /// What its requests have to obey.
    pub(super) budgets: Budgets,
    /// Which export was called, for log lines.
    pub(super) function: &'static str,
    /// When the call ends.
    pub(super) deadline: Instant,
    /// HTTP requests it may still send.
    pub(super) requests: u32,
    /// Log lines it may still write.
    pub(super) log_lines: u32,
    /// The limit that ended it, or that made a request of it fail.
    pub(super) tripped: Option<Tripped>,
    meter: Meter,
    stderr: Stderr,
    wasi: WasiCtx,
    table: ResourceTable,
}

/// A limit that was reached.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(super) struct Tripped {
    /// `time`, `requests`, `response-bytes`, `secret-echo`, …
    pub(super) limit: &'static str,
    pub(super) detail: String,
}

impl State {
    /// Notes the limit; returning the error from an import ends the guest.
    pub(super) fn trip(&mut self, limit: &'static str, detail: String) -> wasmtime::Error {
        let tripped = Tripped { limit, detail };
        self.tripped = Some(tripped.clone());
        tripped.into()
    }

    /// The endpoint, or the error that ends a `describe` which asks for something.
    pub(super) fn bound(&self) -> wasmtime::Result<Arc<Bound>> {
        self.bound.clone().ok_or_else(|| {
            wasmtime::format_err!("`{}` must not call any import of the host", self.function)
        })
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// What a call is allowed.
pub(super) struct Allowance {
    /// Name for messages; the provider, or the digest of what is not installed yet.
    pub(super) provider: String,
    pub(super) function: &'static str,
    pub(super) bound: Option<Arc<Bound>>,
    pub(super) budgets: Budgets,
    pub(super) time: Duration,
    pub(super) memory: usize,
    pub(super) requests: u32,
    pub(super) log_lines: u32,
}

/// An instance that may be called once.
pub(super) struct Call {
    pub(super) store: Store<State>,
    pub(super) instance: Instance,
    pub(super) deadline: Deadline,
    provider: String,
    _running: Running,
    // Last, so that the pool's slot is free before the next call may start.
    _permit: OwnedSemaphorePermit,
}

/// When a call ends.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// Runs a guest's function until it ends or its time does.
    pub(super) async fn within<T>(
        self,
        work: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<wasmtime::Result<T>, Elapsed> {
        timeout_at(self.0, work).await
    }
}

impl Call {
    /// Waits for a place, at most as long as the call may take, then instantiates.
    pub(super) async fn begin(
        engine: &Engine,
        pre: &InstancePre<State>,
        allowance: Allowance,
    ) -> Result<Self, PluginError> {
        let permit = tokio::time::timeout(allowance.time, engine.permits.clone().acquire_owned());
        let Ok(Ok(permit)) = permit.await else {
            return Err(PluginError::Limit {
                provider: allowance.provider,
                function: allowance.function,
                limit: "concurrent-calls",
                detail: "no place became free; too many adapters are at work".to_owned(),
            });
        };
        let provider = allowance.provider.clone();
        let deadline = Deadline(Instant::now() + allowance.time);
        let running = engine.clock.runs();
        let mut store = store(engine, allowance, deadline.0);
        match deadline.within(pre.instantiate_async(&mut store)).await {
            Ok(Ok(instance)) => {
                let (_running, _permit) = (running, permit);
                Ok(Self { store, instance, deadline, provider, _running, _permit })
            }
            other => Err(failure(&store, provider, other.map(|it| it.map(|_| ())))),
        }
    }

    /// Ends the call: what the guest returned, or the limit or trap that stopped it.
    pub(super) fn finish<T>(
        self,
        outcome: Result<wasmtime::Result<T>, Elapsed>,
    ) -> Result<(T, Option<Tripped>), PluginError> {
        #[cfg(all(test, feature = "daemon"))]
        work::note(&self.store);
        match outcome {
            Ok(Ok(value)) => Ok((value, self.store.into_data().tripped)),
            other => Err(failure(&self.store, self.provider, other.map(|it| it.map(|_| ())))),
        }
    }

    /// A failure to find the functions that were there at load.
    pub(super) fn broken(&self, error: &wasmtime::Error) -> PluginError {
        PluginError::Trap {
            provider: self.provider.clone(),
            function: self.store.data().function,
            detail: format!("{error:#}"),
        }
    }
}

fn store(engine: &Engine, allowance: Allowance, deadline: Instant) -> Store<State> {
    let stderr = Stderr::default();
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_RESOURCES);
    let wasi = WasiCtx::builder().stderr(stderr.clone()).build();
    let state = State {
        bound: allowance.bound,
        budgets: allowance.budgets,
        function: allowance.function,
        deadline,
        requests: allowance.requests,
        log_lines: allowance.log_lines,
        tripped: None,
        meter: Meter::new(allowance.memory),
        stderr,
        wasi,
        table,
    };
    let mut store = Store::new(&engine.wasm, state);
    store.limiter(|state| &mut state.meter);
    #[cfg(all(test, feature = "daemon"))]
    work::allow(&mut store);
    // A new store's deadline is already over; the first tick asks, and each one after.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        let state = context.data_mut();
        if Instant::now() < state.deadline {
            Ok(UpdateDeadline::Yield(1))
        } else {
            Err(state.trip("time", "it was still computing".to_owned()))
        }
    });
    store
}

/// Finds out which limit it was; a trap that is none of them is the adapter's own.
fn failure(
    store: &Store<State>,
    provider: String,
    outcome: Result<wasmtime::Result<()>, Elapsed>,
) -> PluginError {
    let state = store.data();
    let function = state.function;
    let limit = |limit, detail: String| PluginError::Limit {
        provider: provider.clone(),
        function,
        limit,
        detail,
    };
    let error = match outcome {
        Err(_) => return limit("time", "it was still waiting".to_owned()),
        Ok(Ok(())) => return limit("time", "it ended too late".to_owned()),
        Ok(Err(error)) => error,
    };
    if let Some(tripped) = error.downcast_ref::<Tripped>() {
        return limit(tripped.limit, tripped.detail.clone());
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return limit("instances", "the pool of instances is used up".to_owned());
    }
    if error.downcast_ref() == Some(&wasmtime::Trap::StackOverflow) {
        return limit("stack", "its calls are nested too deep".to_owned());
    }
    let text = state.stderr.text();
    let cause = error.root_cause().to_string();
    let detail = if text.is_empty() { cause } else { format!("{cause}; it wrote: {text}") };
    match state.meter.denied() {
        Some(kind) => limit(kind, detail),
        None => PluginError::Trap { provider, function, detail },
    }
}
