//! Checks of an endpoint's settings that need nothing but the settings.

use portolan_core::endpoint::{Credentials, EndpointSpec, InvalidUrl, check_ca, check_name};

use crate::error::{Code, Error};

/// Longest address (Harbor: varchar(256)).
const MAX_URL: usize = 256;
/// Longest access ID or secret (Harbor: varchar(4096); a GCR key file is larger).
const MAX_SECRET: usize = 64 << 10;
/// Longest webhook secret: it has to fit into an address.
const MAX_WEBHOOK_SECRET: usize = 1024;

/// Longest settings, in bytes of JSON.
const MAX_SETTINGS: usize = 64 << 10;
/// Deepest nesting of settings, their own braces counted: far less than JSON readers take.
const MAX_DEPTH: usize = 16;

/// Who reads and writes image layouts: they are served as a registry of this kind.
const LAYOUT_PROVIDER: &str = "docker-registry";

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
    if spec.url.layout().is_some() && spec.provider != LAYOUT_PROVIDER {
        return invalid(format!(
            "`{}` is an image layout, which the provider `{LAYOUT_PROVIDER}` reads and writes, not `{}`",
            spec.url, spec.provider
        ));
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
    let webhook = credentials.webhook_secret.as_ref().map_or(0, |secret| secret.expose().len());
    if webhook > MAX_WEBHOOK_SECRET {
        return invalid(format!("the webhook secret is longer than {MAX_WEBHOOK_SECRET} bytes"));
    }
    if let Some(source) = &spec.credential_source {
        source.check().map_err(|error| Error::new(Code::Invalid, error.to_string()))?;
        if spec.access_key.is_none() && !source.gives_access_key() {
            return invalid("a credential source that is a file needs an access ID".to_owned());
        }
    }
    if spec.settings.values().any(|value| is_deeper(value, MAX_DEPTH - 1)) {
        return invalid(format!("the settings are nested deeper than {MAX_DEPTH} levels"));
    }
    if serde_json::to_vec(&spec.settings).map_or(true, |json| json.len() > MAX_SETTINGS) {
        return invalid(format!("the settings are longer than {MAX_SETTINGS} bytes of JSON"));
    }
    if spec.client_certificate.is_some() != credentials.client_key.is_some() {
        return invalid("a client certificate needs its key, and a key its certificate".to_owned());
    }
    Ok(())
}

/// Whether lists and objects stand in each other more than `levels` times.
fn is_deeper(value: &serde_json::Value, levels: usize) -> bool {
    let within = |value| levels == 0 || is_deeper(value, levels - 1);
    match value {
        serde_json::Value::Array(items) => levels == 0 || items.iter().any(within),
        serde_json::Value::Object(fields) => levels == 0 || fields.values().any(within),
        _ => false,
    }
}

/// What stands for Local where nothing plays it.
pub(super) fn no_local() -> Result<(EndpointSpec, Credentials), Error> {
    let url = "http://local.invalid".parse();
    let url = url.map_err(|error: InvalidUrl| Error::new(Code::Internal, error.to_string()))?;
    let spec = EndpointSpec {
        credential_type: "secret".to_owned(),
        ..EndpointSpec::new("Local", "harbor", url)
    };
    Ok((spec, Credentials::default()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_image_layout_has_one_provider() {
        let (spec, credentials) = no_local().unwrap();
        let layout = EndpointSpec { url: "oci:images".parse().unwrap(), ..spec.clone() };
        let text = check(&layout, &credentials).unwrap_err().to_string();
        assert!(text.starts_with("`oci:images` is an image layout"), "{text}");
        assert!(text.ends_with("not `harbor`"), "{text}");
        let layout = EndpointSpec { provider: LAYOUT_PROVIDER.to_owned(), ..layout };
        check(&layout, &credentials).unwrap();
        check(&spec, &credentials).unwrap();
    }

    #[test]
    fn settings_are_bounded_in_depth_and_length() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
        let listed =
            |levels: usize| json!({ "a": (2..levels).fold(json!([]), |inner, _| json!([inner])) });
        let text = |length: usize| json!({ "a": "x".repeat(length - r#"{"a":""}"#.len()) });
        let cases: [(Value, Option<&str>); 7] = [
            (json!({}), None),
            (nested(MAX_DEPTH), None),
            (nested(MAX_DEPTH + 1), Some("16 levels")),
            (listed(MAX_DEPTH), None),
            (listed(MAX_DEPTH + 1), Some("16 levels")),
            (text(MAX_SETTINGS), None),
            (text(MAX_SETTINGS + 1), Some("65536 bytes")),
        ];
        for (settings, refusal) in cases {
            let Value::Object(settings) = settings else { panic!("no object") };
            let (spec, credentials) = no_local().unwrap();
            let told = check(&EndpointSpec { settings, ..spec }, &credentials);
            let told = told.err().map(|error| error.to_string());
            assert_eq!(told.is_some(), refusal.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(refusal.unwrap_or_default()));
        }
    }
}
