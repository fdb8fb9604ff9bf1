//! What was read of an index, on the host's shelf for the calls that follow: the names of charts in
//! one value, their versions in many, so that a call takes down little.
//!
//! It is kept as text: an index may have ten thousand charts, and as JSON each of them would be
//! taken apart and put together again for every page.

use portolan_sdk::{Endpoint, Error, Result, cache, time};

use crate::index::{self, Catalog, SEPARATOR, Version};

/// How long anything is kept, in seconds.
const TTL: u32 = 600;
/// How old what is listed may be, in seconds: a chart that was just put up should be found.
pub(crate) const FRESH: u64 = 60;
/// How old what is looked up may be.
pub(crate) const KEPT: u64 = TTL as u64;
/// Values that the versions are spread over.
const SHELVES: u32 = 128;
/// Between texts; a version ends with a line.
const PART: char = SEPARATOR as char;

/// The names of charts.
pub(crate) struct Names(String);

impl Names {
    /// In byte order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(PART)
    }
}

/// The names of all charts; read anew where `anew`, or where they are not kept.
pub(crate) fn names(endpoint: &Endpoint, anew: bool) -> Result<Names> {
    if !anew && let Some(kept) = cache::get_text("names") {
        return Ok(Names(kept));
    }
    refresh(endpoint).map(|written| Names(written.names))
}

/// The versions of a chart, at most `age` seconds old.
pub(crate) fn versions(
    endpoint: &Endpoint,
    chart: &str,
    age: u64,
) -> Result<Vec<Version<'static>>> {
    let number = shelf_of(chart);
    let kept = cache::get_text(&key(number)).filter(|text| {
        let at = text.lines().next().and_then(|line| line.parse::<u64>().ok());
        at.is_some_and(|at| time::now().saturating_sub(at) <= age)
    });
    let shelf = match kept {
        Some(text) => text,
        None => {
            let mut shelves = refresh(endpoint)?.shelves.into_iter();
            shelves.nth(number as usize).unwrap_or_default()
        }
    };
    let found: Vec<_> = shelf.lines().filter_map(|line| version(line, chart)).collect();
    if found.is_empty() {
        let text = format!("the index of {} has no chart `{chart}`", endpoint.url);
        return Err(Error::NotFound(text));
    }
    Ok(found)
}

/// What goes to the shelf.
struct Written {
    /// Each with a separator behind it.
    names: String,
    /// The instant on a line of its own, then a line for each version.
    shelves: Vec<String>,
}

/// Reads the index and puts it on the shelf. What does not fit there is read anew each time.
fn refresh(endpoint: &Endpoint) -> Result<Written> {
    let answer = index::fetch(endpoint)?;
    let written = write(&index::read(&answer)?);
    for (number, shelf) in (0..SHELVES).zip(&written.shelves) {
        cache::set_text(&key(number), shelf, TTL);
    }
    cache::set_text("names", &written.names, TTL);
    Ok(written)
}

fn write(catalog: &Catalog<'_>) -> Written {
    let begin = format!("{}\n", time::now());
    let (mut names, mut shelves) = (String::new(), vec![begin; SHELVES as usize]);
    let (mut last, mut number) = ("", 0);
    for (chart, version) in &catalog.rows {
        if **chart != *last {
            names.push_str(chart);
            names.push(PART);
            (last, number) = (chart, shelf_of(chart));
        }
        let Some(shelf) = shelves.get_mut(number as usize) else { continue };
        for text in [chart, &version.version, &version.url, &version.digest] {
            shelf.push_str(text);
            shelf.push(PART);
        }
        shelf.push_str(&version.created);
        shelf.push('\n');
    }
    Written { names, shelves }
}

/// A line of a shelf, where it is about this chart.
fn version(line: &str, chart: &str) -> Option<Version<'static>> {
    let mut texts = line.strip_prefix(chart)?.strip_prefix(PART)?.split(PART).map(str::to_owned);
    let mut next = || texts.next().map(Into::into);
    Some(Version { version: next()?, url: next()?, digest: next()?, created: next()? })
}

fn key(shelf: u32) -> String {
    format!("shelf {shelf}")
}

/// FNV-1a: the same in every call.
fn shelf_of(chart: &str) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    chart.bytes().fold(0x811c_9dc5, mix) % SHELVES
}
