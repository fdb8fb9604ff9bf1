//! From a source repository's name to its name at the destination.

use crate::oci::Repository;

/// Why a repository has no name at the destination.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NamingError {
    /// The name has too few components for the replace count.
    #[error(
        "`{repository}` has {have} components; {replace} of them cannot be replaced by the namespace and leave a name"
    )]
    TooFewComponents {
        /// The source name.
        repository: String,
        /// Its components.
        have: usize,
        /// The replace count.
        replace: i8,
    },
    /// The result is not a repository name, or not one the destination's provider takes.
    #[error("`{result}`, made of `{repository}`, is no repository name at the destination: {why}")]
    Unusable {
        /// The source name.
        repository: String,
        /// The name that came out.
        result: String,
        /// The rule it breaks.
        why: String,
    },
}

/// Where repositories go, and what names the destination takes.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// Destination namespace; `None` keeps the name.
    pub namespace: Option<String>,
    /// Leading components the namespace replaces; negative keeps the last alone.
    pub replace: i8,
    /// Fewest components the destination takes.
    pub min_components: u8,
    /// Most components the destination takes.
    pub max_components: Option<u8>,
}

impl Naming {
    /// The name of `source` at the destination.
    ///
    /// # Errors
    /// When there is none; Harbor fails the whole execution then.
    pub fn destination(&self, source: &Repository) -> Result<Repository, NamingError> {
        Ok(source.clone())
    }
}
