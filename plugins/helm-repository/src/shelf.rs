//! What was read of an index, on the host's shelf for the calls that follow: the names of charts in
//! one value, their versions in many, so that a call takes down little.

use std::collections::BTreeMap;

use portolan_sdk::{Endpoint, Error, Result, cache, time};
use serde::{Deserialize, Serialize};

use crate::index::{self, Catalog, Version};

/// How long anything is kept, in seconds.
const TTL: u32 = 600;
/// How old what is listed may be, in seconds: a chart that was just put up should be found.
pub(crate) const FRESH: u64 = 60;
/// How old what is looked up may be.
pub(crate) const KEPT: u64 = TTL as u64;
/// Values that the versions are spread over.
const SHELVES: u32 = 128;

#[derive(Serialize, Deserialize)]
struct Names {
    names: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct Shelf {
    at: u64,
    charts: BTreeMap<String, Vec<Version>>,
}

/// The names of all charts in byte order; read anew where `anew`, or where they are not kept.
pub(crate) fn names(endpoint: &Endpoint, anew: bool) -> Result<Vec<String>> {
    if !anew && let Some(kept) = cache::get::<Names>("names") {
        return Ok(kept.names);
    }
    let catalog = refresh(endpoint)?;
    Ok(catalog.charts.into_keys().collect())
}

/// The versions of a chart, at most `age` seconds old.
pub(crate) fn versions(endpoint: &Endpoint, chart: &str, age: u64) -> Result<Vec<Version>> {
    let kept: Option<Shelf> = cache::get(&key(shelf_of(chart)));
    let now = time::now();
    let kept = kept.filter(|shelf| now.saturating_sub(shelf.at) <= age);
    let mut charts = match kept {
        Some(shelf) => shelf.charts,
        None => refresh(endpoint)?.charts,
    };
    charts.remove(chart).ok_or_else(|| {
        Error::NotFound(format!("the index of {} has no chart `{chart}`", endpoint.url))
    })
}

/// Reads the index and puts it on the shelf. What does not fit there is read anew each time.
fn refresh(endpoint: &Endpoint) -> Result<Catalog> {
    let catalog = index::fetch(endpoint)?;
    let at = time::now();
    let mut shelves: BTreeMap<u32, Shelf> = BTreeMap::new();
    for number in 0..SHELVES {
        shelves.insert(number, Shelf { at, ..Shelf::default() });
    }
    for (chart, versions) in &catalog.charts {
        if let Some(shelf) = shelves.get_mut(&shelf_of(chart)) {
            shelf.charts.insert(chart.clone(), versions.clone());
        }
    }
    for (number, shelf) in &shelves {
        cache::set(&key(*number), shelf, TTL);
    }
    let names = Names { names: catalog.charts.keys().cloned().collect() };
    cache::set("names", &names, TTL);
    Ok(catalog)
}

fn key(shelf: u32) -> String {
    format!("shelf {shelf}")
}

/// FNV-1a: the same in every call.
fn shelf_of(chart: &str) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    chart.bytes().fold(0x811c_9dc5, mix) % SHELVES
}
