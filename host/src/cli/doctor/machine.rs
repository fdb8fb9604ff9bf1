//! The clock and the disk.

use std::{fs, path::Path, time::SystemTime};

use indicatif::HumanBytes;
use rustix::fs::statvfs;
use time::{OffsetDateTime, macros::datetime};

use super::Finding;
use crate::config::Config;

/// No clock is right that says it is earlier: this program was not written then.
const EARLIEST: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
/// How far ahead of the clock the database may seem, in seconds.
const DRIFT: u64 = 60;
/// Less room than this on the disk, in bytes, is told; with the smaller one nothing works for long.
const LITTLE: u64 = 1 << 30;
const NONE: u64 = 64 << 20;

pub(super) fn look(config: &Config) -> [Finding; 2] {
    let directory = &config.paths.data_dir.value;
    [clock(directory), disk(directory)]
}

fn clock(directory: &Path) -> Finding {
    const CHECK: &str = "clock";
    const ADVICE: &str = "set the clock, e.g. with timedatectl set-ntp true";
    let now = OffsetDateTime::now_utc();
    let day = now.date();
    if now < EARLIEST {
        return Finding::failed(CHECK, format!("it says {day}, which is long past")).advise(ADVICE);
    }
    let written = fs::metadata(directory.join("portolan.redb")).and_then(|found| found.modified());
    let ahead = written.ok().and_then(|at| at.duration_since(SystemTime::now()).ok());
    match ahead.filter(|ahead| ahead.as_secs() > DRIFT) {
        Some(ahead) => {
            let text = format!("the database was written {} s from now", ahead.as_secs());
            Finding::warning(CHECK, text).advise(ADVICE)
        }
        None => Finding::good(CHECK, format!("it says {day} (UTC)")),
    }
}

fn disk(directory: &Path) -> Finding {
    const CHECK: &str = "disk";
    // A directory that is not there yet will be where its parent is.
    let there = directory.ancestors().find(|path| path.exists()).unwrap_or(directory);
    let place = directory.display();
    let free = match statvfs(there) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => return Finding::warning(CHECK, format!("{place}: {error}")),
    };
    let text = format!("{} free for {place}", HumanBytes(free));
    match free {
        0..NONE => Finding::failed(CHECK, text).advise("make room: nothing can be stored soon"),
        NONE..LITTLE => Finding::warning(CHECK, text).advise("make room, a GiB at least"),
        _ => Finding::good(CHECK, text),
    }
}
