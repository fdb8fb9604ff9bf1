//! Is there a registry, and how does it want to be authenticated to?

use serde::de::IgnoredAny;

use super::challenge;
use crate::{Challenge, Error, http::Response};

/// The answer of `GET /v2/` without credentials.
#[derive(Clone, Debug)]
pub struct Probe {
    response: Response,
    challenge: Option<Challenge>,
}

impl Probe {
    pub(crate) fn new(response: Response) -> Self {
        let challenge = match response.status() {
            401 => challenge::preferred(&response),
            _ => None,
        };
        Self { response, challenge }
    }

    /// The answer itself.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The challenge to answer, where there is one.
    #[must_use]
    pub fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_ref()
    }

    /// Whether a registry answered: by its challenge, its version header, its error envelope, or
    /// by a JSON object at status 200. A web page is none, whatever else it says.
    #[must_use]
    pub fn is_registry(&self) -> bool {
        if self.challenge.is_some() {
            return true;
        }
        let by_header = self.response.header("Docker-Distribution-Api-Version").is_some();
        match self.response.status() {
            200 => {
                let object = || {
                    self.response.body().trim_ascii_start().first() == Some(&b'{')
                        && self.response.json::<IgnoredAny>().is_ok()
                };
                !self.response.is_html() && (by_header || object())
            }
            401 | 403 => by_header || !self.response.error_codes().is_empty(),
            _ => false,
        }
    }

    /// Why nothing can be done with this answer: the server's own error where it has one, else
    /// that there is no registry.
    #[must_use]
    pub fn refusal(&self, base: &str) -> Error {
        match self.response.status() {
            408 | 429 | 500..=599 => self.response.error(),
            401 | 403 if self.is_registry() => self.response.error(),
            _ => not_a_registry(base, &self.response),
        }
    }
}

/// The error for an address at which something else than a registry answers.
#[must_use]
pub fn not_a_registry(base: &str, response: &Response) -> Error {
    let status = response.status();
    let shown = match (response.is_html(), status) {
        (true, _) => format!("a web page (status {status})"),
        (false, 404) => "404, there is no distribution API".to_owned(),
        (false, _) => format!("status {status} without any sign of a registry"),
    };
    Error::MalformedResponse(format!(
        "{base} is not a registry: {base}/v2/ answered {shown}; \
         check the address, its port, and a path before /v2/ if there is one"
    ))
}
