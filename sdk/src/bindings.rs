//! What `wit_bindgen::generate!` makes of `wit/v0.1`: nothing here is written by hand.
//!
//! One call per world, so that an adapter exports only the interfaces it names; the later ones
//! reuse the modules of the first. Authors never name this module: `lib.rs` re-exports what
//! they need, item by item.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::restriction,
    reason = "generated from wit/, where each item is documented"
)]

/// `registry-adapter` and every import.
pub mod adapter {
    wit_bindgen::generate!({
        path: "../wit/v0.1",
        world: "adapter",
        pub_export_macro: true,
        export_macro_name: "export_registry_adapter",
        runtime_path: "::portolan_sdk::__private::rt",
        additional_derives: [PartialEq, Eq],
        generate_unused_types: true,
    });
}

macro_rules! optional_interface {
    ($module:ident, $world:literal, $macro_name:literal) => {
        #[doc = concat!("World `", $world, "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit/v0.1",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $macro_name,
                runtime_path: "::portolan_sdk::__private::rt",
                additional_derives: [PartialEq, Eq],
                with: {
                    "portolan:adapter/types@0.1.0": crate::bindings::adapter::portolan::adapter::types,
                    "portolan:adapter/http@0.1.0": crate::bindings::adapter::portolan::adapter::http,
                    "portolan:adapter/signer@0.1.0": crate::bindings::adapter::portolan::adapter::signer,
                    "portolan:adapter/host-cache@0.1.0": crate::bindings::adapter::portolan::adapter::host_cache,
                    "portolan:adapter/log@0.1.0": crate::bindings::adapter::portolan::adapter::log,
                },
            });
        }
    };
}

optional_interface!(management, "with-management", "export_management");
optional_interface!(labels, "with-labels", "export_labels");
optional_interface!(notifications, "with-notifications", "export_notifications");
optional_interface!(foreign_content, "with-foreign-content", "export_foreign_content");
