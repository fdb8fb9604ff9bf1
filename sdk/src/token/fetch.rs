//! Fetching a token from a realm, by `GET` or by OAuth2 `POST`, and keeping it for a while.

use serde::Deserialize;

use crate::{
    Auth, Endpoint, Error, Result, TemplateFormat, cache, host,
    http::{self, Request, Response},
    loose::Loose,
};

/// Shortest life of a token, in seconds; also what is taken where the service says nothing.
const MIN_LIFE: u64 = 60;

/// Longest life believed, in seconds.
const MAX_LIFE: u64 = 24 * 3600;

/// How tokens are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `GET` with Basic: what every token service knows.
    #[default]
    Get,
    /// OAuth2 `POST` with the secret in the body. The realm must be one of the adapter's
    /// `login_urls`. A service that does not know it (404, 405) is asked by `GET`.
    OAuth2 {
        /// Name of the client, required by the form.
        client_id: String,
    },
    /// The same where the secret is a refresh token, whatever the user's name.
    RefreshToken {
        /// Name of the client, required by the form.
        client_id: String,
    },
}

/// A token, and when it expires, in seconds since the epoch: as kept in the cache, where a tuple
/// costs a component less than a struct.
pub(crate) type Token = (String, u64);

/// What a token service answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Loose,
}

/// One question to a token service.
pub(crate) struct Ask<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) form: &'a Form,
    /// In place of the endpoint's own credentials.
    pub(crate) login: Option<&'a Auth>,
    pub(crate) realm: &'a str,
    pub(crate) service: Option<&'a str>,
    pub(crate) scopes: &'a [String],
    /// Life in seconds where the service does not say. A function: a component without it does
    /// not carry what reads tokens.
    pub(crate) life: Option<fn(&str) -> u64>,
}

impl Ask<'_> {
    /// A token from the cache, else a fresh one.
    pub(crate) fn token(&self) -> Result<Token> {
        let kept = cache::get::<Token>(&self.cache_key(self.scopes));
        match kept.filter(|(_, expires)| *expires > host::now()) {
            Some(token) => Ok(token),
            None => self.fresh(self.scopes),
        }
    }

    /// A fresh token, kept for its own scopes and for `wanted`, which are some of them.
    pub(crate) fn fresh(&self, wanted: &[String]) -> Result<Token> {
        let response = self.ask()?;
        let (token, life) = self.read(&response)?;
        // Renewed 10 to 30 seconds early: a token must outlive the request it is put on.
        let margin = (life / 6).clamp(10, 30);
        let ttl = u32::try_from(life - margin).unwrap_or(u32::MAX);
        let token: Token = (token, host::now().saturating_add(life));
        cache::set(&self.cache_key(self.scopes), &token, ttl);
        if wanted != self.scopes {
            cache::set(&self.cache_key(wanted), &token, ttl);
        }
        Ok(token)
    }

    fn cache_key(&self, scopes: &[String]) -> String {
        let service = self.service.unwrap_or_default();
        format!("token {} {service} {}", self.realm, scopes.join(" "))
    }

    fn ask(&self) -> Result<Response> {
        let secret_goes = self.login.is_none() && self.endpoint.has_credentials();
        if let (Form::OAuth2 { client_id } | Form::RefreshToken { client_id }, true) =
            (self.form, secret_goes)
        {
            let response = self.post(client_id)?;
            if !matches!(response.status(), 404 | 405) {
                return Ok(response);
            }
        }
        let mut request = Request::get(self.realm).auth(self.auth());
        if let Some(service) = self.service {
            request = request.query("service", service);
        }
        for scope in self.scopes {
            request = request.query("scope", scope);
        }
        request.send()
    }

    fn auth(&self) -> Auth {
        self.login.cloned().unwrap_or_else(|| self.endpoint.auth())
    }

    fn post(&self, client_id: &str) -> Result<Response> {
        let user = self.endpoint.access_key.as_deref().unwrap_or_default();
        let scopes = self.scopes.join(" ");
        let mut fields = vec![("client_id", client_id), ("scope", &scopes)];
        fields.extend(self.service.map(|service| ("service", service)));
        // Docker's credential files mark a refresh token by this user name.
        let refreshes = matches!(self.form, Form::RefreshToken { .. }) || user == "<token>";
        let secret = if refreshes {
            fields.push(("grant_type", "refresh_token"));
            "refresh_token=${secret}"
        } else {
            fields.extend([("grant_type", "password"), ("username", user)]);
            "password=${secret}"
        };
        let text = format!("{}&{secret}", http::form_text(&fields));
        Request::post(self.realm).template(TemplateFormat::Form, text).send()
    }

    /// The token and its life in seconds. `issued_at` is not read: the token was made for this
    /// very question, and the service's clock need not agree with ours.
    fn read(&self, response: &Response) -> Result<(String, u64)> {
        if matches!(response.status(), 400 | 401) {
            let who = match self.endpoint.access_key.as_deref() {
                Some(user) if !user.is_empty() => format!("the credentials of `{user}`"),
                _ => "a request without credentials".to_owned(),
            };
            let why = response.error();
            return Err(Error::Unauthenticated(format!(
                "the token service refused {who}: {}",
                why.text()
            )));
        }
        if response.status() != 200 {
            return Err(match response.error() {
                error if response.status() >= 400 => error,
                _ => Error::MalformedResponse(format!(
                    "{} answered {} where a token was expected",
                    response.what(),
                    response.status()
                )),
            });
        }
        let answer: Answer = response.json()?;
        let token = [answer.token, answer.access_token]
            .into_iter()
            .flatten()
            .find(|token| !token.is_empty())
            .ok_or_else(|| {
                Error::MalformedResponse(format!("{} answered no token", response.what()))
            })?;
        let said = answer.expires_in.0.and_then(|seconds| seconds.parse().ok());
        let usual = || self.life.map(|life| life(&token));
        let life = said.or_else(usual).unwrap_or(MIN_LIFE);
        Ok((token, life.clamp(MIN_LIFE, MAX_LIFE)))
    }
}
