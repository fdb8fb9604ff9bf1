//! The JSON of ECR's API (botocore's model of 2015-09-21), as far as it is used.

use serde::{Deserialize, Serialize};

/// A list that may be missing or null.
pub(crate) type List<T> = Option<Vec<T>>;

/// No arguments.
#[derive(Serialize)]
pub(crate) struct Nothing {}

/// What `GetAuthorizationToken` gives of a private registry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Authorizations {
    #[serde(default)]
    pub(crate) authorization_data: List<Authorization>,
}

/// The same of ECR Public: one, and no list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublicAuthorization {
    pub(crate) authorization_data: Authorization,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Authorization {
    /// `AWS:password` in base64.
    pub(crate) authorization_token: String,
    /// Seconds since the epoch.
    #[serde(default)]
    pub(crate) expires_at: Option<f64>,
    #[serde(default)]
    pub(crate) proxy_endpoint: Option<String>,
}

/// Arguments of `DescribeRepositories`: by name, or page by page.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeRepositories<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registry_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repository_names: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repositories {
    #[serde(default)]
    pub(crate) repositories: List<Repository>,
    #[serde(default)]
    pub(crate) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repository {
    pub(crate) repository_name: String,
    #[serde(default)]
    pub(crate) repository_uri: Option<String>,
    #[serde(default)]
    pub(crate) created_at: Option<f64>,
}

/// Arguments of `DescribeImages` and `ListImages`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Images<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registry_id: Option<&'a str>,
    pub(crate) repository_name: &'a str,
    pub(crate) max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<ImageFilter>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageFilter {
    pub(crate) tag_status: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageDetails {
    #[serde(default)]
    pub(crate) image_details: List<ImageDetail>,
    #[serde(default)]
    pub(crate) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageDetail {
    #[serde(default)]
    pub(crate) image_digest: Option<String>,
    #[serde(default)]
    pub(crate) image_tags: List<String>,
    #[serde(default)]
    pub(crate) image_size_in_bytes: Option<u64>,
    #[serde(default)]
    pub(crate) image_pushed_at: Option<f64>,
    #[serde(default)]
    pub(crate) image_manifest_media_type: Option<String>,
    #[serde(default)]
    pub(crate) artifact_media_type: Option<String>,
    #[serde(default)]
    pub(crate) subject_manifest_digest: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageList {
    #[serde(default)]
    pub(crate) image_ids: List<ImageId>,
    #[serde(default)]
    pub(crate) next_token: Option<String>,
}

/// A tag, a digest, or both.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ImageId {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_tag: Option<String>,
}

/// Arguments of `CreateRepository`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateRepository<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registry_id: Option<&'a str>,
    pub(crate) repository_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_tag_mutability: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_scanning_configuration: Option<Scanning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encryption_configuration: Option<Encryption<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scanning {
    pub(crate) scan_on_push: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Encryption<'a> {
    pub(crate) encryption_type: &'static str,
    pub(crate) kms_key: &'a str,
}

/// Arguments of `BatchDeleteImage`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteImages<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registry_id: Option<&'a str>,
    pub(crate) repository_name: &'a str,
    pub(crate) image_ids: [ImageId; 1],
}

#[derive(Deserialize)]
pub(crate) struct Deleted {
    #[serde(default)]
    pub(crate) failures: List<Failure>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Failure {
    pub(crate) failure_code: Option<String>,
    pub(crate) failure_reason: Option<String>,
}

/// An error. Some services spell the message with a capital letter, and some both ways.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    /// `Name` or `namespace#Name`.
    #[serde(rename = "__type")]
    pub(crate) name: Option<String>,
    pub(crate) message: Option<String>,
    #[serde(rename = "Message")]
    pub(crate) capital_message: Option<String>,
}
