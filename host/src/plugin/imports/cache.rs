//! `host-cache`: values between calls, scoped to the endpoint by [`crate::plugin::memory`].

use std::time::Duration;

use portolan_bindings::v0_1::portolan::adapter::{host_cache, types};
use tokio::time::Instant;

use crate::plugin::instance::State;

impl types::Host for State {}

impl host_cache::Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.bound()?.memory.get(&key, Instant::now()))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl_seconds: u32) -> wasmtime::Result<()> {
        let ttl = Duration::from_secs(u64::from(ttl_seconds));
        self.bound()?.memory.set(key, value, ttl, Instant::now());
        Ok(())
    }

    async fn remove(&mut self, key: String) -> wasmtime::Result<()> {
        self.bound()?.memory.remove(&key);
        Ok(())
    }
}
