//! How long a token lives by its own claims, where it is a JWT (RFC 7519) and its service does not
//! say. A hint, never a check: what a token may do is the registry's to judge.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;

use crate::loose::Loose;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    exp: Loose,
    nbf: Loose,
    iat: Loose,
}

/// Seconds from the issue of a JWT to its end; both are of the issuer's clock, so that ours need
/// not agree with it. `None` for any other token.
#[must_use]
pub fn of_jwt(token: &str) -> Option<u64> {
    let claims = token.split('.').nth(1)?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = crate::json::read(&claims).ok()?;
    let instant = |claim: Loose| claim.0?.parse::<u64>().ok();
    let begin = instant(claims.nbf).or_else(|| instant(claims.iat))?;
    instant(claims.exp)?.checked_sub(begin).filter(|life| *life > 0)
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE;

    use super::*;

    #[test]
    fn lives_are_read_from_claims() {
        for (claims, expected) in [
            (r#"{"nbf":1563788000,"exp":1563792500,"iat":1563788000}"#, Some(4500)),
            (r#"{"iat":100,"exp":400.5}"#, Some(300)),
            (r#"{"nbf":100,"exp":100}"#, None),
            (r#"{"nbf":200,"exp":100}"#, None),
            (r#"{"exp":100}"#, None),
            (r#"{"nbf":{},"exp":[]}"#, None),
            ("[]", None),
            ("{\"exp\":", None),
        ] {
            for text in [BASE64_URL_SAFE.encode(claims), BASE64_URL_SAFE_NO_PAD.encode(claims)] {
                assert_eq!(of_jwt(&format!("e30.{text}.x")), expected, "{claims}");
            }
        }
        for other in ["", "token-1", "eyJ.a.b", "a.ü.c"] {
            assert_eq!(of_jwt(other), None, "{other}");
        }
    }
}
