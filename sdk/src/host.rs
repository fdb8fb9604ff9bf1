//! The seam to the host: the interface's imports in a component, a scripted host in native tests.
//!
//! Everything else in this crate calls the host through here, so that an adapter's own code runs
//! unchanged in both places.

#[cfg(target_family = "wasm")]
mod imp {
    //! A component: the imports.
    use crate::{
        Error, KeyValue, SecretText, TransportError,
        bindings::adapter::portolan::adapter::{host_cache, http, log, signer},
    };

    pub(crate) fn send(request: &http::Request) -> Result<http::Response, TransportError> {
        http::send(request)
    }

    pub(crate) fn send_all(
        requests: &[http::Request],
    ) -> Vec<Result<http::Response, TransportError>> {
        http::send_all(requests)
    }

    pub(crate) fn cache_get(key: &str) -> Option<Vec<u8>> {
        host_cache::get(key)
    }

    pub(crate) fn cache_set(key: &str, value: &[u8], ttl_seconds: u32) {
        host_cache::set(key, value, ttl_seconds);
    }

    pub(crate) fn cache_remove(key: &str) {
        host_cache::remove(key);
    }

    pub(crate) fn write_log(level: log::Level, message: &str, fields: &[KeyValue]) {
        log::write(level, message, fields);
    }

    pub(crate) fn hmac_chain(
        hash: signer::Hash,
        key: &SecretText,
        messages: &[Vec<u8>],
    ) -> Result<Vec<u8>, Error> {
        signer::hmac_chain(hash, key, messages)
    }

    pub(crate) fn sign_jwt(
        alg: signer::JwtAlg,
        part: &str,
        header: &str,
        claims: &str,
    ) -> Result<String, Error> {
        signer::sign_jwt(alg, part, header, claims)
    }

    pub(crate) fn now() -> u64 {
        std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
    }
}

#[cfg(all(not(target_family = "wasm"), any(test, feature = "testing")))]
use crate::testing as imp;

#[cfg(not(any(target_family = "wasm", test, feature = "testing")))]
mod imp {
    //! A native build without the scripted host: it only has to compile.
    use crate::{
        Error, KeyValue, SecretText, TransportError,
        bindings::adapter::portolan::adapter::{http, log, signer},
    };

    fn no_host() -> TransportError {
        let message = "there is no host here: turn on the feature `testing`".to_owned();
        TransportError { kind: "denied-by-policy".to_owned(), message }
    }

    pub(crate) fn send(_: &http::Request) -> Result<http::Response, TransportError> {
        Err(no_host())
    }

    pub(crate) fn send_all(
        requests: &[http::Request],
    ) -> Vec<Result<http::Response, TransportError>> {
        requests.iter().map(send).collect()
    }

    pub(crate) fn cache_get(_: &str) -> Option<Vec<u8>> {
        None
    }

    pub(crate) fn cache_set(_: &str, _: &[u8], _: u32) {}

    pub(crate) fn cache_remove(_: &str) {}

    pub(crate) fn write_log(_: log::Level, _: &str, _: &[KeyValue]) {}

    pub(crate) fn hmac_chain(
        _: signer::Hash,
        _: &SecretText,
        _: &[Vec<u8>],
    ) -> Result<Vec<u8>, Error> {
        Err(no_host().into())
    }

    pub(crate) fn sign_jwt(_: signer::JwtAlg, _: &str, _: &str, _: &str) -> Result<String, Error> {
        Err(no_host().into())
    }

    pub(crate) fn now() -> u64 {
        0
    }
}

pub(crate) use imp::{
    cache_get, cache_remove, cache_set, hmac_chain, now, send, send_all, sign_jwt, write_log,
};
