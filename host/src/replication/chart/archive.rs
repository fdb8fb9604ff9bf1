//! A chart archive, looked through without being unpacked: its names are harmless, it does not
//! swell beyond Helm's own bounds, and it holds one `Chart.yaml`.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

/// Most bytes an archive may expand to (Helm: 100 MiB).
const MAX_EXPANDED: u64 = 100 << 20;
/// Longest name in an archive, and longest target of a link, in bytes.
const MAX_NAME: usize = 4096;
/// Most bytes of a file that is read (Helm: 5 MiB for any).
const MAX_FILE: u64 = 1 << 20;
/// Most files.
const MAX_FILES: usize = 50_000;

/// What is wanted of an archive.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Contents {
    pub(super) chart: String,
    /// `requirements.yaml`, which charts had before `apiVersion: v2`.
    pub(super) requirements: Option<String>,
    /// When `Chart.yaml` was made, in seconds since 1970; 0 where the archive does not tell.
    pub(super) made: u64,
}

/// Looks through an archive.
///
/// # Errors
/// A phrase that says what is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, String> {
    read_within(bytes, MAX_EXPANDED)
}

fn read_within(bytes: &[u8], most: u64) -> Result<Contents, String> {
    let expanded = Bounded { inner: MultiGzDecoder::new(bytes), left: most };
    let broken = |error: io::Error| format!("it cannot be read: {}", root(&error));
    let mut archive = Archive::new(expanded);
    let mut contents = Contents::default();
    let mut found = false;
    for (number, entry) in archive.entries().map_err(broken)?.enumerate() {
        if number >= MAX_FILES {
            return Err(format!("it has more than {MAX_FILES} files"));
        }
        let mut entry = entry.map_err(broken)?;
        let Some(name) = checked(&entry)? else { continue };
        match name.split_once('/').map(|(_, rest)| rest) {
            Some("Chart.yaml") if found => return Err("it has two charts side by side".to_owned()),
            Some("Chart.yaml") => {
                found = true;
                contents.made = entry.header().mtime().unwrap_or_default();
                contents.chart = text(&mut entry, &name)?;
            }
            Some("requirements.yaml") => {
                contents.requirements = Some(text(&mut entry, &name)?);
            }
            _ => {}
        }
    }
    if found { Ok(contents) } else { Err("it holds no NAME/Chart.yaml".to_owned()) }
}

/// The name of a file without `./`, its parts joined by `/`; `None` for what is no file.
fn checked<R: Read>(entry: &Entry<'_, R>) -> Result<Option<String>, String> {
    let kind = entry.header().entry_type();
    if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
        return Ok(None);
    }
    let bytes = entry.path_bytes();
    if bytes.len() > MAX_NAME {
        return Err(format!("a name in it is longer than {MAX_NAME} bytes"));
    }
    let name = std::str::from_utf8(&bytes).map_err(|_| "a name in it is not UTF-8")?;
    let shown = || name.chars().take(200).collect::<String>().escape_debug().to_string();
    let name = harmless(name).ok_or_else(|| format!("`{}` leads out of it", shown()))?;
    match kind {
        EntryType::Directory => Ok(None),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Ok(Some(name)),
        EntryType::Symlink | EntryType::Link => {
            let target = entry.link_name_bytes().unwrap_or_default();
            if target.len() > MAX_NAME {
                return Err(format!("the target of a link in it is longer than {MAX_NAME} bytes"));
            }
            let target = std::str::from_utf8(&target).ok().and_then(harmless);
            target.map(|_| None).ok_or_else(|| format!("the link `{}` leads out of it", shown()))
        }
        _ => Err(format!("`{}` in it is neither a file nor a folder", shown())),
    }
}

/// A relative path that climbs nowhere, on any system.
fn harmless(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || drive || path.contains('\0') {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

fn text<R: Read>(entry: &mut Entry<'_, R>, name: &str) -> Result<String, String> {
    let mut text = String::new();
    let read = entry.take(MAX_FILE + 1).read_to_string(&mut text);
    let read = read.map_err(|error| format!("{name} in it cannot be read: {}", root(&error)))?;
    if read as u64 > MAX_FILE {
        return Err(format!("{name} in it is longer than {MAX_FILE} bytes"));
    }
    Ok(text)
}

/// The cause: `tar` wraps it in its own words.
fn root(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    let source = error.get_ref().and_then(std::error::Error::source);
    inner
        .or_else(|| source.and_then(|source| source.downcast_ref()))
        .map_or_else(|| error.to_string(), root)
}

/// A stream that fails when it is too long.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("it expands to more than a chart may"))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use tar::{Builder, Header};

    use super::*;

    const CHART: &str = "name: a\nversion: 1.0.0\n";

    /// A tar of these names and texts; names are written as they are.
    fn tar(files: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, kind, text) in files {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mtime(7);
            let link = matches!(kind, EntryType::Symlink | EntryType::Link);
            let size = if link { 0 } else { text.len() as u64 };
            if link {
                header.as_old_mut().linkname[..text.len()].copy_from_slice(text.as_bytes());
            }
            header.set_size(size);
            header.set_cksum();
            builder.append(&header, &text.as_bytes()[..size as usize]).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn said(files: &[(&str, EntryType, &str)]) -> String {
        read(&tar(files)).map_or_else(|why| why, |contents| format!("{contents:?}"))
    }

    #[test]
    fn a_chart_is_found() {
        use EntryType::{Directory, Regular, Symlink, XGlobalHeader};
        let expected = Contents {
            chart: CHART.to_owned(),
            requirements: Some("dependencies: []\n".to_owned()),
            made: 7,
        };
        let files = [
            ("pax_global_header", XGlobalHeader, "11 a=b\n"),
            ("a/", Directory, ""),
            ("./a/Chart.yaml", Regular, CHART),
            ("a/requirements.yaml", Regular, "dependencies: []\n"),
            ("a/charts/b/Chart.yaml", Regular, "name: b\n"),
            ("a/link", Symlink, "values.yaml"),
        ];
        assert_eq!(read(&tar(&files)), Ok(expected));
    }

    #[test]
    fn what_is_harmful_or_no_chart_is_refused() {
        use EntryType::{Char, Link, Regular, Symlink};
        let chart = ("a/Chart.yaml", Regular, CHART);
        let long = "x".repeat(MAX_FILE as usize + 1);
        for (file, expected) in [
            (("../evil", Regular, "x"), "`../evil` leads out of it"),
            (("a/../../evil", Regular, "x"), "`a/../../evil` leads out of it"),
            (("/etc/passwd", Regular, "x"), "`/etc/passwd` leads out of it"),
            (("a\\..\\..\\evil", Regular, "x"), "leads out of it"),
            (("C:/evil", Regular, "x"), "`C:/evil` leads out of it"),
            (("a/link", Symlink, "../../etc/passwd"), "the link `a/link` leads out of it"),
            (("a/link", Link, "/etc/passwd"), "the link `a/link` leads out of it"),
            (("a/tty", Char, ""), "`a/tty` in it is neither a file nor a folder"),
            (("b/Chart.yaml", Regular, CHART), "it has two charts side by side"),
            (("a/requirements.yaml", Regular, &long), "is longer than 1048576 bytes"),
        ] {
            let said = said(&[chart, file]);
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!(said(&[("Chart.yaml", Regular, CHART)]), "it holds no NAME/Chart.yaml");
        assert_eq!(said(&[("a/values.yaml", Regular, "")]), "it holds no NAME/Chart.yaml");
    }

    #[test]
    fn damage_and_bombs_end_it() {
        let good = tar(&[("a/Chart.yaml", EntryType::Regular, CHART)]);
        for bytes in [&good[..good.len() / 2], b"<html>", b"", &good[1..]] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains("cannot be read") || error.contains("holds no"), "{error}");
        }
        let zeros = "\0".repeat(3 << 20);
        let bomb = tar(&[
            ("a/Chart.yaml", EntryType::Regular, CHART),
            ("a/zeros", EntryType::Regular, &zeros),
        ]);
        assert!(bomb.len() < 100_000, "it is a bomb");
        let error = read_within(&bomb, 2 << 20).unwrap_err();
        assert!(error.ends_with("it expands to more than a chart may"), "{error}");
        assert!(read_within(&bomb, 4 << 20).is_ok());
    }
}
