//! `signer`: signatures with a secret the guest may use but not read, by declared recipes alone.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portolan_bindings::v0_1::portolan::adapter::{
    signer::{Hash, Host, JwtAlg},
    types::{Error, SecretText},
};
use ring::{hmac, rand::SystemRandom, signature};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

use crate::plugin::{bound::Bound, instance::State};

/// Most bytes signed in one call.
const MAX_INPUT: usize = 1 << 20;

impl Host for State {
    async fn hmac_chain(
        &mut self,
        hash: Hash,
        key: SecretText,
        messages: Vec<Vec<u8>>,
    ) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        Ok(hmac_chain(&*self.bound()?, hash, &key, &messages).map_err(Error::InvalidInput))
    }

    async fn sign_jwt(
        &mut self,
        alg: JwtAlg,
        key: String,
        header: String,
        claims: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(sign_jwt(&*self.bound()?, alg, &key, &header, &claims).map_err(Error::InvalidInput))
    }
}

/// An HMAC under the secret is an oracle for guessing it, so each recipe is declared before.
fn declared(
    bound: &Bound,
    algorithm: &str,
    key: Option<(&SecretText, usize)>,
) -> Result<(), String> {
    let fits = |recipe: &&portolan_core::provider::SigningRecipe| {
        recipe.algorithm == algorithm
            && key.is_none_or(|(text, links)| {
                recipe.prefix == text.prefix
                    && recipe.suffix == text.suffix
                    && usize::from(recipe.links) == links
            })
    };
    match bound.rights.signing.iter().find(fits) {
        Some(_) => Ok(()),
        None => Err(format!(
            "no recipe of the adapter's `signing` allows {algorithm} with this prefix, suffix and \
             number of links"
        )),
    }
}

fn hmac_chain(
    bound: &Bound,
    hash: Hash,
    key: &SecretText,
    messages: &[Vec<u8>],
) -> Result<Vec<u8>, String> {
    let (name, algorithm) = match hash {
        Hash::Sha1 => ("hmac-sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Sha256 => ("hmac-sha256", hmac::HMAC_SHA256),
        Hash::Sha512 => ("hmac-sha512", hmac::HMAC_SHA512),
    };
    declared(bound, name, Some((key, messages.len())))?;
    bounded(messages.iter().map(Vec::len).sum())?;
    is_of_a_request(messages)?;
    let secret = bound.account.text(key)?;
    let mut key = hmac::Key::new(algorithm, secret.expose().as_bytes());
    let (last, links) = messages.split_last().ok_or("an HMAC needs at least one message")?;
    for message in links {
        key = hmac::Key::new(algorithm, hmac::sign(&key, message).as_ref());
    }
    Ok(hmac::sign(&key, last).as_ref().to_vec())
}

/// A chain of one link signs requests alone. Their texts have several lines, or parts joined by
/// `&`; a bare word has neither, and some services make a login that lasts for ever of the HMAC
/// of one (Huawei's of the access key).
fn is_of_a_request(messages: &[Vec<u8>]) -> Result<(), String> {
    match messages {
        [one] if !one.iter().any(|byte| matches!(byte, b'\n' | b'&')) => {
            let why = "an HMAC of one link signs the text of a request, which has several lines or \
                       parts joined by `&`";
            Err(why.to_owned())
        }
        _ => Ok(()),
    }
}

fn sign_jwt(
    bound: &Bound,
    alg: JwtAlg,
    part: &str,
    header: &str,
    claims: &str,
) -> Result<String, String> {
    let name = match alg {
        JwtAlg::Rs256 => "rs256",
        JwtAlg::Es256 => "es256",
    };
    declared(bound, name, None)?;
    bounded(header.len() + claims.len())?;
    for (what, text) in [("header", header), ("claims", claims)] {
        match serde_json::from_str(text) {
            Ok(serde_json::Value::Object(_)) => {}
            _ => return Err(format!("the {what} of a JWT is a JSON object")),
        }
    }
    let secret = bound.account.part(part)?;
    // No reason from the parser: it could quote the key.
    let key = PrivateKeyDer::from_pem_slice(secret.expose().as_bytes())
        .map_err(|_| "the access secret holds no PEM private key".to_owned())?;
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = match alg {
        JwtAlg::Rs256 => rs256(&key, message.as_bytes()),
        JwtAlg::Es256 => es256(&key, message.as_bytes()),
    };
    let signature = signature.ok_or_else(|| format!("the private key is not one for {name}"))?;
    Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

fn rs256(key: &PrivateKeyDer<'_>, message: &[u8]) -> Option<Vec<u8>> {
    let pair = match key {
        PrivateKeyDer::Pkcs1(der) => signature::RsaKeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return None,
    };
    let pair = pair.ok()?;
    let mut signed = vec![0; pair.public().modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signed).ok()?;
    Some(signed)
}

fn es256(key: &PrivateKeyDer<'_>, message: &[u8]) -> Option<Vec<u8>> {
    let PrivateKeyDer::Pkcs8(der) = key else { return None };
    let random = SystemRandom::new();
    let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair =
        signature::EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der(), &random).ok()?;
    Some(pair.sign(&random, message).ok()?.as_ref().to_vec())
}

fn bounded(bytes: usize) -> Result<(), String> {
    if bytes <= MAX_INPUT {
        return Ok(());
    }
    Err(format!("at most {MAX_INPUT} bytes are signed at once"))
}

#[cfg(test)]
mod tests {
    use portolan_core::provider::SigningRecipe;

    use super::*;
    use crate::plugin::testing;

    fn recipe(algorithm: &str, prefix: &str, links: u8) -> SigningRecipe {
        let (algorithm, prefix) = (algorithm.to_owned(), prefix.to_owned());
        SigningRecipe { algorithm, prefix, suffix: String::new(), links }
    }

    fn bound(secret: &str, recipes: Vec<SigningRecipe>) -> Bound {
        let mut bound = testing::bound("https://registry.example", Some(secret));
        bound.rights.signing = recipes;
        bound
    }

    fn key(prefix: &str) -> SecretText {
        SecretText { prefix: prefix.to_owned(), part: String::new(), suffix: String::new() }
    }

    fn chain(bound: &Bound, prefix: &str, messages: &[&str]) -> Result<String, String> {
        let messages: Vec<_> = messages.iter().map(|text| text.as_bytes().to_vec()).collect();
        let signed = hmac_chain(bound, Hash::Sha256, &key(prefix), &messages)?;
        Ok(signed.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    #[test]
    fn chains_sign_as_in_the_vectors() {
        // AWS, "Signature Version 4 signing process", example of deriving a signing key.
        let aws = bound(
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            vec![recipe("hmac-sha256", "AWS4", 4)],
        );
        assert_eq!(
            chain(&aws, "AWS4", &["20120215", "us-east-1", "iam", "aws4_request"]).unwrap(),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
        );
        // Huawei, API signing guide: the string to sign of its example, and the signature.
        let plain =
            bound("MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc", vec![recipe("hmac-sha256", "", 1)]);
        let text = "SDK-HMAC-SHA256\n20191115T033655Z\n\
            b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a";
        assert_eq!(
            chain(&plain, "", &[text]).unwrap(),
            "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
        );
        // The same service's permanent login key is the HMAC of the access key: never made.
        let refused = chain(&plain, "", &["QTWAOYTTINDUT2QVKYUC"]).unwrap_err();
        assert!(refused.contains("several lines"), "{refused}");
    }

    #[test]
    fn what_is_not_declared_is_refused() {
        let aws = bound("secret-key", vec![recipe("hmac-sha256", "AWS4", 4)]);
        for (prefix, messages) in [
            ("AWS4", &["a", "b", "c"][..]),
            ("AWS4", &["a", "b", "c", "d", "e"][..]),
            ("", &["a", "b", "c", "d"][..]),
        ] {
            assert!(chain(&aws, prefix, messages).unwrap_err().contains("recipe"));
        }
        let error = sign_jwt(&aws, JwtAlg::Rs256, "", "{}", "{}").unwrap_err();
        assert!(error.contains("recipe"), "{error}");
        assert!(chain(&bound("x", Vec::new()), "", &["a\n"]).unwrap_err().contains("recipe"));
    }

    #[test]
    fn a_service_accounts_token_is_that_of_the_vector() {
        // RFC 7515, A.2: key, header, claims and the whole result.
        const KEY: &str = include_str!("../../../../tests/oracles/rfc7515-a2.pem");
        let claims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \
            \"http://example.com/is_root\":true}";
        let expected = concat!(
            "eyJhbGciOiJSUzI1NiJ9",
            ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
            "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
            ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7",
            "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4",
            "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K",
            "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv",
            "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB",
            "p0igcN_IoypGlUPQGe77Rw",
        );
        let file = serde_json::json!({"private_key": KEY, "other": "word"}).to_string();
        let bound = bound(&file, vec![recipe("rs256", "", 0)]);
        let sign = |part| sign_jwt(&bound, JwtAlg::Rs256, part, r#"{"alg":"RS256"}"#, claims);
        assert_eq!(sign("/private_key").unwrap(), expected);
        for part in ["", "/other", "/none"] {
            let error = sign(part).unwrap_err();
            assert!(!error.contains("word"), "{error}");
        }
        let error = sign_jwt(&bound, JwtAlg::Es256, "/private_key", "{}", "{}").unwrap_err();
        assert!(error.contains("recipe"), "{error}");
    }

    #[test]
    fn tokens_verify_with_the_public_key() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let bound = bound(&pair.serialize_pem(), vec![recipe("es256", "", 0)]);
        let header = r#"{"alg":"ES256"}"#;
        let token = sign_jwt(&bound, JwtAlg::Es256, "", header, r#"{"iss":"x"}"#).unwrap();
        let (message, signed) = token.rsplit_once('.').unwrap();
        let signed = BASE64_URL_SAFE_NO_PAD.decode(signed).unwrap();
        signature::UnparsedPublicKey::new(
            &signature::ECDSA_P256_SHA256_FIXED,
            pair.public_key_raw(),
        )
        .verify(message.as_bytes(), &signed)
        .unwrap();
        assert!(token.starts_with("eyJhbGciOiJFUzI1NiJ9."));
        assert!(sign_jwt(&bound, JwtAlg::Es256, "", "[]", "{}").is_err());
        assert!(sign_jwt(&bound, JwtAlg::Es256, "/key", header, "{}").is_err());
    }
}
