//! The WebAssembly engine: its configuration, its clock, its linker, and who may call at once.
//!
//! One engine for each [`super::Plugins`]. It never decides what an import may do; `imports` does.

use std::sync::Arc;

use portolan_bindings::v0_1;
use tokio::sync::Semaphore;
use wasmtime::{
    Config, Enabled,
    component::{HasSelf, Linker},
};

use super::{Limits, PluginError, clock::Clock, instance::State};

/// Pool slots beyond the permits, so that an instance still being torn down is no obstacle.
const SPARE: u32 = 4;
/// Core instances of one component, tables and memories: componentize-py needs more than 20.
pub(super) const CORE_INSTANCES: u32 = 200;
/// Tables of one component.
pub(super) const TABLES: u32 = 400;
/// Linear memories of one component.
pub(super) const MEMORIES: u32 = 20;
/// Bytes of a table that are zeroed by writing to them, and kept: most tables are shorter, and giving
/// them back to the system would interrupt every core at each call.
const KEPT: usize = 16 << 10;
/// Elements of one table.
pub(super) const TABLE_ELEMENTS: usize = 100_000;

/// The engine with everything that is shared by all components. Cheap to clone.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) wasm: wasmtime::Engine,
    pub(super) linker: Arc<Linker<State>>,
    /// Held for the length of a call; fewer than the pool has slots.
    pub(super) permits: Arc<Semaphore>,
    /// Runs while calls do.
    pub(super) clock: Arc<Clock>,
}

impl Engine {
    /// Reserves the pool, links every import and starts the clock.
    pub(super) fn new(limits: &Limits) -> Result<Self, PluginError> {
        Self::with(&config(limits), limits)
    }

    /// The same over another configuration: a test looks into guests' memories with one.
    pub(super) fn with(config: &Config, limits: &Limits) -> Result<Self, PluginError> {
        let internal = |what: &str, error: wasmtime::Error| {
            PluginError::Internal(format!(
                "the WebAssembly engine cannot be made: {what}: {error:#}"
            ))
        };
        let wasm = wasmtime::Engine::new(config).map_err(|error| {
            internal(
                "its pool needs address space; allow fewer calls at once or less memory",
                error,
            )
        })?;
        let mut linker = Linker::new(&wasm);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)
            .map_err(|error| internal("linking WASI", error))?;
        v0_1::Complete::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)
            .map_err(|error| internal("linking portolan:adapter", error))?;
        Ok(Self {
            clock: Arc::new(Clock::start(&wasm)?),
            wasm,
            linker: Arc::new(linker),
            permits: Arc::new(Semaphore::new(calls(limits) as usize)),
        })
    }
}

fn calls(limits: &Limits) -> u32 {
    u32::try_from(limits.concurrent_calls).unwrap_or(u32::MAX).clamp(1, 1024)
}

/// What compiled code depends on: the parent and the compiling child must agree on it.
pub(super) fn config(limits: &Limits) -> Config {
    let calls = calls(limits) + SPARE;
    let mut pool = wasmtime::PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls * 16 + CORE_INSTANCES)
        .total_memories(calls * 2 + MEMORIES)
        .total_tables(calls * 8 + TABLES)
        .total_stacks(calls)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_memory_size(limits.memory)
        .table_elements(TABLE_ELEMENTS)
        // All of a memory is given back. Where the kernel is asked which pages were written, those
        // that were swapped out meanwhile would be met by the next call (wasmtime 48).
        .linear_memory_keep_resident(0)
        .pagemap_scan(Enabled::No)
        .table_keep_resident(KEPT);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .memory_reservation(limits.memory.next_multiple_of(1 << 16) as u64)
        .memory_guard_size(1 << 20)
        .guard_before_linear_memory(false)
        .allocation_strategy(wasmtime::InstanceAllocationStrategy::Pooling(pool));
    config
}
