//! `locate`'s answer: where the data plane is, and what it takes.

use portolan_bindings::v0_1::{
    exports::portolan::adapter::registry_adapter as wit, portolan::adapter::types,
};
use portolan_core::{
    oci::MediaType,
    provider::{Target, UploadStyle},
};
use url::Url;

use super::{MAX_NAME, malformed};
use crate::plugin::{PluginError, imports::shown};

/// The data plane's address; whether it may be used is asked of the egress rules.
pub(in crate::plugin) fn target(target: wit::Target) -> Result<Target, PluginError> {
    let text = shown(&target.base_url, 500);
    let base_url = Url::parse(&target.base_url).ok();
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let base_url = base_url
        .filter(plain)
        .ok_or_else(|| malformed(&format!("`{text}` is no base address of a registry")))?;
    let repository = target.repository.parse().map_err(|_| {
        malformed(&format!("`{}` is no repository name", shown(&target.repository, 300)))
    })?;
    let upload = match target.upload.as_str() {
        "chunked" => UploadStyle::Chunked,
        "single-patch" => UploadStyle::SinglePatch,
        // The one way every registry knows.
        _ => UploadStyle::SinglePut,
    };
    let max_chunk = target.max_chunk_bytes.filter(|bytes| *bytes > 0);
    let accepted_manifests = accepted(&target.extra)?;
    Ok(Target { base_url, repository, upload, max_chunk, mount: target.mount, accepted_manifests })
}

/// The media types of `accepted-manifests`; `None` where it is not given.
fn accepted(extra: &[types::KeyValue]) -> Result<Option<Vec<MediaType>>, PluginError> {
    const KEY: &str = "accepted-manifests";
    let Some(given) = extra.iter().find(|pair| pair.key == KEY) else { return Ok(None) };
    if given.value.len() > MAX_NAME || given.value.contains(char::is_control) {
        return Err(malformed(&format!("`{KEY}` is too long, or holds control characters")));
    }
    let media_types = given.value.split(',').map(str::trim).filter(|text| !text.is_empty());
    Ok(Some(media_types.map(MediaType::new).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(extra: &[(&str, &str)]) -> wit::Target {
        let pair = |(key, value): &(&str, &str)| types::KeyValue {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        wit::Target {
            base_url: "https://registry.example".to_owned(),
            repository: "team/app".to_owned(),
            upload: "single-put".to_owned(),
            max_chunk_bytes: None,
            mount: true,
            extra: extra.iter().map(pair).collect(),
        }
    }

    #[test]
    fn accepted_manifests_are_read_where_they_are_told() {
        let types = |texts: &[&str]| Some(texts.iter().map(|text| MediaType::new(text)).collect());
        for (extra, expected) in [
            (&[][..], None),
            (&[("other", "x")], None),
            (&[("accepted-manifests", "")], types(&[])),
            (&[("accepted-manifests", "a/b, c/d,")], types(&["a/b", "c/d"])),
        ] {
            assert_eq!(target(located(extra)).unwrap().accepted_manifests, expected, "{extra:?}");
        }
        let long = "x/y,".repeat(MAX_NAME);
        for value in ["a/b\nc/d", &long] {
            let error = target(located(&[("accepted-manifests", value)])).unwrap_err();
            assert!(error.to_string().contains("`accepted-manifests`"), "{error}");
        }
    }
}
