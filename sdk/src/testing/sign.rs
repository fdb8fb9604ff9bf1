//! HMAC chains as the host computes them.

use hmac::{Hmac, KeyInit, Mac};

use crate::{Error, signer::Hash};

/// The last link of the chain whose first key is `key`.
pub(crate) fn chain(hash: Hash, key: &str, messages: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    if messages.is_empty() {
        return Err(Error::InvalidInput("an HMAC needs at least one message".to_owned()));
    }
    let mut link = key.as_bytes().to_vec();
    for message in messages {
        link = match hash {
            Hash::Sha1 => one::<Hmac<sha1::Sha1>>(&link, message)?,
            Hash::Sha256 => one::<Hmac<sha2::Sha256>>(&link, message)?,
            Hash::Sha512 => one::<Hmac<sha2::Sha512>>(&link, message)?,
        };
    }
    Ok(link)
}

fn one<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    let mac = <M as KeyInit>::new_from_slice(key);
    let mut mac = mac.map_err(|error| Error::Internal(error.to_string()))?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_sign_as_in_the_vectors() {
        let hex = |bytes: Vec<u8>| crate::signing::hex(&bytes);
        // RFC 2202 and RFC 4231, test case 2 each.
        let message = [b"what do ya want for nothing?".to_vec()];
        let cases = [
            (Hash::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Hash::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ];
        for (hash, expected) in cases {
            assert_eq!(hex(chain(hash, "Jefe", &message).unwrap()), expected);
        }
        // AWS, example of deriving a signing key.
        let links = ["20120215", "us-east-1", "iam", "aws4_request"];
        let links: Vec<_> = links.iter().map(|link| link.as_bytes().to_vec()).collect();
        assert_eq!(
            hex(chain(Hash::Sha256, "AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", &links)
                .unwrap()),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
        );
    }
}
