//! Any YAML index, by the events of a parser: nothing but what is wanted is kept.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, StrInput};

use super::{Catalog, Version};

type Read<T> = Result<T, String>;

/// Reads an index.
pub(super) fn read(text: &str) -> Read<Catalog<'_>> {
    let mut reader = Reader { parser: Parser::new_from_str(text), catalog: Catalog::default() };
    reader.index()?;
    Ok(reader.catalog)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    catalog: Catalog<'t>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Read<Event<'t>> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(e)) => Err(format!("it is no valid YAML: {e}")),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn index(&mut self) -> Read<()> {
        loop {
            match self.next()? {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::MappingStart(..) => break,
                _ => return Err("it is no mapping".to_owned()),
            }
        }
        let mut found = false;
        self.mapping(|reader, key, value| {
            if key != "entries" {
                return reader.skip(value);
            }
            found = true;
            reader.entries(value)
        })?;
        if found { Ok(()) } else { Err("it has no `entries`".to_owned()) }
    }

    /// Reads a mapping whose start was read. Keys that are no plain texts have no meaning here.
    fn mapping(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'t, str>, Event<'t>) -> Read<()>,
    ) -> Read<()> {
        loop {
            let key = self.next()?;
            match key {
                Event::MappingEnd => return Ok(()),
                Event::Scalar(key, ..) => {
                    let value = self.next()?;
                    each(self, key, value)?;
                }
                other => {
                    self.skip(other)?;
                    let value = self.next()?;
                    self.skip(value)?;
                }
            }
        }
    }

    fn entries(&mut self, value: Event<'t>) -> Read<()> {
        if !matches!(value, Event::MappingStart(..)) {
            return self.skip(value);
        }
        self.mapping(|reader, chart, versions| {
            if !matches!(versions, Event::SequenceStart(..)) {
                return reader.skip(versions);
            }
            loop {
                match reader.next()? {
                    Event::SequenceEnd => return Ok(()),
                    Event::MappingStart(..) => {
                        let version = reader.version()?;
                        if !reader.catalog.add_unescaped(chart.clone(), version) {
                            return Err("it has too many versions".to_owned());
                        }
                    }
                    other => reader.skip(other)?,
                }
            }
        })
    }

    fn version(&mut self) -> Read<Version<'t>> {
        let mut version = Version::default();
        self.mapping(|reader, key, value| match (&*key, value) {
            ("version", Event::Scalar(text, ..)) => set(&mut version.version, text),
            ("digest", Event::Scalar(text, ..)) => set(&mut version.digest, text),
            ("created", Event::Scalar(text, ..)) => set(&mut version.created, text),
            ("urls", Event::SequenceStart(..)) => reader.first(&mut version.url),
            (_, other) => reader.skip(other),
        })?;
        Ok(version)
    }

    /// The first text of a sequence whose start was read.
    fn first(&mut self, into: &mut Cow<'t, str>) -> Read<()> {
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(()),
                Event::Scalar(text, ..) if into.is_empty() => set(into, text)?,
                other => self.skip(other)?,
            }
        }
    }

    /// Passes over the rest of a node that began with `first`.
    fn skip(&mut self, first: Event<'t>) -> Read<()> {
        let mut depth = opens(&first);
        while depth > 0 {
            depth = depth.saturating_add(opens(&self.next()?));
        }
        Ok(())
    }
}

fn set<'t>(into: &mut Cow<'t, str>, text: Cow<'t, str>) -> Read<()> {
    *into = text;
    Ok(())
}

fn opens(event: &Event<'_>) -> i64 {
    match event {
        Event::MappingStart(..) | Event::SequenceStart(..) => 1,
        Event::MappingEnd | Event::SequenceEnd => -1,
        _ => 0,
    }
}
