//! What the hosts of an endpoint say of how often they may be asked.

use portolan_core::id::EndpointId;

use super::Host;
use crate::error::Error;
pub(crate) use crate::net::RateLimit;

impl Host {
    /// What each host of an endpoint said last, since this process began; 0 is Local.
    ///
    /// # Errors
    /// `NotFound` where there is no such endpoint.
    pub(crate) async fn rate_limits(&self, id: EndpointId) -> Result<Vec<RateLimit>, Error> {
        self.endpoint(id).await?;
        Ok(self.shared.plugins.rate_limits(&id.to_string()))
    }
}
