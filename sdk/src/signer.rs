//! Signatures with a secret that the adapter may use but not read.
//!
//! Each recipe must be declared in `AdapterInfo::signing`.

pub use crate::bindings::adapter::portolan::adapter::signer::{Hash, JwtAlg};
use crate::{Result, SecretText, host};

/// HMAC chained: the key of the first link is the secret text, of each next one the result
/// before; only the last result is returned.
///
/// # Errors
/// [`crate::Error::InvalidInput`] where the recipe was not declared or the secret has no such part.
pub fn hmac_chain(hash: Hash, key: &SecretText, messages: &[Vec<u8>]) -> Result<Vec<u8>> {
    host::hmac_chain(hash, key, messages)
}

/// A compact JWT over `claims` (a JSON object), signed with the private key (PEM) in `part`.
///
/// # Errors
/// [`crate::Error::InvalidInput`] where the secret holds no such key.
pub fn sign_jwt(alg: JwtAlg, part: &str, header: &str, claims: &str) -> Result<String> {
    host::sign_jwt(alg, part, header, claims)
}
