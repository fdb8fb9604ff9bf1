//! The endpoint's access ID and secret, and the ways a guest may have them used: it names a part,
//! the host puts that part where it belongs. No text of the secret is ever returned to a guest.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use portolan_bindings::v0_1::portolan::adapter::{
    http::{Auth, Header, HeaderValue as GuestValue},
    types::SecretText,
};
use portolan_core::secret::Secret;

/// Longest header value a guest may give, in bytes.
const MAX_VALUE: usize = 32 << 10;
/// Most headers of one request.
const MAX_HEADERS: usize = 64;

/// Who the endpoint is used as.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub(super) key: Option<String>,
    pub(super) secret: Option<Secret>,
}

/// What a request carries, from nothing to the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Carries {
    Nothing,
    Token,
    Secret,
}

/// Headers ready to be sent.
pub(super) struct Authority {
    pub(super) headers: HeaderMap,
    pub(super) carries: Carries,
    /// Parts of the secret that went in, to be looked for in the answer.
    pub(super) parts: Vec<Secret>,
}

impl Account {
    /// Whether there is nothing to log in with.
    pub(super) fn is_nobody(&self) -> bool {
        self.key.is_none() && self.secret.is_none()
    }

    /// The part of the secret that a JSON Pointer names; all of it for the empty pointer.
    ///
    /// # Errors
    /// When there is no secret, or it has no such part.
    pub(super) fn part(&self, pointer: &str) -> Result<Secret, String> {
        let secret = self.secret.as_ref().filter(|secret| !secret.is_empty());
        let secret = secret.ok_or("no access secret is stored for this endpoint")?;
        if pointer.is_empty() {
            return Ok(secret.clone());
        }
        let document: serde_json::Value = serde_json::from_str(secret.expose())
            .map_err(|_| "the access secret is not the JSON document this provider needs")?;
        match document.pointer(pointer) {
            Some(serde_json::Value::String(text)) => Ok(Secret::new(text.clone())),
            _ => Err(format!("the access secret has no text at `{}`", pointer.escape_debug())),
        }
    }

    /// Prefix, part and suffix in one.
    pub(super) fn text(&self, text: &SecretText) -> Result<Secret, String> {
        let part = self.part(&text.part)?;
        Ok(Secret::new(format!("{}{}{}", text.prefix, part.expose(), text.suffix)))
    }

    /// Makes the headers of a request or a grant from what the guest asked for.
    ///
    /// # Errors
    /// When a header is the host's own, malformed, or needs a secret that is not there.
    pub(super) fn authority(&self, auth: Auth, given: &[Header]) -> Result<Authority, String> {
        let mut authority =
            Authority { headers: HeaderMap::new(), carries: Carries::Nothing, parts: Vec::new() };
        if given.len() > MAX_HEADERS {
            return Err(format!("a request may have {MAX_HEADERS} headers"));
        }
        for Header { name, value } in given {
            self.add(&mut authority, name, value)?;
        }
        self.authenticate(&mut authority, auth)?;
        Ok(authority)
    }

    fn add(&self, to: &mut Authority, name: &str, value: &GuestValue) -> Result<(), String> {
        let named = allowed(name)?;
        match value {
            GuestValue::Plain(_) if is_authority(&named) => Err(format!(
                "the header `{named}` cannot be given as it is: use the request's `auth`, or a \
                 secret header value"
            )),
            GuestValue::Plain(bytes) => {
                to.headers.append(&named, header_value(bytes, &named)?);
                Ok(())
            }
            GuestValue::Secret(text) => {
                to.parts.push(self.part(&text.part)?);
                put(to, named, self.text(text)?.expose(), Carries::Secret)
            }
        }
    }

    fn authenticate(&self, to: &mut Authority, auth: Auth) -> Result<(), String> {
        let bearer = |token: &str| format!("Bearer {token}");
        let (value, carries) = match auth {
            Auth::Anonymous => return Ok(()),
            Auth::Basic => {
                if self.key.is_none() && self.secret.is_none() {
                    return Ok(());
                }
                let secret = self.secret.clone().unwrap_or_else(|| Secret::new(String::new()));
                let value = basic(self.key.as_deref().unwrap_or_default(), &secret);
                (value, Carries::Secret)
            }
            Auth::BasicAs(account) => {
                let part = self.part(&account.password)?;
                let value = basic(&account.username, &part);
                to.parts.push(part);
                (value, Carries::Secret)
            }
            Auth::BearerSecret(pointer) => {
                let part = self.part(&pointer)?;
                let value = bearer(part.expose());
                to.parts.push(part);
                (value, Carries::Secret)
            }
            Auth::Bearer(token) => (bearer(&token), Carries::Token),
            Auth::Raw(raw) => {
                if raw.scheme.is_empty() || !raw.scheme.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err("an authentication scheme is one word".to_owned());
                }
                (format!("{} {}", raw.scheme, raw.value), Carries::Token)
            }
        };
        put(to, header::AUTHORIZATION, &value, carries)
    }
}

fn put(to: &mut Authority, name: HeaderName, text: &str, carries: Carries) -> Result<(), String> {
    let mut value = header_value(text.as_bytes(), &name)?;
    value.set_sensitive(true);
    to.headers.insert(name, value);
    to.carries = to.carries.max(carries);
    Ok(())
}

fn basic(user: &str, password: &Secret) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.expose())))
}

/// Says nothing of the value: it may be the secret.
fn header_value(bytes: &[u8], name: &HeaderName) -> Result<HeaderValue, String> {
    if bytes.len() > MAX_VALUE {
        return Err(format!("the header `{name}` is longer than {MAX_VALUE} bytes"));
    }
    HeaderValue::from_bytes(bytes)
        .map_err(|_| format!("the value of the header `{name}` holds control characters"))
}

/// Headers that say who is asking.
pub(super) fn is_authority(name: &HeaderName) -> bool {
    *name == header::AUTHORIZATION || *name == header::COOKIE
}

fn allowed(name: &str) -> Result<HeaderName, String> {
    let named = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("`{}` is no header name", name.escape_debug()))?;
    let own = matches!(
        named.as_str(),
        "host"
            | "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "content-length"
            | "upgrade"
            | "accept-encoding"
            | "expect"
    );
    if own || named.as_str().starts_with("proxy-") {
        return Err(format!("the header `{named}` is the host's own"));
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use portolan_bindings::v0_1::portolan::adapter::http::{BasicAccount, RawAuth};

    use super::*;

    fn account() -> Account {
        let secret = r#"{"private_key":"-----KEY","nested":{"a/b":"deep"},"n":1}"#;
        Account { key: Some("robot".to_owned()), secret: Some(Secret::new(secret.to_owned())) }
    }

    fn password() -> Account {
        let secret = Some(Secret::new("s3cret".to_owned()));
        Account { key: Some("robot".to_owned()), secret }
    }

    fn plain(name: &str, value: &str) -> Header {
        Header { name: name.to_owned(), value: GuestValue::Plain(value.as_bytes().to_vec()) }
    }

    fn secret(name: &str, prefix: &str, part: &str) -> Header {
        let text =
            SecretText { prefix: prefix.to_owned(), part: part.to_owned(), suffix: String::new() };
        Header { name: name.to_owned(), value: GuestValue::Secret(text) }
    }

    #[test]
    fn parts_are_json_pointers() {
        let cases = [
            ("/private_key", Ok("-----KEY")),
            ("/nested/a~1b", Ok("deep")),
            ("/n", Err("no text at `/n`")),
            ("/missing", Err("no text")),
        ];
        for (pointer, wanted) in cases {
            match (account().part(pointer), wanted) {
                (Ok(part), Ok(text)) => assert_eq!(part.expose(), text),
                (Err(error), Err(text)) => assert!(error.contains(text), "{error}"),
                _ => panic!("{pointer}"),
            }
        }
        let error = password().part("/x").err().unwrap();
        assert!(!error.contains("s3cret"), "{error}");
        assert!(Account::default().part("").is_err());
    }

    #[test]
    fn authentication_is_put_in_by_the_host() {
        let raw = RawAuth { scheme: "AWS4".to_owned(), value: "sig".to_owned() };
        let as_key = BasicAccount { username: "_json_key".to_owned(), password: "/n2".to_owned() };
        let cases = [
            (Auth::Anonymous, Some((None, Carries::Nothing))),
            (Auth::Basic, Some((Some("Basic cm9ib3Q6czNjcmV0"), Carries::Secret))),
            (Auth::BearerSecret(String::new()), Some((Some("Bearer s3cret"), Carries::Secret))),
            (Auth::Bearer("t".to_owned()), Some((Some("Bearer t"), Carries::Token))),
            (Auth::Bearer("t\r\nx: y".to_owned()), None),
            (Auth::Raw(raw), Some((Some("AWS4 sig"), Carries::Token))),
            (Auth::BasicAs(as_key), None),
        ];
        for (auth, wanted) in cases {
            let got = password().authority(auth, &[]).ok();
            let got = got.as_ref().map(|it| {
                let value = it.headers.get("authorization").map(|v| v.to_str().unwrap());
                (value, it.carries)
            });
            assert_eq!(got, wanted);
        }
        let nobody = Account::default().authority(Auth::Basic, &[]).ok().unwrap();
        assert_eq!((nobody.headers.len(), nobody.carries), (0, Carries::Nothing));
    }

    #[test]
    fn headers_of_the_host_are_refused() {
        let refused = [
            "Host",
            "connection",
            "Transfer-Encoding",
            "content-length",
            "Proxy-Authorization",
            "Upgrade",
            "Authorization",
            "Cookie",
            "Accept-Encoding",
            "bad name",
            "",
        ];
        for name in refused {
            assert!(password().authority(Auth::Anonymous, &[plain(name, "x")]).is_err(), "{name}");
        }
        for value in ["a\r\nb", "a\nb", "a\0b"] {
            let given = [plain("X-Test", value)];
            assert!(password().authority(Auth::Anonymous, &given).is_err(), "{value:?}");
        }
        let given = [plain("Accept", "a/b"), plain("accept", "c/d")];
        let headers = password().authority(Auth::Anonymous, &given).ok().unwrap().headers;
        assert_eq!(headers.get_all("accept").iter().count(), 2);
    }

    #[test]
    fn secret_headers_carry_the_secret() {
        let given = [secret("Authorization", "token ", ""), plain("Accept", "a/b")];
        let got = password().authority(Auth::Anonymous, &given).ok().unwrap();
        assert_eq!(got.headers.get("authorization").unwrap(), "token s3cret");
        assert_eq!((got.carries, got.parts.len()), (Carries::Secret, 1));
        assert!(format!("{:?}", got.headers).contains("Sensitive"));
        let given = [secret("Proxy-Authorization", "", "")];
        assert!(password().authority(Auth::Anonymous, &given).is_err());
    }
}
