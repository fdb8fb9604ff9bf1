//! Uploads: files that grow, which can be asked for by a later process too. Bytes are hashed as they
//! are written; a file becomes a blob when it is on disk and its hash is what was said.

use std::{
    collections::HashMap,
    fs::File,
    os::unix::fs::FileExt as _,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use portolan_core::oci::{Algorithm, Digest, Verifier};

use super::{
    LayoutError,
    answer::{self, Answer},
    blocking,
    files::fresh_id,
    lock,
    open::Layout,
};

/// Most uploads at once: each is an open file.
const MAX_OPEN: usize = 512;
/// Bytes that are gathered before they are written.
const PIECE: usize = 1 << 20;
/// Bytes read at once where a file is hashed again.
const READ: usize = 1 << 20;

/// The uploads of a layout that this process knows of.
#[derive(Default)]
pub(super) struct Uploads {
    open: Mutex<HashMap<String, Arc<Mutex<Upload>>>>,
}

/// One upload.
struct Upload {
    id: String,
    file: File,
    hashed: Verifier,
}

/// Where an upload is and what it has. `0-0` stands for nothing as well as for one byte: that
/// ambiguity is the protocol's.
pub(super) fn progress(status: StatusCode, repository: &str, id: &str, length: u64) -> Answer {
    let mut answer = answer::empty(status);
    let location = format!("/v2/{repository}/blobs/uploads/{id}");
    answer::set(&mut answer, header::LOCATION, &location);
    answer::set(&mut answer, header::RANGE, &format!("0-{}", length.saturating_sub(1)));
    answer
}

impl Layout {
    /// Opens an upload; its name.
    pub(super) fn start_upload(&self) -> Result<String, LayoutError> {
        let _adding = self.adding();
        let id = fresh_id()?;
        self.keep(Upload {
            file: self.files.new_upload(&id)?,
            id: id.clone(),
            hashed: Verifier::new(Algorithm::Sha256),
        })?;
        Ok(id)
    }

    /// How much an upload holds.
    pub(super) fn upload_length(&self, id: &str) -> Result<u64, LayoutError> {
        Ok(lock(&*self.upload(id)?).hashed.length())
    }

    /// Gives an upload up.
    pub(super) fn cancel_upload(&self, id: &str) -> Result<(), LayoutError> {
        self.upload(id)?;
        lock(&self.uploads.open).remove(id);
        self.files.drop_upload(id);
        Ok(())
    }

    fn keep(&self, upload: Upload) -> Result<Arc<Mutex<Upload>>, LayoutError> {
        let mut open = lock(&self.uploads.open);
        if open.len() >= MAX_OPEN {
            return Err(LayoutError::TooMany("too many uploads are under way"));
        }
        let kept = open.entry(upload.id.clone());
        Ok(Arc::clone(kept.or_insert_with(|| Arc::new(Mutex::new(upload)))))
    }

    /// An upload by its name, of this process or of one before.
    fn upload(&self, id: &str) -> Result<Arc<Mutex<Upload>>, LayoutError> {
        const UNKNOWN: LayoutError = LayoutError::Missing("the upload is not known");
        if id.len() != 32 || !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(UNKNOWN);
        }
        if let Some(upload) = lock(&self.uploads.open).get(id) {
            return Ok(Arc::clone(upload));
        }
        let file = self.files.old_upload(id)?.ok_or(UNKNOWN)?;
        let hashed = self.hash(&file, Algorithm::Sha256)?;
        self.keep(Upload { id: id.to_owned(), file, hashed })
    }

    fn hash(&self, file: &File, algorithm: Algorithm) -> Result<Verifier, LayoutError> {
        let mut hashed = Verifier::new(algorithm);
        let mut piece = vec![0; READ];
        loop {
            let read = file.read_at(&mut piece, hashed.length());
            let read = read.map_err(|error| LayoutError::io("read", self.files.path(), error))?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(hashed);
            };
            hashed.update(bytes);
        }
    }

    /// Adds bytes at the end of an upload; where that is then. `at` must be the end.
    fn add(&self, id: &str, at: u64, pieces: &[Bytes]) -> Result<u64, LayoutError> {
        let upload = self.upload(id)?;
        let mut upload = lock(&upload);
        self.at_end(&upload, at)?;
        let _adding = self.adding();
        for piece in pieces {
            let written = upload.file.write_all_at(piece, upload.hashed.length());
            written.map_err(|error| LayoutError::io("write to", self.files.path(), error))?;
            upload.hashed.update(piece);
        }
        Ok(upload.hashed.length())
    }

    fn at_end(&self, upload: &Upload, at: u64) -> Result<(), LayoutError> {
        let length = upload.hashed.length();
        if length == at {
            return Ok(());
        }
        Err(LayoutError::OutOfOrder { upload: upload.id.clone(), length })
    }

    /// Makes a blob of an upload, where its bytes are what the digest says.
    fn close(&self, id: &str, digest: &Digest) -> Result<(), LayoutError> {
        let upload = self.upload(id)?;
        let upload = lock(&upload);
        let actual = match digest.algorithm() {
            Algorithm::Sha256 => upload.hashed.clone().finish(),
            other => self.hash(&upload.file, other)?.finish(),
        };
        let closed = if actual == *digest {
            let _adding = self.adding();
            self.files.adopt(id, &upload.file, digest)
        } else {
            self.files.drop_upload(id);
            Err(LayoutError::Digest { expected: digest.clone(), actual })
        };
        lock(&self.uploads.open).remove(id);
        closed
    }
}

/// Streams a request's body to the end of an upload; its length then.
pub(super) async fn append(
    layout: &Arc<Layout>,
    id: &str,
    headers: &HeaderMap,
    mut body: Incoming,
) -> Result<u64, LayoutError> {
    let (own, named) = (Arc::clone(layout), id.to_owned());
    let start = first(headers)?;
    let mut at = blocking(move || own.upload_length(&named)).await?;
    if start.is_some_and(|start| start != at) {
        return Err(LayoutError::OutOfOrder { upload: id.to_owned(), length: at });
    }
    let (mut pieces, mut gathered) = (Vec::new(), 0);
    loop {
        let frame = body.frame().await;
        let ends = frame.is_none();
        let broken = match frame {
            Some(Ok(frame)) => {
                let piece = frame.into_data().unwrap_or_default();
                gathered += piece.len();
                pieces.push(piece);
                None
            }
            Some(Err(error)) => Some(LayoutError::Cut(error.to_string())),
            None => None,
        };
        // What came before the connection broke is kept, too.
        if (ends || broken.is_some() || gathered >= PIECE) && gathered > 0 {
            let (own, named) = (Arc::clone(layout), id.to_owned());
            let (added, from) = (std::mem::take(&mut pieces), at);
            at = blocking(move || own.add(&named, from, &added)).await?;
            gathered = 0;
        }
        match broken {
            Some(error) => return Err(error),
            None if ends => return Ok(at),
            None => {}
        }
    }
}

/// Closes an upload with the rest of its bytes.
pub(super) async fn finish(
    layout: &Arc<Layout>,
    id: &str,
    digest: &Digest,
    request: (&HeaderMap, Incoming),
) -> Result<(), LayoutError> {
    append(layout, id, request.0, request.1).await?;
    let (own, id, digest) = (Arc::clone(layout), id.to_owned(), digest.clone());
    blocking(move || own.close(&id, &digest)).await
}

/// Where a `Content-Range: FIRST-LAST` begins.
fn first(headers: &HeaderMap) -> Result<Option<u64>, LayoutError> {
    let Some(range) = headers.get(header::CONTENT_RANGE) else { return Ok(None) };
    let first = range.to_str().ok().and_then(|range| range.split_once('-')?.0.parse().ok());
    first.map(Some).ok_or(LayoutError::Malformed("Content-Range cannot be read"))
}
