//! A guest that sends a request while it is asked who it is, where nothing may be imported.

use contract::{
    adapter::*,
    http,
    types::{Endpoint, Error, PageRequest},
};

struct DescribeCallsHttp;

impl Guest for DescribeCallsHttp {
    fn describe() -> AdapterInfo {
        let answer = http::send(&contract::get("/v2/", http::Auth::Anonymous));
        contract::info(if answer.is_ok() { "got-through" } else { "describe-calls-http" })
    }

    fn check_health(_: Endpoint) -> Result<Health, Error> {
        Ok(contract::healthy())
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

contract::export!(DescribeCallsHttp with_types_in contract);
