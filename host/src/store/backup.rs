//! Backups: every row of one moment with the key that seals secrets, as one sealed stream; and a
//! store made anew from one. Both hold one row in memory, not the store.
//!
//! A record is one byte of kind and its fields, lengths in front (little endian): the data key
//! first, then rows, then the end with their number.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use portolan_core::secret::Secret;
use redb::ReadableDatabase;
use std::rc::Rc;
use zeroize::Zeroizing;

use super::{
    Location, Store, StoreError, blocking, file, rows,
    secrets::Sealer,
    tables::{META, Snapshot, Tables},
};

mod seal;

pub(crate) use seal::{BackupKey, Header};
use seal::{Opening, Sealing};

const KEY: u8 = 2;
const ROW: u8 = 1;
const END: u8 = 0;
/// Longest key or value of a row, in bytes: components are the longest.
const MAX_FIELD: u32 = 256 << 20;

/// Everything stored, as of one moment, and what seals its secrets.
pub(crate) struct Moment(Snapshot, Arc<Sealer>);

impl Store {
    /// Everything as it is stored now. What is committed later is not seen in it.
    pub(crate) fn moment(&self) -> Result<Moment, StoreError> {
        let snapshot = Snapshot(self.shared.database.begin_read().map_err(rows::unreadable)?);
        let sealer = self.shared.ring.in_use(&snapshot.open(META)?)?;
        Ok(Moment(snapshot, sealer))
    }
}

impl Moment {
    /// Hands a backup to `sink`, piece by piece; the sink says whether to go on.
    pub(crate) async fn backup(
        self,
        header: Header,
        key: BackupKey,
        sink: impl FnMut(Bytes) -> bool + Send + 'static,
    ) -> Result<(), StoreError> {
        let write = move || {
            let Self(snapshot, sealer) = self;
            let mut sealing = Sealing::new(&header, &key, sink)?;
            sealing.write(&[KEY])?;
            sealing.write(sealer.key())?;
            let mut count = 0_u64;
            snapshot.each_row(&mut |table, key, value| {
                count += 1;
                sealing.write(&[ROW])?;
                for field in [table.as_bytes(), key, value] {
                    let length = u32::try_from(field.len()).map_err(rows::unreadable)?;
                    sealing.write(&length.to_le_bytes())?;
                    sealing.write(field)?;
                }
                Ok(())
            })?;
            sealing.write(&[END])?;
            sealing.write(&count.to_le_bytes())?;
            sealing.finish()
        };
        blocking(write).await
    }
}

/// Makes the database of a directory from a backup, and gives the key its secrets are sealed with,
/// in base64. Blocks. Nothing is left where it fails.
pub(crate) fn restore(
    directory: &Path,
    header: &Header,
    key: &BackupKey,
    backup: impl Read,
) -> Result<Secret, StoreError> {
    let mut opening = Opening::new(header, key, backup)?;
    // A wrong passphrase shows before anything is made.
    let data_key = opening.begin()?;
    let (database, path) = file::open(Location::Directory(directory.to_owned()))?;
    let mut fill = || {
        let transaction = database.begin_write().map_err(rows::unwritable)?;
        Tables::make(&transaction)?;
        let mut tables = Tables::of(&transaction, &Rc::default());
        fill(&mut opening, &mut tables)?;
        drop(tables);
        transaction.commit().map_err(rows::unwritable)
    };
    let filled = fill();
    drop(database);
    if let Err(error) = filled {
        let _ = std::fs::remove_file(&path);
        return Err(error.at(&path));
    }
    Ok(data_key)
}

fn fill<R: Read>(opening: &mut Opening<R>, tables: &mut Tables<'_>) -> Result<(), StoreError> {
    let mut count = 0_u64;
    loop {
        match opening.array::<1>()? {
            [ROW] => {
                let table = String::from_utf8(opening.field()?).map_err(damaged)?;
                let (key, value) = (opening.field()?, opening.field()?);
                if !tables.restore_row(&table, &key, &value)? {
                    return Err(damaged(format!(
                        "it has a table `{table}` that is not known here"
                    )));
                }
                count += 1;
            }
            [END] if u64::from_le_bytes(opening.array()?) == count => return Ok(()),
            _ => return Err(damaged("a record is not understood")),
        }
    }
}

impl<R: Read> Opening<R> {
    /// The data key, with which every backup begins.
    fn begin(&mut self) -> Result<Secret, StoreError> {
        if self.array()? != [KEY] {
            return Err(damaged("it does not begin with a key"));
        }
        let key = Zeroizing::new(self.array::<32>()?);
        Ok(Secret::new(BASE64_STANDARD.encode(key.as_slice())))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes).map_err(unread)?;
        Ok(bytes)
    }

    fn field(&mut self) -> Result<Vec<u8>, StoreError> {
        let length = u32::from_le_bytes(self.array()?);
        if length > MAX_FIELD {
            return Err(damaged("a row is longer than any may be"));
        }
        let mut bytes = Vec::new();
        let read = self.take(u64::from(length)).read_to_end(&mut bytes).map_err(unread)?;
        if read as u64 != u64::from(length) {
            return Err(damaged("it ends early"));
        }
        Ok(bytes)
    }
}

fn unread(error: io::Error) -> StoreError {
    StoreError::Backup(error.to_string())
}

fn damaged(why: impl std::fmt::Display) -> StoreError {
    StoreError::Backup(format!("it is damaged: {why}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::store::{
        SealingKey,
        fixtures::{after, at, endpoint, policy_spec},
    };

    fn key(byte: u8) -> BackupKey {
        BackupKey(Zeroizing::new([byte; 32]))
    }

    async fn backup(moment: Moment) -> (Header, Vec<u8>) {
        let header = Header { salt: [7; 16] };
        let pieces = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&pieces);
        let sink = move |piece: Bytes| {
            taken.lock().unwrap().extend_from_slice(&piece);
            true
        };
        moment.backup(header.clone(), key(1), sink).await.unwrap();
        let bytes = std::mem::take(&mut *pieces.lock().unwrap());
        (header, bytes)
    }

    #[tokio::test]
    async fn a_store_comes_back_with_its_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let store = at(directory.path()).await.unwrap();
        let made = endpoint(&store, "marker-in-clear").await.unwrap();
        let policy = store.create_policy(policy_spec("p", 1, &[0]), after(0)).await.unwrap();
        let lines = (0..3_000).map(|n| format!("line {n} {}", "x".repeat(60)));
        let run = store
            .create_execution(
                policy.id,
                portolan_core::execution::StartedBy::Manual,
                false,
                after(0),
            )
            .await
            .unwrap();
        let task = crate::store::fixtures::task_specs(1);
        let task = store.add_tasks(run.id, task, after(0)).await.unwrap()[0];
        store.append_log(lines.map(|line| (task, line)).collect()).await.unwrap();
        let moment = store.moment().unwrap();
        // What is changed later is not in it.
        endpoint(&store, "later").await.unwrap();
        let (header, bytes) = backup(moment).await;
        assert_eq!(Header::read(&mut bytes.as_slice()).unwrap(), header);
        assert!(bytes.len() > 200_000, "several chunks: {}", bytes.len());
        assert!(memchr::memmem::find(&bytes, b"marker-in-clear").is_none());

        let body = bytes.get(Header::LENGTH..).unwrap();
        let other = tempfile::tempdir().unwrap();
        let data_key = restore(other.path(), &header, &key(1), body).unwrap();
        let location = Location::Directory(other.path().to_owned());
        let back = Store::open(location, SealingKey(data_key)).await.unwrap();
        assert_eq!(back.endpoints().await.unwrap(), std::slice::from_ref(&made));
        let secrets = back.endpoint_with_credentials(made.id).await.unwrap().1;
        assert_eq!(secrets.access_secret.unwrap().expose(), "s");
        assert_eq!(back.policy(policy.id).await.unwrap(), policy);
        let log = back.task_log(run.id, task, 2_999, 9).await.unwrap();
        assert!(log[0].starts_with("line 2999 "));
    }

    #[tokio::test]
    async fn what_is_damaged_cut_or_opened_wrongly_leaves_nothing() {
        let store = crate::store::fixtures::memory().await;
        for n in 0..400 {
            endpoint(&store, &format!("e{n}")).await.unwrap();
        }
        let (header, bytes) = backup(store.moment().unwrap()).await;
        let body = bytes.get(Header::LENGTH..).unwrap();
        let mut flipped = body.to_vec();
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        let first = 4 + u32::from_le_bytes(body[..4].try_into().unwrap()) as usize;
        assert!(first < body.len(), "several chunks");
        let (right, wrong) = (key(1), key(2));
        let cases: [(&str, &BackupKey, &[u8], &str); 5] = [
            ("another passphrase", &wrong, body, "passphrase"),
            ("a flipped bit", &right, &flipped, "damaged"),
            ("cut in a chunk", &right, &body[..body.len() - 9], "damaged"),
            ("cut between chunks", &right, &body[..first], "passphrase"),
            ("nothing", &right, &[], "damaged"),
        ];
        for (what, key, body, word) in cases {
            let directory = tempfile::tempdir().unwrap();
            let refused = restore(directory.path(), &header, key, body).err().unwrap().to_string();
            assert!(refused.contains(word), "{what}: {refused}");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{what}");
        }
        assert!(Header::read(&mut b"something else entirely, and long enough".as_slice()).is_err());
    }
}
