//! `portolan backup`, from a running daemon, and `portolan restore`, without one. The passphrase
//! comes from a file, standard input or a prompt, never from an argument.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use portolan_core::secret::Secret;
use serde_json::json;

use super::{
    args::{BackupArgs, RestoreArgs},
    client::{Client, PORTOLAN},
    output::{Failure, Output},
    secret,
};
use crate::{
    BackupKey, HostBuilder,
    api::auth::backup_key,
    config::{DaemonPaths, Flags},
};

/// Makes a backup file. A file that is there is not replaced; a half one is not left.
pub(super) async fn run(
    args: BackupArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    let path = &args.file;
    let passphrase = passphrase(args.passphrase_file.as_deref(), true)?;
    let failed = |error| Failure::new(format!("cannot make {}: {error}", path.display()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| failed(error).hint("name a file that is not there yet"));
    let mut file = tokio::fs::File::from_std(file?);
    let body = json!({"passphrase": passphrase.expose()});
    let taken = client.download(&format!("{PORTOLAN}/backup"), body, &mut file).await;
    let taken = match taken {
        Ok(taken) => file.sync_all().await.map(|()| taken).map_err(failed),
        Err(failure) => Err(failure),
    };
    let bytes = taken.inspect_err(|_| {
        let _ = fs::remove_file(path);
    })?;
    let sentence = format!("{} made, {bytes} bytes", path.display());
    output.done(&sentence, &json!({"file": path, "bytes": bytes}))
}

/// Makes a data directory from a backup.
///
/// # Errors
/// Where the directory is not empty, the file is no backup, or the passphrase is another.
pub fn restore(args: &RestoreArgs, lookup: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
    let flags = Flags { data_dir: args.data_dir.clone(), ..Flags::default() };
    let directory = DaemonPaths::of(&flags, &lookup)?.data_dir.value;
    let unread = |error| Failure::new(format!("cannot read {}: {error}", args.file.display()));
    let mut file = fs::File::open(&args.file).map_err(unread)?;
    let salt = BackupKey::salt_of(&mut file)?;
    let passphrase = passphrase(args.passphrase_file.as_deref(), false)?;
    let key = backup_key(&passphrase, &salt)?;
    HostBuilder::restore(&directory, &args.file, key)?;
    let sentence = format!(
        "{} restored; `portolan serve --data-dir {}` goes on from it",
        args.file.display(),
        directory.display()
    );
    Output::new(args.output).done(&sentence, &json!({"file": args.file, "data_dir": directory}))
}

/// A passphrase; a new one that is typed is typed twice.
fn passphrase(file: Option<&Path>, new: bool) -> Result<Secret, Failure> {
    let ask = |prompt| secret::from_file_or_prompt(file, "--passphrase-file", prompt);
    let first = ask("Passphrase of the backup")?;
    if new && file.is_none() && ask("The same again")?.expose() != first.expose() {
        return Err(Failure::usage("the two passphrases differ"));
    }
    Ok(first)
}
