//! Portolan's nouns and decisions.
//!
//! OCI vocabulary, endpoints, rules, filters, names, plans and states. This crate does no IO and
//! knows no clock: its manifest lists nothing that could, and instants are arguments.

pub mod accepts;
pub mod account;
pub mod audit;
pub mod budget;
pub mod endpoint;
pub mod event;
pub mod execution;
pub mod filter;
pub mod id;
pub mod naming;
pub mod network;
pub mod oci;
pub mod page;
pub mod pattern;
pub mod plan;
pub mod policy;
pub mod provider;
pub mod secret;
pub mod selection;
pub mod task;
pub mod trigger;
pub mod visibility;
