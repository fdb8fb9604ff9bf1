//! The `sort` parameter (contract 1.7).

use std::cmp::Ordering;

use super::{Field, query::lookup_by_either_name};

/// Most keys looked at.
const MAX_KEYS: usize = 16;

/// Orders rows by a comma list of keys, `-` before one for descending. Keys that `field` does not
/// know are passed over. False where none is left: the caller's default order applies.
pub fn sort_rows<T>(rows: &mut [T], sort: &str, field: impl Fn(&T, &str) -> Option<Field>) -> bool {
    let Some(first) = rows.first() else { return true };
    let keys: Vec<(&str, bool)> = sort
        .split(',')
        .take(MAX_KEYS)
        .map(str::trim)
        .map(|key| key.strip_prefix('-').map_or((key, false), |key| (key, true)))
        .filter(|(key, _)| lookup_by_either_name(key, |name| field(first, name)).is_some())
        .collect();
    if keys.is_empty() {
        return false;
    }
    rows.sort_by(|a, b| {
        let by_key = |(key, descending): &(&str, bool)| {
            let value = |row| lookup_by_either_name(key, |name| field(row, name));
            let order = match (value(a), value(b)) {
                (Some(a), Some(b)) => a.compare(&b).unwrap_or(Ordering::Equal),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            if *descending { order.reverse() } else { order }
        };
        keys.iter().map(by_key).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(sort: &str) -> (bool, String) {
        let mut rows = [(3, "c"), (1, "b"), (2, "b"), (10, "a")];
        let known = sort_rows(&mut rows, sort, |(id, name), key| match key {
            "id" => Some(Field::Int(*id)),
            "name" => Some(Field::Text((*name).to_owned())),
            _ => None,
        });
        let shown: Vec<String> = rows.iter().map(|(id, name)| format!("{id}{name}")).collect();
        (known, shown.join(" "))
    }

    #[test]
    fn contract_1_7_keys() {
        let unsorted = "3c 1b 2b 10a";
        let cases = [
            ("", false, unsorted),
            ("-", false, unsorted),
            ("other", false, unsorted),
            ("--id", false, unsorted),
            ("id", true, "1b 2b 3c 10a"),
            ("-id", true, "10a 3c 2b 1b"),
            ("ID", true, "1b 2b 3c 10a"),
            ("name", true, "10a 1b 2b 3c"),
            ("name,-id", true, "10a 2b 1b 3c"),
            ("-name, id", true, "3c 1b 2b 10a"),
            ("other,-name,,id", true, "3c 1b 2b 10a"),
        ];
        for (sort, known, order) in cases {
            assert_eq!(sorted(sort), (known, order.to_owned()), "{sort}");
        }
    }
}
