//! Addresses as they may be shown: signed queries and user info are secrets.

use url::Url;

/// The address without user info, query and fragment.
pub(crate) fn redact(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail only for addresses that can have neither.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if url.query().is_some_and(|query| !query.is_empty()) {
        shown.set_query(None);
        return format!("{shown}?…");
    }
    shown.into()
}
