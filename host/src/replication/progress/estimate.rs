//! From counts to what people ask: how much, how fast, and how long yet.
//!
//! What was not looked at is taken to be like what was: estimates, and said to be.

use std::time::Duration;

use portolan_core::task::Tally;

use super::Counts;

/// How far something is at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// What is done; its bytes count blobs that are on their way, too.
    pub(crate) tally: Tally,
    /// Artifacts in all, as far as they are known.
    pub(crate) planned: u64,
    /// Bytes in all, as far as they are known.
    pub(crate) expected: u64,
    /// 0 to 100; 100 only where nothing is to come.
    pub(crate) percent: u8,
    /// Bytes a second of late.
    pub(crate) rate: u64,
    /// How many seconds it may take yet, where that can be told.
    pub(crate) seconds_left: Option<u64>,
}

impl Reading {
    /// Of a task that is not under way: one that waits is as far as nothing.
    pub(crate) fn of(tally: Tally, planned: u64, is_over: bool) -> Self {
        let percent = if is_over { 100 } else { 0 };
        let planned = planned.max(tally.copied + tally.there + tally.left);
        let expected = tally.bytes + tally.bytes_there;
        let seconds_left = is_over.then_some(0);
        Self { tally, planned, expected, percent, rate: 0, seconds_left }
    }
}

impl Counts {
    pub(super) fn reading(mut self, planned: u64, rate: u64, elapsed: Duration) -> Reading {
        let (done, part) = (self.done(), self.part());
        let seconds_left = self.left(done, planned, rate, elapsed);
        self.tally.bytes += self.flying;
        // A blob that was sent again in vain counts for more than it is.
        let settled = self.tally.bytes + self.tally.bytes_there;
        Reading {
            tally: self.tally,
            planned,
            expected: self.expected.max(settled),
            percent: percent(done, part, planned),
            rate,
            seconds_left,
        }
    }

    /// Artifacts of which nothing is to come.
    fn done(&self) -> u64 {
        self.tally.copied + self.tally.there + self.tally.left + self.given_up
    }

    /// Artifacts that are under way.
    fn under_way(&self) -> u64 {
        self.opened.saturating_sub(self.tally.copied)
    }

    /// Bytes in all of the artifacts that were looked at: children that were not are like others.
    fn likely(&self) -> f64 {
        let unknown = self.children.saturating_sub(self.met) as f64;
        self.expected as f64 * (1.0 + unknown / self.walked.max(1) as f64)
    }

    /// Bytes that are to come of the artifacts that were looked at.
    fn yet(&self) -> f64 {
        let settled = self.tally.bytes + self.tally.bytes_there + self.flying;
        (self.likely() - settled as f64).max(0.0)
    }

    /// How many artifacts those under way amount to as far as they are.
    fn part(&self) -> f64 {
        let under_way = self.under_way() as f64;
        let each = self.likely() / self.opened.max(1) as f64;
        if each > 0.0 { (under_way - self.yet() / each).max(0.0) } else { 0.0 }
    }

    /// Seconds: by bytes where any are moved, else by the pace of artifacts.
    fn left(&self, done: u64, planned: u64, rate: u64, elapsed: Duration) -> Option<u64> {
        let unopened = planned.saturating_sub(done + self.under_way()) as f64;
        let looked_at = (done + self.under_way()).max(1) as f64;
        let bytes = self.yet() + unopened * self.likely() / looked_at;
        if rate > 0 && bytes > 0.0 {
            return Some((bytes / rate as f64).ceil() as u64);
        }
        let to_come = planned.saturating_sub(done);
        match (done, to_come) {
            (0, _) => None,
            (_, 0) => Some(0),
            // Bytes stand still: nobody knows for how long.
            _ if bytes > 0.0 && self.flying > 0 => None,
            _ => Some((elapsed.as_secs_f64() * to_come as f64 / done as f64).ceil() as u64),
        }
    }
}

fn percent(done: u64, part: f64, planned: u64) -> u8 {
    if planned == 0 || done >= planned {
        return if planned == 0 { 0 } else { 100 };
    }
    // Between 0 and 99, so that it fits.
    ((done as f64 + part) * 100.0 / planned as f64).clamp(0.0, 99.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(copied: u64, there: u64, bytes: u64, bytes_there: u64) -> Counts {
        let tally = Tally { copied, there, bytes, bytes_there, ..Tally::default() };
        Counts { tally, ..Counts::default() }
    }

    #[test]
    fn percent_and_time_left_of_what_is_known() {
        let looked = |at: Counts, opened, expected, flying| Counts {
            opened,
            walked: opened,
            expected,
            flying,
            ..at
        };
        let index = Counts { children: 4, met: 1, ..looked(counts(0, 0, 0, 0), 1, 300, 150) };
        let cases = [
            ("nothing is known", Counts::default(), 0, 0, (0, None)),
            ("nothing is done", Counts::default(), 5, 0, (0, None)),
            ("all there", counts(0, 4, 0, 0), 4, 0, (100, Some(0))),
            ("half there, no bytes", counts(0, 2, 0, 0), 4, 0, (50, Some(8))),
            ("one of one, half", looked(counts(0, 0, 40, 10), 1, 200, 50), 1, 10, (50, Some(10))),
            ("one of four done", looked(counts(1, 0, 100, 0), 1, 100, 0), 4, 10, (25, Some(30))),
            ("one done, one half", looked(counts(1, 0, 100, 0), 2, 200, 50), 4, 10, (37, Some(25))),
            ("much was there", looked(counts(0, 50, 0, 0), 1, 100, 0), 100, 10, (50, Some(20))),
            ("it stands still", looked(counts(1, 0, 100, 0), 2, 200, 50), 4, 0, (37, None)),
            ("a child of four, half", index, 1, 10, (12, Some(105))),
            ("all but the tag", looked(counts(0, 0, 100, 0), 1, 100, 0), 1, 0, (99, None)),
        ];
        for (what, counts, planned, rate, expected) in cases {
            let reading = counts.reading(planned, rate, Duration::from_secs(8));
            assert_eq!((reading.percent, reading.seconds_left), expected, "{what}");
        }
    }
}
