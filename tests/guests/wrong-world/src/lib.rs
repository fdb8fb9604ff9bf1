//! A guest of a contract in which one field of one record has another type (see `build.rs`). Names
//! of functions all fit, so only a comparison of types can tell.

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));

use exports::portolan::adapter::registry_adapter::*;
use portolan::adapter::types::{Endpoint, Error, PageRequest};

struct WrongWorld;

fn unused<T>() -> Result<T, Error> {
    Err(Error::Unsupported("never reached".to_owned()))
}

impl Guest for WrongWorld {
    fn describe() -> AdapterInfo {
        unreachable!("a component of another contract must not be run")
    }

    fn check_health(_: Endpoint) -> Result<Health, Error> {
        Ok(Health { product: None, authenticated: "yes".to_owned(), details: Vec::new() })
    }

    fn list_repositories(
        _: Endpoint,
        _: RepositoryFilter,
        _: PageRequest,
    ) -> Result<RepositoryPage, Error> {
        unused()
    }

    fn list_artifacts(
        _: Endpoint,
        _: String,
        _: ArtifactFilter,
        _: PageRequest,
    ) -> Result<ArtifactPage, Error> {
        unused()
    }

    fn locate(_: Endpoint, _: String) -> Result<Target, Error> {
        unused()
    }

    fn authorize(_: Endpoint, _: Vec<Scope>, _: Option<Challenge>) -> Result<Grant, Error> {
        unused()
    }
}

export!(WrongWorld);
