//! The endpoint that is played: an address the provider could have, credentials of the kind it
//! asks for, and a secret that would be recognised anywhere.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portolan_core::{
    endpoint::{Credentials, EndpointSpec, EndpointUrl},
    oci::Digest,
    provider::{AccessKeyPattern, AccessSecretPattern, AdapterInfo},
    secret::Secret,
};
use serde_json::json;

use super::{PlayedEndpoint, shape};
use crate::{Code, Error, Stage};

/// An address for providers that offer none.
const ANYWHERE: &str = "https://registry.example.test";

/// The endpoint that is played.
#[derive(Clone)]
pub(super) struct Played {
    pub(super) spec: EndpointSpec,
    pub(super) credentials: Credentials,
    /// The first that was given, or a name with as many components as the provider wants.
    pub(super) repository: String,
    /// Repositories that recorded exchanges are about.
    pub(super) recorded: Vec<String>,
    /// Whether credentials or address were made up, and so may not suit the adapter.
    pub(super) is_made_up: bool,
}

impl Played {
    /// Takes what was given and makes up the rest.
    pub(super) fn new(
        info: &AdapterInfo,
        given: PlayedEndpoint,
        digest: &Digest,
    ) -> Result<Self, Error> {
        let is_made_up = given.url.is_none() || given.access_secret.is_none();
        let repository = given.repositories.first().cloned().unwrap_or_else(|| repository(info));
        let (key, secret) = match (given.access_key, given.access_secret) {
            (None, None) => made_up(info, digest, &repository),
            given => given,
        };
        let url = match given.url {
            Some(url) => url,
            None => address(info)?,
        };
        let spec = EndpointSpec {
            access_key: key,
            settings: given.settings,
            ..EndpointSpec::new("played", info.provider.clone(), url)
        };
        let credentials = Credentials { access_secret: secret, ..Credentials::default() };
        Ok(Self { spec, credentials, repository, recorded: given.repositories, is_made_up })
    }

    /// The same endpoint on this stage.
    pub(super) fn on(&self, stage: &Stage) -> EndpointSpec {
        EndpointSpec {
            proxy: Some(stage.proxy()),
            ca_certificate: Some(stage.ca().to_owned()),
            ..self.spec.clone()
        }
    }

    /// The host's name.
    pub(super) fn host(&self) -> &str {
        self.spec.url.url().host_str().unwrap_or_default()
    }

    /// Forms of the secret that must not be in any text.
    pub(super) fn secrets(&self) -> Vec<String> {
        let Some(secret) = &self.credentials.access_secret else { return Vec::new() };
        let user = self.spec.access_key.as_deref().unwrap_or_default();
        let basic = BASE64_STANDARD.encode(format!("{user}:{}", secret.expose()));
        let encoded = BASE64_STANDARD.encode(secret.expose());
        let document = serde_json::from_str::<serde_json::Value>(secret.expose()).ok();
        let key = document.as_ref().and_then(|it| it.get("private_key")?.as_str());
        let key = key.map(str::to_owned);
        [secret.expose().to_owned(), encoded, basic].into_iter().chain(key).collect()
    }
}

fn address(info: &AdapterInfo) -> Result<EndpointUrl, Error> {
    let offered = shape::offered(info);
    let text = offered.first().map_or(ANYWHERE, |(_, url)| url);
    text.parse().map_err(|error| Error::new(Code::Invalid, format!("`{text}`: {error}")))
}

fn made_up(
    info: &AdapterInfo,
    digest: &Digest,
    repository: &str,
) -> (Option<String>, Option<Secret>) {
    // A form without a pattern asks for a name and a password.
    let asked = info.credentials.as_ref();
    let key = match asked.map(|asked| &asked.access_key) {
        Some(AccessKeyPattern::None) => None,
        Some(AccessKeyPattern::Fixed(value)) => Some(value.clone()),
        Some(AccessKeyPattern::Standard) | None => Some("KITKEY7PORTOLAN".to_owned()),
    };
    let word = format!("kit-secret-{}", digest.as_str().trim_start_matches("sha256:"));
    let secret = match asked.map(|asked| &asked.access_secret) {
        Some(AccessSecretPattern::None) => None,
        Some(AccessSecretPattern::File(_)) => Some(key_file(&word, repository)),
        Some(AccessSecretPattern::Password) | None => Some(word),
    };
    (key, secret.map(Secret::new))
}

/// A service account's key file, but for the key: none is kept in this program. The account is one
/// of the project that the repository is in.
fn key_file(word: &str, repository: &str) -> String {
    let project = match repository.split_once('/') {
        Some(("kit", _)) | None => "kit-project",
        Some((project, _)) => project,
    };
    let file = json!({
        "type": "service_account",
        "project_id": project,
        "private_key_id": "kit",
        "private_key": word,
        "client_email": format!("kit@{project}.iam.gserviceaccount.com"),
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    file.to_string()
}

fn repository(info: &AdapterInfo) -> String {
    let most = info.max_components.unwrap_or(u8::MAX);
    let count = info.min_components.max(2).min(most);
    let mut parts = vec!["kit"; usize::from(count.saturating_sub(1))];
    parts.push("app");
    parts.join("/")
}
