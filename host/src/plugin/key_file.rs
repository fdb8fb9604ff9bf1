//! A secret that is a JSON document, such as the key file of a Google service account: which of its
//! parts are no secret, so that a guest can say who it is, and which is searched for by itself.

use portolan_core::{
    provider::{AccessSecretPattern, AdapterInfo},
    secret::Secret,
};
use serde::Deserialize;
use serde_json::Value;

/// Longest part a guest is told, in bytes.
const MAX_PART: usize = 512;

/// What a key file's own definition calls public. Fixed: nothing adds to it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Public {
    #[serde(rename = "type")]
    kind: Value,
    project_id: Value,
    client_email: Value,
    client_id: Value,
    private_key_id: Value,
}

#[derive(Deserialize)]
struct Private {
    private_key: String,
}

/// The parts a guest may know, each as `secret:POINTER` and its text; none where the provider does
/// not ask for a file, or the secret is no JSON object.
pub(super) fn public_parts(info: &AdapterInfo, secret: Option<&Secret>) -> Vec<(String, String)> {
    let asks_for_file = info
        .credentials
        .as_ref()
        .is_some_and(|asked| matches!(asked.access_secret, AccessSecretPattern::File(_)));
    let Some(public) = secret.filter(|_| asks_for_file).and_then(read::<Public>) else {
        return Vec::new();
    };
    let parts = [
        ("/type", public.kind),
        ("/project_id", public.project_id),
        ("/client_email", public.client_email),
        ("/client_id", public.client_id),
        ("/private_key_id", public.private_key_id),
    ];
    parts.into_iter().filter_map(|(pointer, value)| told(pointer, value)).collect()
}

/// The private key in a secret, to be searched for in answers beside the whole: whoever was sent the
/// file could return that part alone.
pub(super) fn private_key(secret: Option<&Secret>) -> Option<Secret> {
    secret.and_then(read::<Private>).map(|it| Secret::new(it.private_key))
}

/// Only an object: a struct could be read from a list, too, whatever stands in it.
fn read<'s, T: Deserialize<'s>>(secret: &'s Secret) -> Option<T> {
    let text = secret.expose();
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
}

fn told(pointer: &str, value: Value) -> Option<(String, String)> {
    let Value::String(text) = value else { return None };
    let fits = (1..=MAX_PART).contains(&text.len()) && !text.contains(char::is_control);
    fits.then(|| (format!("secret:{pointer}"), text))
}

#[cfg(test)]
mod tests {
    use portolan_core::provider::{AccessKeyPattern, CredentialPattern};

    use super::*;
    use crate::plugin::{echo::Echo, testing};

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";

    fn key_file() -> Secret {
        let file = serde_json::json!({"type": "service_account", "project_id": "proj",
            "private_key_id": "k1", "private_key": KEY, "client_email": "r@proj.example",
            "client_id": 7, "token_uri": "https://evil.example/token", "project_ids": "x"});
        Secret::new(file.to_string())
    }

    fn asked(access_secret: AccessSecretPattern, secret: &Secret) -> Vec<(String, String)> {
        let access_key = AccessKeyPattern::Standard;
        let info = AdapterInfo {
            credentials: Some(CredentialPattern { access_key, access_secret }),
            ..testing::info()
        };
        public_parts(&info, Some(secret))
    }

    fn file(secret: &str) -> Vec<(String, String)> {
        asked(AccessSecretPattern::File("No Change".to_owned()), &Secret::new(secret.to_owned()))
    }

    #[test]
    fn only_what_is_public_is_told_and_only_of_a_file() {
        let told = file(key_file().expose());
        let told: Vec<_> = told.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        let expected = [
            ("secret:/type", "service_account"),
            ("secret:/project_id", "proj"),
            ("secret:/client_email", "r@proj.example"),
            ("secret:/private_key_id", "k1"),
        ];
        assert_eq!(told, expected);
        assert!(asked(AccessSecretPattern::Password, &key_file()).is_empty());
        assert!(public_parts(&testing::info(), Some(&key_file())).is_empty());
        let long = format!(r#"{{"project_id":"{}","type":""}}"#, "x".repeat(600));
        for secret in ["word", r#"["a","b","c","d","e"]"#, "{", &long, r#"{"type":"a\nb"}"#] {
            assert!(file(secret).is_empty(), "{secret}");
        }
    }

    #[test]
    fn the_private_key_is_searched_for_and_the_public_parts_are_not() {
        let file = key_file();
        let key = private_key(Some(&file));
        let echo = Echo::new([&file].into_iter().chain(&key));
        let json = serde_json::json!({"said": KEY}).to_string();
        for answer in [file.expose(), KEY, &json] {
            assert!(echo.is_in(answer.as_bytes()), "{answer}");
        }
        let harmless = r#"{"name":"projects/proj","by":"r@proj.example","kid":"k1"}"#;
        assert!(!echo.is_in(harmless.as_bytes()));
        assert!(private_key(Some(&Secret::new("word".to_owned()))).is_none());
        assert!(private_key(None).is_none());
    }
}
