//! Tokens of the registry, and what a refusal means.

use portolan_sdk::{
    Endpoint, Error,
    token::{self, Flow, Form},
};

/// Where a registry gives out its tokens, below its own address.
pub(crate) const TOKENS: &str = "/oauth2/token";

/// The user name that stands for "the secret is a refresh token", as `az acr login` hands it out.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Life of an access token in seconds where it does not tell: the answers never say, and the
/// tokens that Microsoft documents live so long.
const LIFE: u64 = 75 * 60;

/// The token flow of an endpoint.
pub(crate) fn flow(endpoint: &Endpoint) -> Flow<'_> {
    let flow = Flow::new(endpoint).token_life(|token| token::jwt_life(token).unwrap_or(LIFE));
    if endpoint.access_key.as_deref() != Some(NOBODY) {
        return flow;
    }
    // In a body, it goes to the registry's own address alone.
    flow.form(Form::RefreshToken { client_id: "portolan".to_owned() }).realm(TOKENS)
}

/// Tells an account that may not do this from credentials that are wrong: the registry answers
/// 401 to both. `advice` says what the account needs.
pub(crate) fn explain(flow: &Flow<'_>, error: Error, advice: &str) -> Error {
    match error {
        Error::Unauthenticated(text) if flow.grant(&[], None).is_ok() => {
            Error::Forbidden(format!("{text}; {advice}"))
        }
        other => other,
    }
}
