//! Whether a webhook proves that it knows the endpoint's secret. Every comparison takes as long
//! whatever is compared; nothing here is logged.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use portolan_core::{
    provider::{DeliveryAuth, HmacHeader},
    secret::Secret,
};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::Delivery;

/// Whether a delivery proves itself in one of these ways. Each is looked at.
pub(super) fn is_proven(ways: &[DeliveryAuth], secret: &Secret, delivery: &Delivery) -> bool {
    let mut proven = Choice::from(0);
    for way in ways {
        proven |= match way {
            DeliveryAuth::UrlToken => by_url(secret, delivery),
            DeliveryAuth::HeaderToken(name) => by_header(name, secret, delivery),
            DeliveryAuth::HmacHeader(form) => by_hmac(form, secret, delivery),
        };
    }
    proven.into()
}

fn by_url(secret: &Secret, delivery: &Delivery) -> Choice {
    let token = delivery.token.as_ref().map_or("", Secret::expose);
    same(secret.expose().as_bytes(), token.as_bytes())
}

/// The header is the secret; of `Authorization`, also what follows the word `Bearer`.
fn by_header(name: &str, secret: &Secret, delivery: &Delivery) -> Choice {
    let secret = secret.expose().as_bytes();
    let mut proven = Choice::from(0);
    for value in delivery.values(name) {
        proven |= same(secret, value.trim_ascii());
        if name.eq_ignore_ascii_case("authorization")
            && let Some((scheme, rest)) = value.split_at_checked(7)
            && scheme.eq_ignore_ascii_case(b"bearer ")
        {
            proven |= same(secret, rest.trim_ascii());
        }
    }
    proven
}

fn by_hmac(form: &HmacHeader, secret: &Secret, delivery: &Delivery) -> Choice {
    let key = secret.expose().as_bytes();
    let Some(expected) = (match form.hash.to_ascii_lowercase().as_str() {
        "sha1" => signed::<Hmac<Sha1>>(key, &delivery.body),
        "sha256" => signed::<Hmac<Sha256>>(key, &delivery.body),
        _ => None,
    }) else {
        return Choice::from(0);
    };
    let mut proven = Choice::from(0);
    for value in delivery.values(&form.header) {
        let value = value.trim_ascii();
        let value = value.strip_prefix(form.prefix.as_bytes()).unwrap_or_default();
        let given = match form.encoding.as_str() {
            "base64" => BASE64_STANDARD.decode(value).ok(),
            _ => hexadecimal(value),
        };
        proven |= same(&expected, &given.unwrap_or_default());
    }
    proven
}

fn signed<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(body);
    Some(mac.finalize().into_bytes().to_vec())
}

fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? * 16 + digit(low)?).ok();
    pairs.iter().map(byte).collect()
}

/// Compares hashes: neither content nor length shows in the time it takes.
fn same(one: &[u8], other: &[u8]) -> Choice {
    Sha256::digest(one).as_slice().ct_eq(Sha256::digest(other).as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hmac(encoding: &str, hash: &str) -> DeliveryAuth {
        DeliveryAuth::HmacHeader(HmacHeader {
            header: "X-Hub-Signature-256".to_owned(),
            hash: hash.to_owned(),
            prefix: "sha256=".to_owned(),
            encoding: encoding.to_owned(),
        })
    }

    #[test]
    fn each_way_proves_itself_with_the_secret_alone() {
        let token = || DeliveryAuth::HeaderToken("Authorization".to_owned());
        let plain = || DeliveryAuth::HeaderToken("X-Token".to_owned());
        // RFC 4231 test case 2, and the same with SHA-1 (RFC 2202).
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let sha1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        let base64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        let cases: [(DeliveryAuth, Option<&str>, &str, String, bool); 20] = [
            (DeliveryAuth::UrlToken, Some("Jefe"), "", String::new(), true),
            (DeliveryAuth::UrlToken, Some("Jefe2"), "", String::new(), false),
            (DeliveryAuth::UrlToken, None, "authorization", "Jefe".to_owned(), false),
            (token(), Some("Jefe"), "", String::new(), false),
            (token(), None, "authorization", "Jefe".to_owned(), true),
            (token(), None, "Authorization", "Bearer Jefe".to_owned(), true),
            (token(), None, "authorization", "bearer  Jefe ".to_owned(), true),
            (token(), None, "authorization", "Basic Jefe".to_owned(), false),
            (token(), None, "authorization", "Bearer jefe".to_owned(), false),
            (token(), None, "authorization", String::new(), false),
            (plain(), None, "x-token", "Jefe".to_owned(), true),
            (plain(), None, "x-token", "Bearer Jefe".to_owned(), false),
            (hmac("hex", "sha256"), None, "x-hub-signature-256", format!("sha256={hex}"), true),
            (
                hmac("hex", "sha256"),
                None,
                "x-hub-signature-256",
                format!("sha256={}", hex.to_uppercase()),
                true,
            ),
            (
                hmac("base64", "sha256"),
                None,
                "x-hub-signature-256",
                format!("sha256={base64}"),
                true,
            ),
            (hmac("hex", "sha1"), None, "x-hub-signature-256", format!("sha256={sha1}"), true),
            (hmac("hex", "sha1"), None, "x-hub-signature-256", format!("sha256={hex}"), false),
            (hmac("hex", "sha256"), None, "x-hub-signature-256", hex.to_owned(), false),
            (hmac("hex", "sha256"), None, "x-hub-signature-256", format!("sha256=0{hex}"), false),
            (hmac("hex", "md5"), None, "x-hub-signature-256", format!("sha256={hex}"), false),
        ];
        let secret = Secret::new("Jefe".to_owned());
        for (way, in_url, header, value, expected) in cases {
            let delivery = Delivery {
                token: in_url.map(|text| Secret::new(text.to_owned())),
                headers: vec![(header.to_owned(), value.clone().into_bytes())],
                body: bytes::Bytes::from_static(b"what do ya want for nothing?"),
            };
            assert_eq!(
                is_proven(std::slice::from_ref(&way), &secret, &delivery),
                expected,
                "{way:?} {value}"
            );
            assert!(!is_proven(&[], &secret, &delivery));
        }
    }
}
