//! Harbor 1.x, and vSphere Integrated Containers Registry, which is one: what differs from 2.x.
//!
//! Tags in place of artifacts, projects by id, plain-text errors, and Docker's manifests alone.

pub(crate) mod health;
pub(crate) mod listing;
pub(crate) mod projects;
pub(crate) mod tags;
#[cfg(test)]
mod tests;

/// The manifests its registry takes; it answers 500 to others ("unsupported content type"), after
/// every blob was uploaded.
pub(crate) const MANIFESTS: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
