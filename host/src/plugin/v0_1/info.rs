//! `describe`'s answer, checked: it is shown to an administrator, who approves what it asks for.

use portolan_bindings::v0_1::exports::portolan::adapter::registry_adapter as wit;
use portolan_core::{
    oci::MediaType,
    provider::{
        AccessKeyPattern, AccessSecretPattern, AdapterInfo, AllowedHost, Capabilities,
        CredentialPattern, EndpointPattern, HostUse, SigningRecipe,
    },
};

use crate::{
    net::HostGrant,
    plugin::{package::Origin, settings::check_schema},
};

/// Longest text of any kind in bytes; the schema may be longer.
const MAX_TEXT: usize = 2048;
const MAX_SCHEMA: usize = 64 << 10;
/// Most entries of any list.
const MAX_LIST: usize = 256;

/// Reads the answer.
///
/// # Errors
/// A sentence that says which field is wrong.
pub(in crate::plugin) fn read(
    info: wit::AdapterInfo,
    capabilities: Capabilities,
    origin: Origin,
) -> Result<AdapterInfo, String> {
    let provider = info.provider;
    if !is_provider(&provider) {
        return Err(format!(
            "`provider` is `{}`: it has 1 to 64 letters, digits and `-`",
            crate::plugin::imports::shown(&provider, 100)
        ));
    }
    if info.max_components.is_some_and(|most| most < info.min_components.max(1)) {
        return Err("`max-components` is less than `min-components`".to_owned());
    }
    let extra = bounded(info.extra, "extra")?.into_iter();
    let accepted = texts(info.accepted_manifests, "accepted-manifests")?;
    Ok(AdapterInfo {
        display_name: required(info.display_name, "display-name")?,
        description: text(info.description, "description")?,
        version: required(info.version, "version")?,
        endpoints: info.endpoints.map(endpoints).transpose()?,
        credentials: info.credentials.map(credentials).transpose()?,
        hint: text(info.hint, "hint")?,
        settings_schema: schema(&info.settings_schema, origin)?,
        allowed_hosts: bounded(info.allowed_hosts, "allowed-hosts")?
            .into_iter()
            .filter_map(|it| host(it).transpose())
            .collect::<Result<_, _>>()?,
        login_urls: texts(info.login_urls, "login-urls")?,
        signing: bounded(info.signing, "signing")?
            .into_iter()
            .map(recipe)
            .collect::<Result<_, _>>()?,
        resources: texts(info.resources, "resources")?,
        min_components: info.min_components,
        max_components: info.max_components,
        accepted_manifests: accepted.iter().map(|text| MediaType::new(text)).collect(),
        can_push: info.can_push,
        extra: extra
            .map(|it| Ok((text(it.key, "extra")?, text(it.value, "extra")?)))
            .collect::<Result<_, String>>()?,
        capabilities,
        provider,
    })
}

fn is_provider(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn text(text: String, field: &str) -> Result<String, String> {
    if text.len() > MAX_TEXT || text.contains(char::is_control) {
        return Err(format!(
            "`{field}` is longer than {MAX_TEXT} bytes or holds control characters"
        ));
    }
    Ok(text)
}

fn required(given: String, field: &str) -> Result<String, String> {
    if given.trim().is_empty() {
        return Err(format!("`{field}` is empty"));
    }
    text(given, field)
}

fn bounded<T>(list: Vec<T>, field: &str) -> Result<Vec<T>, String> {
    if list.len() > MAX_LIST {
        return Err(format!("`{field}` has more than {MAX_LIST} entries"));
    }
    Ok(list)
}

fn texts(list: Vec<String>, field: &str) -> Result<Vec<String>, String> {
    bounded(list, field)?.into_iter().map(|it| text(it, field)).collect()
}

fn schema(given: &str, origin: Origin) -> Result<serde_json::Value, String> {
    let wrong = |why: String| format!("`settings-schema` is no JSON Schema: {why}");
    if given.len() > MAX_SCHEMA {
        return Err(wrong(format!("it is longer than {MAX_SCHEMA} bytes")));
    }
    match serde_json::from_str(given) {
        Ok(value @ serde_json::Value::Object(_)) => {
            if origin == Origin::Elsewhere {
                check_schema(&value).map_err(wrong)?;
            }
            Ok(value)
        }
        Ok(_) => Err(wrong("it is no object".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// A use this host does not know is left out, and a host with no other: what is not known cannot
/// be granted.
fn host(given: wit::AllowedHost) -> Result<Option<AllowedHost>, String> {
    let uses = bounded(given.uses, "allowed-hosts")?;
    let host = AllowedHost {
        pattern: text(given.pattern, "allowed-hosts")?,
        uses: uses.iter().filter_map(|it| HostUse::parse(it)).collect(),
    };
    if host.uses.is_empty() {
        return Ok(None);
    }
    HostGrant::parse(&host, false).map_err(|error| error.to_string())?;
    Ok(Some(host))
}

fn recipe(given: wit::SigningRecipe) -> Result<SigningRecipe, String> {
    Ok(SigningRecipe {
        algorithm: required(given.algorithm, "signing")?,
        prefix: text(given.prefix, "signing")?,
        suffix: text(given.suffix, "signing")?,
        links: given.links,
    })
}

fn endpoints(given: wit::EndpointPattern) -> Result<EndpointPattern, String> {
    let named = |it: wit::NamedUrl| Ok((text(it.name, "endpoints")?, text(it.url, "endpoints")?));
    Ok(match given {
        wit::EndpointPattern::Standard => EndpointPattern::Standard,
        wit::EndpointPattern::Fixed(one) => {
            let (name, url) = named(one)?;
            EndpointPattern::Fixed(name, url)
        }
        wit::EndpointPattern::Choice(list) => EndpointPattern::Choice(
            bounded(list, "endpoints")?.into_iter().map(named).collect::<Result<_, String>>()?,
        ),
    })
}

fn credentials(given: wit::CredentialPattern) -> Result<CredentialPattern, String> {
    Ok(CredentialPattern {
        access_key: match given.access_key {
            wit::AccessKeyPattern::None => AccessKeyPattern::None,
            wit::AccessKeyPattern::Standard => AccessKeyPattern::Standard,
            wit::AccessKeyPattern::Fixed(it) => AccessKeyPattern::Fixed(text(it, "credentials")?),
        },
        access_secret: match given.access_secret {
            wit::AccessSecretPattern::None => AccessSecretPattern::None,
            wit::AccessSecretPattern::Password => AccessSecretPattern::Password,
            // The text shown in place of a value may have several lines.
            wit::AccessSecretPattern::File(it) if it.len() <= MAX_TEXT => {
                AccessSecretPattern::File(it)
            }
            wit::AccessSecretPattern::File(_) => {
                return Err(format!("`credentials` has a text longer than {MAX_TEXT} bytes"));
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> wit::AdapterInfo {
        wit::AdapterInfo {
            provider: "huawei-SWR".to_owned(),
            display_name: "Huawei SWR".to_owned(),
            description: String::new(),
            version: "1.0.0".to_owned(),
            endpoints: Some(wit::EndpointPattern::Standard),
            credentials: None,
            hint: "x".to_owned(),
            settings_schema: "{}".to_owned(),
            allowed_hosts: vec![wit::AllowedHost {
                pattern: "https://auth.example".to_owned(),
                uses: vec!["credentials".to_owned(), "of-a-later-line".to_owned()],
            }],
            login_urls: Vec::new(),
            signing: Vec::new(),
            resources: vec!["image".to_owned()],
            min_components: 1,
            max_components: None,
            accepted_manifests: Vec::new(),
            can_push: true,
            extra: Vec::new(),
        }
    }

    #[test]
    fn unknown_uses_are_left_out() {
        let read = read(info(), Capabilities::default(), Origin::Elsewhere).unwrap();
        assert_eq!(read.allowed_hosts[0].uses, [HostUse::Credentials]);
        assert_eq!(read.provider, "huawei-SWR");
    }

    #[test]
    fn wrong_fields_are_named() {
        type Change = fn(&mut wit::AdapterInfo);
        let cases: [(Change, &str); 10] = [
            (|it| it.provider = "../etc".to_owned(), "`provider`"),
            (|it| it.provider = "x".repeat(65), "`provider`"),
            (|it| it.display_name = " ".to_owned(), "`display-name` is empty"),
            (|it| it.hint = "a\nb".to_owned(), "`hint`"),
            (|it| it.settings_schema = "[]".to_owned(), "`settings-schema`"),
            (|it| it.settings_schema = "{".to_owned(), "`settings-schema`"),
            (|it| it.settings_schema = r#"{"type":"objekt"}"#.to_owned(), "no JSON Schema"),
            (|it| it.max_components = Some(0), "`max-components`"),
            (|it| it.login_urls = vec![String::new(); 300], "`login-urls` has more than 256"),
            (|it| it.allowed_hosts[0].pattern = "https://*".to_owned(), "https://*"),
        ];
        for (change, wanted) in cases {
            let mut info = info();
            change(&mut info);
            let error = read(info, Capabilities::default(), Origin::Elsewhere).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
