//! Repositories to push to, which ECR does not make by itself, and deletes.

use portolan_sdk::{
    Endpoint, Error, Result, UpstreamError,
    http::{self, Request},
    log,
};
use serde::Deserialize;

use crate::{
    api::Service,
    authority,
    place::{Place, Private},
    public, wire,
};

/// What an administrator may set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Whether the account has the setting of the same name on.
    pub(crate) blob_mounting: bool,
    image_tag_mutability: Option<String>,
    scan_on_push: Option<bool>,
    kms_key: Option<String>,
}

/// JSON Schema of [`Settings`].
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "blob_mounting": {
      "type": "boolean",
      "default": false,
      "title": "Mount blobs across repositories",
      "description": "Turn it on where the registry's account setting BLOB_MOUNTING is ENABLED."
    },
    "image_tag_mutability": {
      "type": "string",
      "enum": ["MUTABLE", "IMMUTABLE"],
      "title": "Tags of new repositories",
      "description": "Whether tags may be moved in repositories that are created here. Absent: AWS's own default."
    },
    "scan_on_push": {
      "type": "boolean",
      "title": "Scan on push",
      "description": "Whether images pushed to repositories that are created here are scanned. Absent: AWS's own default."
    },
    "kms_key": {
      "type": "string",
      "minLength": 1,
      "title": "KMS key",
      "description": "Key (ARN, id or alias) that encrypts repositories that are created here. Absent: AES-256 by a key of AWS."
    }
  }
}"#;

/// Makes `repositories` ready; one result for each, in order. They are private: ECR has no other.
pub(crate) fn prepare(endpoint: &Endpoint, repositories: &[String]) -> Vec<Result<()>> {
    let place = match Place::of(endpoint) {
        Ok(Place::Private(place)) => Ok(place),
        Ok(Place::Public) => Err(public::read_only(endpoint, "pushing to a repository")),
        Err(error) => Err(error),
    };
    let ready =
        |repository: &String| ready(endpoint, place.as_ref().map_err(Error::clone)?, repository);
    repositories.iter().map(ready).collect()
}

fn ready(endpoint: &Endpoint, place: &Private, repository: &str) -> Result<()> {
    fits(repository)?;
    let arguments = wire::DescribeRepositories {
        registry_id: place.account.as_deref(),
        repository_names: Some([repository]),
        ..wire::DescribeRepositories::default()
    };
    let service = Service::private(place);
    match service.call::<wire::Repositories>(endpoint, "DescribeRepositories", &arguments) {
        Ok(_) => return Ok(()),
        Err(Error::NotFound(_)) => {}
        // The permissions that AWS lists for pushing do not let one look.
        Err(Error::Forbidden(_)) if is_there(endpoint, place, repository)? => return Ok(()),
        Err(Error::Forbidden(_)) => {}
        Err(error) => return Err(error),
    }
    create(endpoint, place, repository)
}

fn create(endpoint: &Endpoint, place: &Private, repository: &str) -> Result<()> {
    let settings: Settings = endpoint.settings_as()?;
    let arguments = wire::CreateRepository {
        registry_id: place.account.as_deref(),
        repository_name: repository,
        image_tag_mutability: settings.image_tag_mutability.as_deref(),
        image_scanning_configuration: settings
            .scan_on_push
            .map(|scan_on_push| wire::Scanning { scan_on_push }),
        encryption_configuration: settings
            .kms_key
            .as_deref()
            .map(|kms_key| wire::Encryption { encryption_type: "KMS", kms_key }),
    };
    let made = Service::private(place).call::<serde::de::IgnoredAny>(
        endpoint,
        "CreateRepository",
        &arguments,
    );
    match made {
        Ok(_) => {
            log::info("created a repository", &[("repository", repository)]);
            Ok(())
        }
        // Somebody else was quicker.
        Err(Error::Conflict(_)) => Ok(()),
        Err(Error::Forbidden(why)) => Err(Error::Forbidden(format!(
            "the repository `{repository}` does not exist on {}, and the keys may not create it: \
             create it, or allow them ecr:CreateRepository; then run again ({why})",
            endpoint.url
        ))),
        Err(error) => Err(error),
    }
}

/// Whether a repository exists, as the registry tells those who may pull: an unknown tag of a
/// known repository is `MANIFEST_UNKNOWN`, an unknown repository is not.
fn is_there(endpoint: &Endpoint, place: &Private, repository: &str) -> Result<bool> {
    let base = authority::registry(endpoint, place)?;
    let grant = authority::authorize(endpoint, &[], None)?;
    let path = format!("{base}/v2/{}/manifests/portolan-probe", http::encode_path(repository));
    let response = Request::get(path).auth(grant.auth).send()?;
    match response.status() {
        200 if !response.is_html() => Ok(true),
        404 => Ok(response.error_codes().iter().any(|code| code == "MANIFEST_UNKNOWN")),
        403 => Ok(false),
        // To wait, or to ask for another token, may help; to create it would not.
        _ => Err(response.error()),
    }
}

/// What ECR's names are limited to besides the distribution API's grammar.
pub(crate) fn fits(repository: &str) -> Result<()> {
    if (2..=256).contains(&repository.len()) {
        return Ok(());
    }
    Err(Error::InvalidInput(format!(
        "`{repository}` cannot be a repository in ECR: a name has 2 to 256 characters"
    )))
}

/// Deletes one image by tag or by digest; what is gone already is no error. AWS answers 200 also
/// where it deleted nothing, and says so in a list of failures.
pub(crate) fn delete(endpoint: &Endpoint, repository: &str, image: wire::ImageId) -> Result<()> {
    let Place::Private(place) = Place::of(endpoint)? else {
        return Err(public::read_only(endpoint, "deleting an image"));
    };
    let which = image.image_digest.clone().or(image.image_tag.clone()).unwrap_or_default();
    let arguments = wire::DeleteImages {
        registry_id: place.account.as_deref(),
        repository_name: repository,
        image_ids: [image],
    };
    let answer = Service::private(&place).call(endpoint, "BatchDeleteImage", &arguments);
    let deleted: wire::Deleted = match answer {
        Err(Error::NotFound(_)) => return Ok(()),
        answer => answer?,
    };
    let failure = deleted.failures.and_then(|failures| failures.into_iter().next());
    let Some(failure) = failure else { return Ok(()) };
    let code = failure.failure_code.unwrap_or_default();
    let text = format!(
        "`{repository}` {which} was not deleted on {}: {code}: {}",
        endpoint.url,
        failure.failure_reason.unwrap_or_default()
    );
    Err(match code.as_str() {
        "ImageNotFound" => return Ok(()),
        "ImageReferencedByManifestList" => {
            Error::Conflict(format!("{text}; delete the index that refers to it first"))
        }
        "InvalidImageDigest" | "InvalidImageTag" | "MissingDigestAndTag" => {
            Error::InvalidInput(text)
        }
        _ => {
            let retryable = code.starts_with("Upstream");
            let code = Some(code);
            Error::Upstream(UpstreamError { status: 200, message: text, code, retryable })
        }
    })
}
