//! Signed calls of ECR's API: JSON 1.1 over `POST /`.

use portolan_sdk::{
    Endpoint, Error, Result,
    http::{Request, Response},
    signing::aws,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{failure, place::Private};

/// The key of `endpoint.extra` under which the host hands over what comes with temporary keys.
const SESSION_TOKEN: &str = "session-token";

/// One of the two APIs.
#[derive(Clone, Debug)]
pub(crate) struct Service<'a> {
    host: &'a str,
    region: &'a str,
    /// The name it signs by.
    name: &'static str,
    /// What stands before the operation in `X-Amz-Target`.
    target: &'static str,
}

impl<'a> Service<'a> {
    /// The API of private registries.
    pub(crate) fn private(place: &'a Private) -> Self {
        Self {
            host: &place.control,
            region: &place.region,
            name: "ecr",
            target: "AmazonEC2ContainerRegistry_V20150921",
        }
    }

    /// The API of ECR Public, in its one region.
    pub(crate) fn public() -> Self {
        Self {
            host: "api.ecr-public.us-east-1.amazonaws.com",
            region: "us-east-1",
            name: "ecr-public",
            target: "SpencerFrontendService",
        }
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// By the name of AWS's error: see [`failure::of`].
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        operation: &str,
        arguments: &impl Serialize,
    ) -> Result<T> {
        let arguments = serde_json::to_vec(arguments)
            .map_err(|error| Error::Internal(format!("{operation} cannot be written: {error}")))?;
        self.send(endpoint, operation, arguments)?.json()
    }

    // Apart from `call`, so that a component holds it once and not for each type.
    fn send(&self, endpoint: &Endpoint, operation: &str, arguments: Vec<u8>) -> Result<Response> {
        let access_key = access_key(endpoint)?;
        let request = Request::post(format!("https://{}/", self.host))
            .header("X-Amz-Target", format!("{}.{operation}", self.target))
            .body("application/x-amz-json-1.1", arguments)
            .return_redirects();
        let extra = endpoint.extra.iter().find(|pair| pair.key == SESSION_TOKEN);
        let scope = aws::Scope {
            region: self.region,
            service: self.name,
            access_key,
            session_token: extra.map(|pair| pair.value.as_str()).filter(|token| !token.is_empty()),
        };
        let response = aws::sign(request, &scope)?.send()?;
        match response.status() {
            200..300 => Ok(response),
            _ => Err(failure::of(&response, access_key)),
        }
    }
}

fn access_key(endpoint: &Endpoint) -> Result<&str> {
    let key = endpoint.access_key.as_deref().filter(|key| !key.is_empty());
    key.filter(|_| endpoint.has_access_secret).ok_or_else(|| {
        Error::Unauthenticated(format!(
            "{} wants an access key id as access ID and its secret access key as access secret, \
             and the endpoint has not got both",
            endpoint.url
        ))
    })
}
