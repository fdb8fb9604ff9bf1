//! Checks of an endpoint's settings that need nothing but the settings.

use portolan_core::endpoint::{Credentials, EndpointSpec, InvalidUrl, check_ca, check_name};

use crate::error::{Code, Error};

/// Longest address (Harbor: varchar(256)).
const MAX_URL: usize = 256;
/// Longest access ID or secret (Harbor: varchar(4096); a GCR key file is larger).
const MAX_SECRET: usize = 64 << 10;

/// Checks what is to be stored; a connection can be tested without a name.
pub(super) fn check_named(spec: &EndpointSpec, credentials: &Credentials) -> Result<(), Error> {
    check_name(&spec.name).map_err(|error| Error::new(Code::Invalid, error.to_string()))?;
    check(spec, credentials)
}

/// Checks what can be checked without the registry.
pub(super) fn check(spec: &EndpointSpec, credentials: &Credentials) -> Result<(), Error> {
    let invalid = |text: String| Err(Error::new(Code::Invalid, text));
    if spec.url.as_str().len() > MAX_URL {
        return invalid(format!("the address is longer than {MAX_URL} bytes"));
    }
    if let Some(ca) = &spec.ca_certificate
        && let Err(error) = check_ca(ca)
    {
        return invalid(error.to_string());
    }
    let secret = credentials.access_secret.as_ref().map_or(0, |secret| secret.expose().len());
    if secret.max(spec.access_key.as_ref().map_or(0, String::len)) > MAX_SECRET {
        return invalid(format!("the access ID or secret is longer than {MAX_SECRET} bytes"));
    }
    if let Some(source) = &spec.credential_source {
        source.check().map_err(|error| Error::new(Code::Invalid, error.to_string()))?;
        if spec.access_key.is_none() && !source.gives_access_key() {
            return invalid("a credential source that is a file needs an access ID".to_owned());
        }
    }
    if spec.client_certificate.is_some() != credentials.client_key.is_some() {
        return invalid("a client certificate needs its key, and a key its certificate".to_owned());
    }
    Ok(())
}

/// What stands for Local where nothing plays it.
pub(super) fn no_local() -> Result<(EndpointSpec, Credentials), Error> {
    let url = "http://local.invalid".parse();
    let url = url.map_err(|error: InvalidUrl| Error::new(Code::Internal, error.to_string()))?;
    let spec = EndpointSpec {
        name: "Local".to_owned(),
        description: String::new(),
        provider: "harbor".to_owned(),
        url,
        access_key: None,
        credential_type: "secret".to_owned(),
        insecure: false,
        ca_certificate: None,
        settings: serde_json::Map::new(),
        allowed_hosts: Vec::new(),
        proxy: None,
        client_certificate: None,
        credential_source: None,
    };
    Ok((spec, Credentials::default()))
}
