//! Access tokens of Google's service accounts: a JWT that the account's key signs, given for a
//! token at Google's token service (RFC 7523; Google, "Using OAuth 2.0 for Server to Server
//! Applications").
//!
//! The key file is the endpoint's secret. What it calls public, the host tells in
//! `endpoint.extra`; its `token_uri` is not looked at, so that nobody has a token made elsewhere.

use serde::Deserialize;

use crate::{
    Endpoint, Error, Result, SigningRecipe, cache,
    http::{Request, Response},
    loose::Loose,
    signer::{self, JwtAlg},
    time,
};

/// The one place that gives tokens: a host with the use `signed`.
pub const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// Reading and writing through Google's APIs, as far as IAM lets the account.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Life of an assertion in seconds; the most that is taken.
const LIFE: u64 = 3600;

/// What an adapter with service accounts declares in `AdapterInfo::signing`.
#[must_use]
pub fn recipe() -> SigningRecipe {
    SigningRecipe {
        algorithm: "rs256".to_owned(),
        prefix: String::new(),
        suffix: String::new(),
        links: 0,
    }
}

/// Who an endpoint's key file stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceAccount<'a> {
    /// `client_email` of the key file.
    pub email: &'a str,
    /// `private_key_id` of the key file.
    pub key_id: &'a str,
}

/// A part of the key file that is no secret, e.g. `/project_id`.
#[must_use]
pub fn public_part<'a>(endpoint: &'a Endpoint, pointer: &str) -> Option<&'a str> {
    let is_it = |key: &str| key.strip_prefix("secret:") == Some(pointer);
    let part = endpoint.extra.iter().find(|pair| is_it(&pair.key))?;
    Some(part.value.as_str()).filter(|value| !value.is_empty())
}

impl<'a> ServiceAccount<'a> {
    /// The account of the endpoint's secret; `None` where that is no key file.
    #[must_use]
    pub fn of(endpoint: &'a Endpoint) -> Option<Self> {
        let email = public_part(endpoint, "/client_email")?;
        let key_id = public_part(endpoint, "/private_key_id")?;
        Some(Self { email, key_id })
    }

    /// Header and claims, spaced as Google's own libraries write them, so that ours can be
    /// compared with theirs byte for byte.
    fn texts(&self, scope: &str, now: u64) -> Result<(String, String)> {
        let quoted = |text: &str| {
            serde_json::to_string(text).map_err(|error| Error::Internal(error.to_string()))
        };
        let (key_id, email, scope) = (quoted(self.key_id)?, quoted(self.email)?, quoted(scope)?);
        let header = format!(r#"{{"typ": "JWT", "alg": "RS256", "kid": {key_id}}}"#);
        let expires = now.saturating_add(LIFE);
        let claims = format!(
            r#"{{"iat": {now}, "exp": {expires}, "iss": {email}, "aud": "{TOKEN_URL}", "scope": {scope}}}"#
        );
        Ok((header, claims))
    }

    /// A token for `scope`, from the cache until shortly before it expires.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where Google does not take the key.
    pub fn token(&self, scope: &str) -> Result<String> {
        let key = cache_key(scope);
        if let Some(token) = cache::get(&key) {
            return Ok(token);
        }
        let (header, claims) = self.texts(scope, time::now())?;
        let assertion = signer::sign_jwt(JwtAlg::Rs256, "/private_key", &header, &claims)?;
        let grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        let fields = [("grant_type", grant_type), ("assertion", &*assertion)];
        let response = Request::post(TOKEN_URL).form(&fields).send()?;
        let answer: Answer = self.accepted(response)?.json()?;
        let life = answer.expires_in.0.and_then(|life| life.parse().ok()).unwrap_or(60_u64);
        // A token must outlive the request it is put on.
        let kept = life.clamp(60, LIFE) - 30;
        cache::set(&key, &answer.access_token, u32::try_from(kept).unwrap_or(30));
        Ok(answer.access_token)
    }

    /// Forgets a token that an API refused.
    pub fn forget(&self, scope: &str) {
        cache::remove(&cache_key(scope));
    }

    fn accepted(&self, response: Response) -> Result<Response> {
        if !matches!(response.status(), 400 | 401) || response.is_html() {
            return response.success();
        }
        Err(Error::Unauthenticated(format!(
            "Google does not take the key `{}` of the service account `{}` ({}): make a new key \
             for it under IAM, Service accounts, Keys, and give the whole JSON file as the secret",
            self.key_id,
            self.email,
            response.error().text()
        )))
    }
}

fn cache_key(scope: &str) -> String {
    format!("google {scope}")
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: Loose,
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::{
        signing::oracle,
        testing::{Exchange, ScriptedHost},
    };

    /// The example key of RFC 7515, A.2.
    const KEY: &str = include_str!("../../../tests/oracles/rfc7515-a2.pem");
    const EMAIL: &str = "robot@proj.iam.gserviceaccount.com";
    const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

    fn host() -> ScriptedHost {
        ScriptedHost::new("https://gcr.io")
            .extra("secret:/client_email", EMAIL)
            .extra("secret:/private_key_id", "k1")
            .jwt(|_, part, header, claims| format!("{part}.{header}.{claims}"))
    }

    fn ask() -> Exchange {
        Exchange::new("POST", TOKEN_URL)
            .expect_no_header("Authorization")
            .expect_field("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
    }

    fn given() -> Exchange {
        ask().json(json!({"access_token": "ya29.t", "expires_in": 3599, "token_type": "Bearer"}))
    }

    #[test]
    fn assertions_are_those_of_googles_own_library() {
        let cases = [(EMAIL, "0123456789abcdef"), ("rö\"bot@x", "k\\1")];
        let case = |(email, key_id): &(&str, &str)| json!({"email": email, "key_id": key_id, "key": KEY, "scope": SCOPE, "now": 1_787_299_200});
        let Some(theirs) = oracle::ask("google.py", &cases.each_ref().map(case)) else { return };
        for ((email, key_id), theirs) in cases.into_iter().zip(theirs) {
            let account = ServiceAccount { email, key_id };
            let (header, claims) = account.texts(SCOPE, 1_787_299_200).unwrap();
            let parts: Vec<String> = theirs
                .split('.')
                .map(|part| {
                    String::from_utf8_lossy(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).into()
                })
                .collect();
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!((read(&header), read(&claims)), (read(&parts[0]), read(&parts[1])));
            if email.is_ascii() {
                assert_eq!((&header, &claims), (&parts[0], &parts[1]));
            }
        }
    }

    #[test]
    fn tokens_are_kept_until_shortly_before_they_expire() {
        let claims = format!(
            r#"/private_key.{{"typ": "JWT", "alg": "RS256", "kid": "k1"}}.{{"iat": 1000000000, "exp": 1000003600, "iss": "{EMAIL}", "aud": "{TOKEN_URL}", "scope": "{SCOPE}"}}"#
        );
        let host = host()
            .exchanges([given().expect_field("assertion", &claims), given(), given()])
            .start();
        let account = ServiceAccount::of(host.endpoint()).expect("an account");
        let token = || account.token(CLOUD_PLATFORM).expect("a token");
        assert_eq!((token(), token()), ("ya29.t".to_owned(), "ya29.t".to_owned()));
        host.advance(3560);
        token();
        assert_eq!(host.requests().len(), 1);
        host.advance(20);
        token();
        account.forget(CLOUD_PLATFORM);
        token();
        assert_eq!(host.requests().len(), 3);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let wrong =
            json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
        type Fits = fn(&Error) -> bool;
        let cases: [(Exchange, Fits); 7] = [
            (ask().answer(400).json(wrong), |e| {
                matches!(e, Error::Unauthenticated(text)
                    if text.contains("Invalid JWT Signature.") && text.contains("make a new key"))
            }),
            (ask().answer(401), |e| matches!(e, Error::Unauthenticated(_))),
            (ask().answer(403), |e| matches!(e, Error::Forbidden(_))),
            (
                ask().answer(429).header("Retry-After", "7"),
                |e| matches!(e, Error::RateLimited(limit) if limit.retry_after_seconds == Some(7)),
            ),
            (ask().answer(503), |e| matches!(e, Error::Upstream(e) if e.retryable)),
            (ask().text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
            (ask().text(r#"{"access_token":"ya2"#), |e| matches!(e, Error::MalformedResponse(_))),
        ];
        for (exchange, fits) in cases {
            let host = host().exchange(exchange).start();
            let account = ServiceAccount::of(host.endpoint()).expect("an account");
            let error = account.token(CLOUD_PLATFORM).expect_err("no token");
            assert!(fits(&error), "{error:?}");
        }
        assert_eq!(ServiceAccount::of(&Endpoint::new("https://gcr.io")), None);
    }
}
