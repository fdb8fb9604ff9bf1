//! Who asks a daemon, and which daemon is believed: files that options and variables name, prompts.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use portolan_core::secret::Secret;

use super::Address;
use crate::{
    ClientTls,
    cli::{args::Connection, output::Failure, secret, typed},
};

/// The platform's trust store, and a file of certificates besides where one was named.
pub(super) fn trusted(
    connection: &Connection,
    said: &impl Fn(&str) -> Option<String>,
) -> Result<ClientTls, Failure> {
    let file = connection.server_ca.clone().or_else(|| said("PORTOLAN_SERVER_CA").map(Into::into));
    let ca = file.map(|path| typed::certificates("--server-ca", &path)).transpose()?;
    ClientTls::new(ca).map_err(|error| Failure::usage(format!("--server-ca: {error}")))
}

/// What proves who asks: a token, a name with a password, or on the socket nothing.
pub(super) fn authorization(
    connection: &Connection,
    address: &Address,
    said: &impl Fn(&str) -> Option<String>,
) -> Result<Option<HeaderValue>, Failure> {
    let file = |given: &Option<PathBuf>, name| given.clone().or_else(|| said(name).map(Into::into));
    let token = file(&connection.token_file, "PORTOLAN_TOKEN_FILE");
    let password = file(&connection.password_file, "PORTOLAN_PASSWORD_FILE");
    // What was typed goes before what a variable says.
    let token = token.filter(|_| connection.password_file.is_none());
    match (token, password) {
        (Some(path), _) => {
            sensitive(format!("Bearer {}", secret::from_file(&path)?.expose())).map(Some)
        }
        (None, None) if matches!(address, Address::Socket(_)) => Ok(None),
        (None, file) => {
            let prompt = format!("Password of {} at {address}", connection.user);
            let read = secret::from_file_or_prompt(file.as_deref(), "--password-file", &prompt)?;
            basic(&connection.user, &read).map(Some)
        }
    }
}

/// A name and a password as HTTP sends them.
pub(super) fn basic(user: &str, password: &Secret) -> Result<HeaderValue, Failure> {
    let pair = format!("{user}:{}", password.expose());
    sensitive(format!("Basic {}", STANDARD.encode(pair)))
}

fn sensitive(text: String) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        Failure::usage("the name and the password, or the token, make no HTTP header")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
