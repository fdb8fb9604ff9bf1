//! A backup of the store, sealed, handed out piece by piece.

use std::{io::Read, time::Duration};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc},
    time::timeout,
};
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

/// Leave to make a backup: there is one at a time. Dropping it, or the end of the backup, gives it
/// back.
pub struct BackupTurn {
    turn: OwnedSemaphorePermit,
}

impl Host {
    /// Leave to make a backup, to be had before its key is derived: that takes memory and time.
    ///
    /// # Errors
    /// `Unavailable` while another is being made.
    pub fn backup_turn(&self) -> Result<BackupTurn, Error> {
        let turn = self.shared.backups.clone().try_acquire_owned();
        turn.map(|turn| BackupTurn { turn }).map_err(|_| {
            let why = "another backup is being made; try again when it is done";
            Error::new(Code::Unavailable, why)
        })
    }

    /// A backup of the moment of this call, piece by piece; an error as the last piece where it
    /// broke off. Dropping the receiver ends it, and so does taking nothing for a minute. Called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// `Internal` where the store cannot be read.
    pub fn backup(
        &self,
        turn: BackupTurn,
        key: BackupKey,
    ) -> Result<mpsc::Receiver<Result<Bytes, Error>>, Error> {
        let BackupTurn { turn } = turn;
        let moment = self.store.moment()?;
        let (give, pieces) = mpsc::channel(PIECES);
        let (header, key) = key.split();
        let (runtime, giver) = (Handle::current(), give.clone());
        // Called on a thread that may block.
        let sink = move |piece| {
            let given = async { timeout(PATIENCE, giver.send(Ok(piece))).await };
            matches!(runtime.block_on(given), Ok(Ok(())))
        };
        tokio::spawn(async move {
            if let Err(error) = moment.backup(header, key, sink).await {
                tracing::warn!(%error, "a backup broke off");
                let _gone = timeout(PATIENCE, give.send(Err(error.into()))).await;
            }
            drop(turn);
        });
        Ok(pieces)
    }
}
