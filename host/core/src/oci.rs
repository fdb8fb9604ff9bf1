//! The OCI vocabulary: names, digests, descriptors, manifests, challenges.

pub mod attached;
pub mod challenge;
pub mod descriptor;
pub mod digest;
pub mod manifest;
pub mod reference;

pub use attached::AttachedTag;
pub use challenge::Challenge;
pub use descriptor::{Descriptor, MediaType, Platform};
pub use digest::{Algorithm, Digest, Verifier};
pub use manifest::Manifest;
pub use reference::{Reference, Repository, Tag};
