//! A guest that opens a socket by itself: the standard library makes that an import of
//! `wasi:sockets`, which must be refused before anything runs.

use std::net::TcpStream;

use contract::{
    adapter::*,
    types::{Endpoint, Error, PageRequest},
};

struct WasiSockets;

impl Guest for WasiSockets {
    fn describe() -> AdapterInfo {
        contract::info("wasi-sockets")
    }

    fn check_health(_: Endpoint) -> Result<Health, Error> {
        match TcpStream::connect("127.0.0.1:80") {
            Ok(_) => Ok(contract::healthy()),
            Err(error) => Err(Error::Internal(error.to_string())),
        }
    }

    fn list_repositories(
        _: Endpoint,
        _: RepositoryFilter,
        _: PageRequest,
    ) -> Result<RepositoryPage, Error> {
        Ok(RepositoryPage { items: Vec::new(), next: None, total: None })
    }

    fn list_artifacts(
        _: Endpoint,
        _: String,
        _: ArtifactFilter,
        _: PageRequest,
    ) -> Result<ArtifactPage, Error> {
        Ok(ArtifactPage { items: Vec::new(), next: None, total: None })
    }

    fn locate(endpoint: Endpoint, repository: String) -> Result<Target, Error> {
        Ok(contract::target(&endpoint.url, &repository))
    }

    fn authorize(_: Endpoint, _: Vec<Scope>, _: Option<Challenge>) -> Result<Grant, Error> {
        Ok(contract::basic())
    }
}

contract::export!(WasiSockets with_types_in contract);
