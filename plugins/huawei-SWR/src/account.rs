//! Who the endpoint is used as, and which of SWR's two APIs that account may use.

use portolan_sdk::{
    Endpoint, Error, Result, Target, UpstreamError,
    http::{Request, Response},
    signing::{self, huawei},
    upload::UploadSettings,
};
use serde::Deserialize;

use crate::anonymous;

/// JSON Schema of the settings.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "secret_is": {
      "type": "string",
      "enum": ["login-key", "secret-key"],
      "default": "login-key",
      "title": "The access secret is",
      "description": "login-key: what SWR's long-term login command shows, 64 hexadecimal digits. secret-key: the secret access key (SK) of an IAM user."
    },
    "max_chunk_bytes": {
      "type": "integer",
      "minimum": 1048576,
      "title": "Largest upload request",
      "description": "In bytes. Set it to what a proxy before the registry lets through (it answers 413 above)."
    }
  }
}"#;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    secret_is: SecretIs,
    max_chunk_bytes: Option<u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SecretIs {
    #[default]
    LoginKey,
    SecretKey,
}

/// An endpoint with its settings, read once for a call.
pub(crate) struct Account<'a> {
    pub(crate) endpoint: &'a Endpoint,
    settings: Settings,
}

impl<'a> Account<'a> {
    pub(crate) fn of(endpoint: &'a Endpoint) -> Result<Self> {
        Ok(Self { endpoint, settings: endpoint.settings_as()? })
    }

    /// Whether requests are signed with a secret access key.
    pub(crate) fn signs(&self) -> bool {
        self.settings.secret_is == SecretIs::SecretKey && self.endpoint.has_credentials()
    }

    pub(crate) fn key(&self) -> &'a str {
        self.endpoint.access_key.as_deref().unwrap_or_default()
    }

    /// The project that logins are for: what stands before the `@`, else the endpoint's region.
    pub(crate) fn project(&self) -> Result<&'a str> {
        let of_host = || self.host().strip_prefix("swr.")?.split('.').next();
        let project = self.key().split_once('@').map(|(project, _)| project).or_else(of_host);
        project.filter(|project| !project.is_empty()).ok_or_else(|| {
            Error::InvalidInput(format!(
                "neither the access key `{}` nor {} names a region: write the access key as \
                 `REGION@AK`, for example `cn-north-4@AK`",
                self.key(),
                self.endpoint.url
            ))
        })
    }

    fn host(&self) -> &'a str {
        signing::split(&self.endpoint.url).0
    }

    /// The management API's address: beside the registry's, by its name.
    fn management(&self) -> Result<String> {
        if let Some(rest) = self.host().strip_prefix("swr.") {
            return Ok(format!("https://swr-api.{rest}/v2/manage"));
        }
        let project = self.project()?;
        // A project within a region is called `REGION_name`.
        let region = project.split('_').next().unwrap_or(project);
        Ok(format!("https://swr-api.{region}.myhuaweicloud.com/v2/manage"))
    }

    /// The address of `below` in the management API where requests are signed, else of `console`
    /// in the console's API.
    pub(crate) fn address(&self, console: &str, below: &str) -> Result<String> {
        if self.signs() {
            Ok(format!("{}{below}", self.management()?))
        } else {
            Ok(format!("/dockyard/v2{console}"))
        }
    }

    /// Sends a request to either API; a status is no error here. A signed one is for the address
    /// it is sent to, and does not follow a redirect to another.
    pub(crate) fn send(&self, request: Request) -> Result<Response> {
        if !self.endpoint.has_credentials() {
            return Err(anonymous(self.endpoint));
        }
        if !self.signs() {
            return request.basic().send();
        }
        let typed = request.signable().headers.iter().any(|(name, _)| name == "content-type");
        let request =
            if typed { request } else { request.header("Content-Type", "application/json") };
        let access_key = self.key().rsplit('@').next().unwrap_or_default();
        huawei::sign(request.return_redirects(), access_key)?.send()
    }

    /// Whether SWR says that what was asked for is not there. A 404 of the API gateway before it, or
    /// a page of a proxy, says nothing of what SWR holds: SWR's own has a code of its own.
    pub(crate) fn is_missing(&self, response: &Response) -> Result<bool> {
        if response.status() != 404 {
            return Ok(false);
        }
        let code = response.error_codes().into_iter().next();
        if code.as_deref().is_some_and(|code| code.starts_with("SVCSTG.SWR.")) {
            return Ok(true);
        }
        let said = response.error();
        Err(Error::Upstream(UpstreamError {
            status: 404,
            message: format!(
                "{}; that is not SWR's answer: is {} the address of a registry of SWR?",
                said.text(),
                self.endpoint.url
            ),
            code,
            retryable: false,
        }))
    }

    /// The registry's API: no mounts, and one `PUT` for a blob unless a proxy forbids that.
    pub(crate) fn locate(&self, repository: &str) -> Result<Target> {
        let own = Target { mount: false, ..Target::new(&self.endpoint.url, repository) };
        let max_chunk_bytes = self.settings.max_chunk_bytes;
        UploadSettings { max_chunk_bytes, ..UploadSettings::default() }.apply(own)
    }

    /// The error for credentials that SWR refused, with what to do.
    pub(crate) fn refused(&self, why: &str) -> Error {
        let (url, key) = (&self.endpoint.url, self.key());
        let cure = if self.signs() {
            "the setting `secret_is` is `secret-key`, so the access secret must be the secret \
             access key (SK) of that access key, and the clock of this host must be right"
        } else {
            "the access key is `REGION@AK`, for example `cn-north-4@AK`, and the access secret \
             the login key (64 hexadecimal digits) of the long-term login command that SWR's \
             console shows; for a secret access key (SK) set `secret_is` to `secret-key`"
        };
        Error::Unauthenticated(format!("{url} does not accept `{key}`: {why}; {cure}"))
    }
}
