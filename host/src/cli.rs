//! The terminal: what is typed, the daemon's HTTP interface, what is printed.

pub mod args;
