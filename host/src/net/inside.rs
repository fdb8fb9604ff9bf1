//! Hosts that are within this process: a client that may go there alone is handed one end of a
//! stream in memory. No port is opened, and nothing outside of the process can listen in.

use tokio::{
    io::DuplexStream,
    sync::mpsc::{self, Receiver, Sender},
};

use super::NetError;

/// Bytes that wait in a stream, each way.
const BUFFER: usize = 512 << 10;
/// Connections that wait to be taken up.
const WAITING: usize = 64;

/// The way to hosts within this process. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Inside(Sender<Visit>);

/// Somebody who connects to a host within this process.
pub(crate) struct Visit {
    /// The host's name, as the address has it.
    pub(crate) host: String,
    /// What is said to it.
    pub(crate) stream: DuplexStream,
}

impl Inside {
    /// A way, and who comes along it. Whoever holds the receiver serves.
    pub(crate) fn new() -> (Self, Receiver<Visit>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Connects.
    pub(super) async fn open(&self, host: &str) -> Result<DuplexStream, NetError> {
        let (ours, stream) = tokio::io::duplex(BUFFER);
        let visit = Visit { host: host.to_owned(), stream };
        self.0.send(visit).await.map_err(|_| NetError::Connect {
            host: host.to_owned(),
            why: "it was in this process, and is gone".to_owned(),
        })?;
        Ok(ours)
    }
}
