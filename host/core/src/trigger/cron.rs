//! The cron dialect of robfig/cron 3 with seconds: what it takes, and when it fires by one clock.
//!
//! No crate speaks it: they take 7 for Sunday, `L`, `W`, `#` and `@daily`, or refuse `?` and `N/step`.

use time::{Duration, OffsetDateTime, PrimitiveDateTime, Time};

/// Days looked ahead: nine years.
const MAX_DAYS: usize = 366 * 9;

/// The values a field takes.
struct Bounds {
    name: &'static str,
    min: u64,
    max: u64,
    /// Names of the values from `min` on, in lower case.
    names: &'static [&'static str],
}

const MONTHS: &[&str] =
    &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Bounds; 6] = [
    Bounds { name: "seconds", min: 0, max: 59, names: &[] },
    Bounds { name: "minutes", min: 0, max: 59, names: &[] },
    Bounds { name: "hours", min: 0, max: 23, names: &[] },
    Bounds { name: "day of month", min: 1, max: 31, names: &[] },
    Bounds { name: "month", min: 1, max: 12, names: MONTHS },
    Bounds { name: "day of week", min: 0, max: 6, names: WEEKDAYS },
];

/// A set of values below 64, and whether it was written as all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Values {
    bits: u64,
    star: bool,
}

impl Values {
    fn has(self, value: u8) -> bool {
        self.bits >> value & 1 == 1
    }

    /// The values from `from` up, ascending.
    fn from(self, from: u8) -> impl Iterator<Item = u8> {
        (from..64).filter(move |value| self.has(*value))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    second: Values,
    minute: Values,
    hour: Values,
    day: Values,
    month: Values,
    weekday: Values,
}

impl Cron {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let values: Vec<Values> = fields
            .iter()
            .zip(&FIELDS)
            .map(|(field, bounds)| bounds.parse(field))
            .collect::<Result<_, _>>()?;
        let wrong_count = || format!("it has {} fields instead of 6", fields.len());
        if fields.len() != FIELDS.len() {
            return Err(wrong_count());
        }
        let [second, minute, hour, day, month, weekday] =
            values.try_into().map_err(|_| wrong_count())?;
        Ok(Self { second, minute, hour, day, month, weekday })
    }

    /// The next instant strictly after `after` within [`MAX_DAYS`], in UTC.
    pub(super) fn next_after(&self, after: OffsetDateTime) -> Option<OffsetDateTime> {
        let after = after.to_offset(time::UtcOffset::UTC);
        let next = self.next_by_clock(PrimitiveDateTime::new(after.date(), after.time()));
        next.map(PrimitiveDateTime::assume_utc)
    }

    /// Whether it fires in every hour of the days it fires on.
    pub(super) fn is_hourly(&self) -> bool {
        self.hour.star
    }

    /// The next reading of a clock strictly after `after` within [`MAX_DAYS`].
    pub(super) fn next_by_clock(&self, after: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
        let start = after.replace_nanosecond(0).ok()?.checked_add(Duration::SECOND)?;
        let (mut date, mut from) = (start.date(), start.time());
        for _ in 0..MAX_DAYS {
            if self.fires_on(date)
                && let Some(time) = self.time_from(from)
            {
                return Some(PrimitiveDateTime::new(date, time));
            }
            (date, from) = (date.next_day()?, Time::MIDNIGHT);
        }
        None
    }

    /// Where both kinds of day are restricted, either may fit.
    fn fires_on(&self, date: time::Date) -> bool {
        let day = self.day.has(date.day());
        let weekday = self.weekday.has(date.weekday().number_days_from_sunday());
        let fits = if self.day.star || self.weekday.star { day && weekday } else { day || weekday };
        fits && self.month.has(date.month().into())
    }

    fn time_from(&self, from: Time) -> Option<Time> {
        let (hour, minute, second) = from.as_hms();
        self.hour.from(hour).find_map(|h| {
            let first_minute = if h == hour { minute } else { 0 };
            self.minute.from(first_minute).find_map(|m| {
                let first_second = if (h, m) == (hour, minute) { second } else { 0 };
                let s = self.second.from(first_second).next()?;
                Time::from_hms(h, m, s).ok()
            })
        })
    }
}

impl Bounds {
    /// A list of ranges; empty items are passed over, as in the library.
    fn parse(&self, field: &str) -> Result<Values, String> {
        let mut all = Values::default();
        for range in field.split(',').filter(|range| !range.is_empty()) {
            let values = self.range(range)?;
            all.bits |= values.bits;
            all.star |= values.star;
        }
        Ok(all)
    }

    /// `*`, `?`, `N`, `N-M`, each with `/step` or without; `N/step` is `N-max/step`.
    fn range(&self, text: &str) -> Result<Values, String> {
        let wrong = || format!("`{text}` is no range of the field {}", self.name);
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u64>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first, Some(last)),
            None => (range, None),
        };
        let star = matches!(first, "*" | "?");
        let (start, end) = match last {
            _ if star => (self.min, self.max),
            Some(last) => {
                (self.value(first).ok_or_else(wrong)?, self.value(last).ok_or_else(wrong)?)
            }
            None => {
                let start = self.value(first).ok_or_else(wrong)?;
                (start, if step.is_some() { self.max } else { start })
            }
        };
        let step_by = usize::try_from(step.unwrap_or(1)).map_err(|_| wrong())?;
        if start < self.min || end > self.max || start > end || step_by == 0 {
            return Err(wrong());
        }
        let bits = (start..=end).step_by(step_by).fold(0, |bits, value| bits | 1 << value);
        Ok(Values { bits, star: star && step_by == 1 })
    }

    fn value(&self, text: &str) -> Option<u64> {
        let named = self.names.iter().position(|name| text.eq_ignore_ascii_case(name));
        match named {
            Some(index) => Some(self.min + u64::try_from(index).ok()?),
            None => text.parse().ok(),
        }
    }
}
