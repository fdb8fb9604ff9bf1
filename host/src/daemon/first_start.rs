//! The administrator's password at the first start: given, or generated, shown once and kept in a
//! file until it is changed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portolan_core::{
    account::{InvalidAccount, Role},
    secret::Secret,
};
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use crate::{
    api::auth::{ADMIN, hash_password, verify_password},
    config::Config,
    error::{Code, Error},
    host::Host,
};

/// Bytes of randomness in a generated password.
const RANDOM_BYTES: usize = 18;
/// Shortest time between two looks at whether it was changed.
const LOOK: Duration = Duration::from_secs(1);

/// Sets the password where there is none yet. Gives the line to show where it was generated.
pub(super) async fn admin_password(
    host: &Host,
    config: &Config,
) -> Result<Option<String>, DaemonError> {
    if host.has_users().await? {
        if config.admin_password.is_some() {
            tracing::info!("PORTOLAN_ADMIN_PASSWORD is for the first start: it was not used");
        }
        return Ok(None);
    }
    if let Some(password) = &config.admin_password {
        make_admin(host, password).await?;
        return Ok(None);
    }
    let path = config.paths.initial_password();
    // Kept before it is set: a crash in between leaves a file that the next start goes by.
    let password = kept_password(&path)?;
    make_admin(host, &password).await?;
    Ok(Some(format!(
        "the password of `admin` is {} and is kept in {} until it is changed",
        password.expose(),
        path.display()
    )))
}

/// Removes the file of the first password once that is no longer `admin`'s, however it was changed:
/// also at a start, where a crash came between. Ends then, and with `stop`.
pub(super) async fn forget_password(host: Host, path: PathBuf, stop: CancellationToken) {
    let Ok(text) = fs::read_to_string(&path) else { return };
    let first = Arc::new(Secret::new(text.trim().to_owned()));
    let mut news = host.news();
    let mut seen = None;
    loop {
        news.mark_unchanged();
        match host.user_named(ADMIN).await {
            Ok(Some((_, hash))) if seen.as_ref() == Some(&hash) => {}
            Ok(Some((_, hash))) if is_password(hash.clone(), &first).await => seen = Some(hash),
            Ok(_) => return remove(&path),
            Err(error) => tracing::debug!(%error, "whose password it is cannot be read now"),
        }
        tokio::select! {
            told = news.changed() => if told.is_err() { return },
            () = stop.cancelled() => return,
        }
        // A run stores much; one look a while is enough.
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Hashing takes a core for a while: not one of those that answer.
async fn is_password(hash: String, password: &Arc<Secret>) -> bool {
    let password = Arc::clone(password);
    let checked = tokio::task::spawn_blocking(move || verify_password(&hash, &password)).await;
    checked.unwrap_or(true)
}

fn remove(file: &Path) {
    let path = file.display();
    match fs::remove_file(file) {
        Ok(()) => tracing::info!(%path, "the first password was changed: its file is removed"),
        Err(error) => tracing::warn!(
            %path, %error, "the first password was changed, but its file is still there: remove it"
        ),
    }
}

/// Makes the first administrator.
pub(super) async fn make_admin(host: &Host, password: &Secret) -> Result<(), DaemonError> {
    let hash = hash_password(password.expose())?;
    let name = ADMIN
        .parse()
        .map_err(|error: InvalidAccount| Error::new(Code::Internal, error.to_string()))?;
    host.create_user(name, Role::Admin, hash).await?;
    Ok(())
}

/// A password nobody can guess.
pub(super) fn random_password() -> Result<Secret, DaemonError> {
    let mut random = [0u8; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|error| DaemonError::Randomness(error.to_string()))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random)))
}

/// The password in the file; a new one, with the file, where there is none.
fn kept_password(path: &Path) -> Result<Secret, DaemonError> {
    let failed = |source: io::Error| DaemonError::Password { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(Secret::new(text.trim().to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let password = random_password()?;
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(password.expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(failed)?;
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::builder::HostBuilder;

    #[tokio::test]
    async fn the_file_stays_as_long_as_its_password_is_right() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("initial-admin-password");
        let host = HostBuilder::in_memory().build().await.unwrap();
        let first = kept_password(&path).unwrap();
        make_admin(&host, &first).await.unwrap();
        let stop = CancellationToken::new();
        let watch = || tokio::spawn(forget_password(host.clone(), path.clone(), stop.clone()));
        let (mut watching, patience) = (watch(), Duration::from_secs(60));
        host.create_user("ada".parse().unwrap(), Role::Viewer, "x".to_owned()).await.unwrap();
        stop.cancel();
        tokio::time::timeout(patience, &mut watching).await.unwrap().unwrap();
        assert!(path.exists(), "another user is no change");

        let stop = CancellationToken::new();
        let watching = tokio::spawn(forget_password(host.clone(), path.clone(), stop));
        let (admin, _) = host.user_named(ADMIN).await.unwrap().unwrap();
        let another = hash_password("another").unwrap();
        host.update_user(admin.id, None, Some(another)).await.unwrap();
        tokio::time::timeout(patience, watching).await.unwrap().unwrap();
        assert!(!path.exists());

        let again = kept_password(&path).unwrap();
        assert_ne!(again.expose(), first.expose());
        forget_password(host.clone(), path.clone(), CancellationToken::new()).await;
        assert!(!path.exists(), "changed before a start");
    }

    #[test]
    fn a_generated_password_is_kept_for_its_owner_alone_and_used_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("initial-admin-password");
        let first = kept_password(&path).unwrap();
        assert_eq!(first.expose().len(), 24);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(kept_password(&path).unwrap().expose(), first.expose());
        fs::write(&path, "\n").unwrap();
        assert_ne!(kept_password(&path).unwrap().expose(), first.expose());
        let nowhere = directory.path().join("none/password");
        assert!(matches!(kept_password(&nowhere), Err(DaemonError::Password { .. })));
    }
}
