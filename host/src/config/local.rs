//! `[local]`: the registry behind id 0, which Harbor's clients call "Local".

use std::path::{Path, PathBuf};

use portolan_core::{
    budget::Budget,
    endpoint::{Credentials, EndpointSpec, EndpointUrl},
};
use serde::Deserialize;

use super::{
    ConfigError,
    paths::{read, read_secret},
};

/// The keys of `[local]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LocalKeys {
    url: String,
    #[serde(default = "default_provider")]
    provider: String,
    access_id: Option<String>,
    access_secret_file: Option<PathBuf>,
    webhook_secret_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    budget: Budget,
}

fn default_provider() -> String {
    "docker-registry".to_owned()
}

/// The local registry, checked.
#[derive(Clone)]
pub struct Local {
    /// Where it is.
    pub spec: EndpointSpec,
    /// Its secret.
    pub credentials: Credentials,
}

impl LocalKeys {
    /// Reads the files it names, relative to `base`.
    pub(super) fn check(&self, base: &Path) -> Result<Local, ConfigError> {
        let url: EndpointUrl =
            self.url.parse().map_err(|error| ConfigError::Local(format!("{error}")))?;
        if self.access_secret_file.is_some() && self.access_id.is_none() {
            let why = "access_secret_file needs an access_id beside it";
            return Err(ConfigError::Local(why.to_owned()));
        }
        let secret = self.access_secret_file.as_ref().map(|path| read_secret(&base.join(path)));
        let webhook = self.webhook_secret_file.as_ref();
        let webhook = webhook.map(|path| read_secret(&base.join(path))).transpose()?;
        let ca = self.ca.as_ref().map(|path| read(&base.join(path), "is `ca` of [local]"));
        let spec = EndpointSpec {
            access_key: self.access_id.clone(),
            insecure: self.insecure,
            budget: self.budget,
            ca_certificate: ca.transpose()?,
            ..EndpointSpec::new("Local", self.provider.clone(), url)
        };
        let credentials = Credentials {
            access_secret: secret.transpose()?,
            webhook_secret: webhook,
            ..Credentials::default()
        };
        Ok(Local { spec, credentials })
    }
}
