//! A backup of the store, sealed, handed out piece by piece.

use std::{io::Read, time::Duration};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::mpsc, time::timeout};
use zeroize::Zeroizing;

use super::Host;
use crate::{
    error::{Code, Error},
    store::{self, BackupHeader},
};

/// Pieces that wait for whoever takes them.
const PIECES: usize = 4;
/// Longest wait for whoever takes them.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key of one backup, with the salt it was derived with.
pub struct BackupKey {
    salt: [u8; 16],
    key: Zeroizing<[u8; 32]>,
}

impl BackupKey {
    /// A key that was derived with this salt, which must be fresh for each backup.
    #[must_use]
    pub fn new(salt: [u8; 16], key: Zeroizing<[u8; 32]>) -> Self {
        Self { salt, key }
    }

    /// The salt that the key of a backup was derived with, from the beginning of the backup.
    ///
    /// # Errors
    /// `Invalid` where it is no backup.
    pub fn salt_of(backup: &mut impl Read) -> Result<[u8; 16], Error> {
        Ok(BackupHeader::read(backup)?.salt)
    }

    pub(crate) fn split(self) -> (BackupHeader, store::BackupKey) {
        (BackupHeader { salt: self.salt }, store::BackupKey(self.key))
    }
}

impl Host {
    /// A backup of this moment, piece by piece; an error as the last piece where it broke off.
    /// Dropping the receiver ends it, and so does taking nothing for a minute.
    ///
    /// # Errors
    /// `Unavailable` while another is being made.
    pub async fn backup(
        &self,
        key: BackupKey,
    ) -> Result<mpsc::Receiver<Result<Bytes, Error>>, Error> {
        let Ok(turn) = self.shared.backups.clone().try_acquire_owned() else {
            let why = "another backup is being made; try again when it is done";
            return Err(Error::new(Code::Unavailable, why));
        };
        let (give, pieces) = mpsc::channel(PIECES);
        let (header, key) = key.split();
        let (store, runtime, giver) = (self.store.clone(), Handle::current(), give.clone());
        // Called on a thread that may block.
        let sink = move |piece| {
            let given = async { timeout(PATIENCE, giver.send(Ok(piece))).await };
            matches!(runtime.block_on(given), Ok(Ok(())))
        };
        tokio::spawn(async move {
            if let Err(error) = store.backup(header, key, sink).await {
                tracing::warn!(%error, "a backup broke off");
                let _gone = timeout(PATIENCE, give.send(Err(error.into()))).await;
            }
            drop(turn);
        });
        Ok(pieces)
    }
}
