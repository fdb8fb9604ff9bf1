//! A tar file that holds a layout, read where it lies: its entries are looked up once, and nothing
//! is unpacked. A name in it is compared, and never becomes a path.

use std::{collections::HashMap, fs::File, io, os::unix::fs::FileExt as _, path::Path, sync::Arc};

use portolan_core::oci::Digest;
use tar::{EntryType, Header, PaxExtensions};

use super::{LayoutError, files::Content};

/// Size of a tar file's blocks.
const BLOCK: u64 = 512;
/// Most entries.
const MAX_ENTRIES: usize = 1_000_000;
/// Most bytes of what stands before an entry: its long name, its PAX records.
const MAX_EXTENSION: u64 = 64 << 10;

const CUT: &str = "it is cut off in the middle of an entry";

/// A tar file's blobs and index.
pub(super) struct Archive {
    file: Arc<File>,
    blobs: HashMap<Digest, Span>,
    index: Span,
}

/// Where a file lies in the tar file.
#[derive(Clone, Copy)]
struct Span {
    offset: u64,
    size: u64,
}

/// What is being looked through.
struct Reader<'a> {
    file: &'a File,
    length: u64,
    at: u64,
    blobs: HashMap<Digest, Span>,
    index: Option<Span>,
    mark: bool,
}

/// What the next entry is called and how long it is, where that does not fit its header.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Archive {
    /// Looks through a tar file; `None` where there is none.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, LayoutError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| LayoutError::io("open", path, error))?,
        };
        let seen = file.metadata().map_err(|error| LayoutError::io("open", path, error))?;
        if !seen.is_file() {
            return Err(LayoutError::unusable(path, "it is no regular file"));
        }
        let mut reader = Reader {
            file: &file,
            length: seen.len(),
            at: 0,
            blobs: HashMap::new(),
            index: None,
            mark: false,
        };
        let read = reader.run().map_err(|why| LayoutError::unusable(path, why));
        let Reader { blobs, index, mark, .. } = read.map(|()| reader)?;
        let index = index.filter(|_| mark).ok_or_else(|| {
            LayoutError::unusable(
                path,
                "it is no tar file of an image layout: it has no index.json",
            )
        })?;
        Ok(Some(Self { file: Arc::new(file), blobs, index }))
    }

    /// A blob.
    pub(super) fn blob(&self, digest: &Digest) -> Option<Content> {
        self.blobs.get(digest).map(|span| self.content(*span))
    }

    /// The index.
    pub(super) fn index(&self) -> Content {
        self.content(self.index)
    }

    /// Every blob.
    pub(super) fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.blobs.keys()
    }

    fn content(&self, span: Span) -> Content {
        Content { file: Arc::clone(&self.file), offset: span.offset, size: span.size }
    }
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), String> {
        let mut extension = Extension::default();
        for _ in 0..MAX_ENTRIES {
            if self.at >= self.length {
                return Ok(());
            }
            if self.length.saturating_sub(self.at) < BLOCK {
                return Err(CUT.to_owned());
            }
            let mut block = [0; 512];
            self.read(&mut block, self.at)?;
            if block.iter().all(|byte| *byte == 0) {
                return Ok(());
            }
            extension = self.entry(&block, extension)?;
        }
        Err(format!("it has more than {MAX_ENTRIES} entries"))
    }

    /// Takes in an entry, and goes to the next. Gives back what it says of that.
    fn entry(&mut self, block: &[u8; 512], before: Extension) -> Result<Extension, String> {
        let header = Header::from_byte_slice(block);
        check_sum(header, block)?;
        let broken = |error: io::Error| format!("its entries cannot be read: {error}");
        let kind = header.entry_type();
        let of_next = matches!(kind, EntryType::XHeader | EntryType::GNULongName);
        let own = header.entry_size().map_err(broken)?;
        let size = before.size.filter(|_| !of_next).unwrap_or(own);
        let offset = self.at.saturating_add(BLOCK);
        let end = size.checked_next_multiple_of(BLOCK).and_then(|size| offset.checked_add(size));
        let end = end.filter(|_| offset.saturating_add(size) <= self.length);
        let end = end.ok_or(CUT)?;
        let span = Span { offset, size };
        self.at = end;
        match kind {
            EntryType::XHeader => self.pax(span, before),
            EntryType::GNULongName => {
                let mut name = self.extension(span)?;
                name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
                Ok(Extension { name: Some(name), ..before })
            }
            EntryType::XGlobalHeader | EntryType::Directory => Ok(Extension::default()),
            EntryType::Regular | EntryType::Continuous => {
                let name = before.name.unwrap_or_else(|| header.path_bytes().into_owned());
                self.keep(&name, span).map(|()| Extension::default())
            }
            EntryType::Symlink | EntryType::Link => {
                Err("it holds links, which an image layout does not".to_owned())
            }
            _ => Err("it holds something that is neither a file nor a directory".to_owned()),
        }
    }

    fn pax(&self, span: Span, mut before: Extension) -> Result<Extension, String> {
        let records = self.extension(span)?;
        for record in PaxExtensions::new(&records) {
            let record = record.map_err(|error| format!("its entries cannot be read: {error}"))?;
            match record.key_bytes() {
                b"path" => before.name = Some(record.value_bytes().to_owned()),
                b"size" => {
                    let size = record.value().ok().and_then(|size| size.parse().ok());
                    before.size = Some(size.ok_or("an entry's size is no number")?);
                }
                _ => {}
            }
        }
        Ok(before)
    }

    fn extension(&self, span: Span) -> Result<Vec<u8>, String> {
        let size = usize::try_from(span.size.min(MAX_EXTENSION + 1)).unwrap_or(0);
        if span.size > MAX_EXTENSION {
            return Err(format!("the name of an entry is longer than {MAX_EXTENSION} bytes"));
        }
        let mut bytes = vec![0; size];
        self.read(&mut bytes, span.offset)?;
        Ok(bytes)
    }

    /// Notes a file; others than those of a layout are passed over.
    fn keep(&mut self, name: &[u8], span: Span) -> Result<(), String> {
        let Ok(name) = std::str::from_utf8(name) else { return Ok(()) };
        if name.starts_with('/') || name.split('/').any(|part| part == "..") {
            let shown: String = name.chars().take(200).collect();
            return Err(format!("`{}` in it leads out of it", shown.escape_debug()));
        }
        let name = name.strip_prefix("./").unwrap_or(name);
        let blob = name.strip_prefix("blobs/").and_then(|blob| blob.split_once('/'));
        match (name, blob) {
            ("oci-layout", _) => self.mark = true,
            ("index.json", _) => self.index = Some(span),
            (_, Some((algorithm, hex))) => {
                if let Ok(digest) = format!("{algorithm}:{hex}").parse() {
                    self.blobs.insert(digest, span);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), String> {
        self.file.read_exact_at(bytes, at).map_err(|error| format!("it cannot be read: {error}"))
    }
}

/// Tells a tar file from anything else.
fn check_sum(header: &Header, block: &[u8; 512]) -> Result<(), String> {
    let at = |place: usize| (148..156).contains(&place);
    let bytes = block.iter().enumerate();
    let sum: u32 = bytes.map(|(place, byte)| if at(place) { 32 } else { u32::from(*byte) }).sum();
    if header.cksum().is_ok_and(|told| told == sum) {
        return Ok(());
    }
    Err(match block {
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            "it is compressed; unpack the tar file itself first (gunzip, zstd -d)".to_owned()
        }
        _ => "it is no tar file, or damaged".to_owned(),
    })
}
