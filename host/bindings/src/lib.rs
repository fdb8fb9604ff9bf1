//! What `bindgen!` makes of `wit/v0.1`: nothing here is written by hand.
//!
//! Used by `portolan`'s `plugin` module alone.
#![allow(missing_docs, reason = "generated from wit/, where each item is documented")]

/// Line 0.1 of `portolan:adapter`.
pub mod v0_1 {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "complete",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}
