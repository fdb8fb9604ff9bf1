//! An index finds what a walk over the rows finds.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::page::sort_rows;

const COLUMNS: &[Column] =
    &[("id", None), ("name", None), ("on", None), ("size_kb", Some("Speed")), ("made", None)];

#[derive(Clone, Debug)]
struct Thing {
    id: u64,
    name: String,
    on: bool,
    size: i64,
}

impl Thing {
    fn values(&self) -> [Field<'_>; 5] {
        let made = datetime!(2026-11-22 00:00 UTC) + time::Duration::seconds(self.size);
        [
            Field::Int(self.id.cast_signed()),
            Field::Text(self.name.as_str().into()),
            Field::Bool(self.on),
            Field::Int(self.size),
            Field::Time(made),
        ]
    }

    fn field(&self, key: &str) -> Option<Field<'_>> {
        let at = COLUMNS.iter().position(|(name, other)| *name == key || *other == Some(key))?;
        self.values().into_iter().nth(at)
    }
}

/// What a walk over every row finds.
fn walked(things: &[Thing], query: &Query, sort: &str, page: Page) -> Found {
    let mut rows: Vec<Thing> = things.to_vec();
    rows.sort_by_key(|thing| thing.id);
    rows.retain(|thing| query.matches(|key| thing.field(key)));
    if !sort_rows(&mut rows, sort, |thing, key| thing.field(key)) {
        sort_rows(&mut rows, "-made", |thing, key| thing.field(key));
    }
    let (skip, take) = page.bounds();
    let ids = rows.iter().skip(skip).take(take).map(|thing| thing.id).collect();
    Found { ids, total: rows.len() as u64 }
}

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let thing = (1..40_u64, "[aAbBé]{0,4}", any::<bool>(), -3..3_i64)
        .prop_map(|(id, name, on, size)| Thing { id, name, on, size });
    proptest::collection::vec(thing, 0..60)
}

proptest! {
    #[test]
    fn an_index_finds_what_a_walk_finds(
        changes in things(),
        gone in proptest::collection::vec(1..40_u64, 0..20),
        q in prop::sample::select(vec![
            "", "name=~a", "name=ab", "name=~É", "on=true", "Speed=[-1~2]", "size_kb__gt=0",
            "id={3 5 8 13}", "name=~b,on=false", "unknown=1", "made=[2026-11-22T00:00:00~]", "Name=~A",
            "name={a ab é 3}", "made={2026-11-22T00:00:00 '2026-11-22 00:00:01'}", "on={true}",
        ]),
        sort in prop::sample::select(vec![
            "", "id", "-id", "name", "-name,id", "on,-size_kb", "Speed,name", "made", "unknown", "name,-id",
        ]),
        number in -1..5_i64,
        size in -1..12_i64,
    ) {
        let mut index = Index::new(COLUMNS);
        let mut left: Vec<Thing> = Vec::new();
        for thing in changes {
            index.set(thing.id, &thing.values());
            left.retain(|old| old.id != thing.id);
            left.push(thing);
        }
        for id in gone {
            index.remove(id);
            left.retain(|old| old.id != id);
        }
        let (query, page) = (Query::parse(q).unwrap(), Page { number, size });
        prop_assert_eq!(
            index.find(&query, sort, "-made", page),
            walked(&left, &query, sort, page),
            "q {:?} sort {:?} page {:?}", q, sort, page
        );
    }
}

#[test]
fn what_is_gone_takes_no_room() {
    let mut index = Index::new(COLUMNS);
    let thing = |id, size| Thing { id, name: "some name".to_owned(), on: true, size };
    for size in 0..1000 {
        index.set(7, &thing(7, size).values());
    }
    assert!(index.columns.bytes() < 1000, "{}", index.columns.bytes());
    index.remove(7);
    assert!(index.ids.is_empty());
}

#[test]
fn long_texts_are_cut_between_characters() {
    let mut index = Index::new(COLUMNS);
    let name = format!("{}{}", "é".repeat(1_900), "ö".repeat(600));
    index.set(1, &Thing { id: 1, name: name.clone(), on: true, size: 0 }.values());
    let Some(Field::Text(kept)) = index.columns.value(1, 0) else { panic!("no text") };
    assert_eq!(kept, name[..4096]);
    let found = index.find(&Query::parse("on=true").unwrap(), "", "id", Page::FIRST);
    assert_eq!(found, Found { ids: vec![1], total: 1 });
    // A long description is searched to its end.
    let found = index.find(&Query::parse("name=~Ö").unwrap(), "", "id", Page::FIRST);
    assert_eq!(found.ids, [1]);
}

/// `cargo test --release -p portolan-core index -- --ignored --nocapture` tells how long a page
/// of a hundred thousand rows takes, and what a row takes.
#[test]
#[ignore = "a measurement"]
fn how_long_a_page_takes() {
    let mut index = Index::new(COLUMNS);
    for id in 1..=100_000_u64 {
        let name = format!("registry-{:06}.team-{}", id * 7919 % 100_000, id % 97);
        let thing = Thing { id, name, on: id % 3 == 0, size: (id * 31 % 5003).cast_signed() };
        index.set(id, &thing.values());
    }
    println!("{} bytes a row", 8 + index.columns.bytes() / 100_000);
    let deep = Page { number: 5000, size: 10 };
    for (q, sort, page) in [
        ("", "id", Page::FIRST),
        ("", "name", Page::FIRST),
        ("", "-name", deep),
        ("", "made", Page::FIRST),
        ("", "on,name", Page::FIRST),
        ("name=~team-7", "id", Page::FIRST),
        ("name=~nothing", "id", Page::FIRST),
        ("name=~1,on=true", "-size_kb", deep),
    ] {
        let query = Query::parse(q).unwrap();
        let mut times: Vec<u128> = (0..21)
            .map(|_| {
                let start = std::time::Instant::now();
                let found = index.find(&query, sort, "id", page);
                assert!(found.total <= 100_000);
                start.elapsed().as_micros()
            })
            .collect();
        times.sort_unstable();
        println!(
            "q={q} sort={sort} page={}: {} µs at least, median {}",
            page.number, times[0], times[10]
        );
    }
}
