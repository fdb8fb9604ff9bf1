//! How blobs are uploaded, as an administrator may set it for an endpoint.
//!
//! The same three settings for every provider that speaks the plain distribution API.

use serde::Deserialize;

use crate::{Error, Result, Target};

/// JSON Schema of [`UploadSettings`], for `AdapterInfo::settings_schema`.
pub const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "upload": {
      "type": "string",
      "enum": ["single-put", "single-patch", "chunked"],
      "default": "single-put",
      "title": "Blob upload",
      "description": "One PUT; one PATCH, then PUT; or chunks, which can be resumed and pass a proxy that caps bodies."
    },
    "max_chunk_bytes": {
      "type": "integer",
      "minimum": 1048576,
      "title": "Largest upload request",
      "description": "In bytes. Set it to what a proxy before the registry lets through (it answers 413 above)."
    },
    "mount": {
      "type": "boolean",
      "default": true,
      "title": "Mount blobs across repositories",
      "description": "Turn it off for a registry that confirms a mount and then does not have the blob."
    }
  }
}"#;

/// What an administrator may set. Absent settings leave the adapter's own choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UploadSettings {
    /// `single-put`, `single-patch` or `chunked`.
    pub upload: Option<String>,
    /// Largest body of one upload request in bytes; makes `single-put` and `single-patch`
    /// `chunked`, since no larger blob could be uploaded otherwise.
    pub max_chunk_bytes: Option<u64>,
    /// Whether blobs are mounted across repositories.
    pub mount: Option<bool>,
}

impl UploadSettings {
    /// A target as the administrator wants it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an unknown way to upload.
    pub fn apply(self, mut target: Target) -> Result<Target> {
        if self.max_chunk_bytes.is_some() {
            "chunked".clone_into(&mut target.upload);
            target.max_chunk_bytes = self.max_chunk_bytes;
        }
        match self.upload {
            Some(upload) if matches!(&*upload, "single-put" | "single-patch" | "chunked") => {
                target.upload = upload;
            }
            Some(other) => {
                return Err(Error::InvalidInput(format!(
                    "the setting `upload` is `{other}`; it may be single-put, single-patch or chunked"
                )));
            }
            None => {}
        }
        target.mount = self.mount.unwrap_or(target.mount);
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_change_the_target() {
        for (settings, upload, chunk, mount) in [
            ("{}", "single-put", None, true),
            (r#"{"upload":"single-patch"}"#, "single-patch", None, true),
            (r#"{"max_chunk_bytes":1048576}"#, "chunked", Some(1_048_576), true),
            (
                r#"{"max_chunk_bytes":1048576,"upload":"single-put"}"#,
                "single-put",
                Some(1_048_576),
                true,
            ),
            (r#"{"mount":false}"#, "single-put", None, false),
        ] {
            let settings: UploadSettings = serde_json::from_str(settings).expect("settings");
            let target = settings.apply(Target::new("https://r.test/", "a")).expect("a target");
            assert_eq!(target.base_url, "https://r.test");
            assert_eq!(
                (&*target.upload, target.max_chunk_bytes, target.mount),
                (upload, chunk, mount)
            );
        }
        let odd = UploadSettings { upload: Some("carrier".into()), ..UploadSettings::default() };
        assert!(odd.apply(Target::new("https://r.test", "a")).is_err());
    }

    #[test]
    fn the_schema_names_every_setting() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).expect("JSON");
        let names: Vec<&String> =
            schema["properties"].as_object().expect("an object").keys().collect();
        assert_eq!(names, ["max_chunk_bytes", "mount", "upload"]);
    }
}
