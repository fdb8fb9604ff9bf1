//! The `sort` parameter (contract 1.7).

use std::cmp::Ordering;

use super::{Field, query::by_either_name};

/// Most keys looked at.
const MAX_KEYS: usize = 16;

/// The keys of a `sort` text, each with whether it is descending.
pub(super) fn keys(sort: &str) -> impl Iterator<Item = (&str, bool)> {
    let keys = sort.split(',').take(MAX_KEYS).map(str::trim);
    keys.map(|key| key.strip_prefix('-').map_or((key, false), |key| (key, true)))
}

/// How two values of a key are ordered; kinds do not mix.
pub(super) fn order(a: &Field<'_>, b: &Field<'_>, descending: bool) -> Ordering {
    let order = a.compare(b).unwrap_or(Ordering::Equal);
    if descending { order.reverse() } else { order }
}

/// Orders rows by a comma list of keys, `-` before one for descending. Keys that `field` does not
/// know are passed over. False where none is left: the caller's default order applies.
pub fn sort_rows<T>(
    rows: &mut [T],
    sort: &str,
    field: impl for<'r> Fn(&'r T, &str) -> Option<Field<'r>>,
) -> bool {
    let Some(first) = rows.first() else { return true };
    let keys: Vec<(&str, bool)> = keys(sort)
        .filter(|(key, _)| by_either_name(key, |name| field(first, name)).is_some())
        .collect();
    if keys.is_empty() {
        return false;
    }
    rows.sort_by(|a, b| {
        let by_key = |(key, descending): &(&str, bool)| {
            let a = by_either_name(key, |name| field(a, name));
            let b = by_either_name(key, |name| field(b, name));
            match (a, b) {
                (Some(a), Some(b)) => order(&a, &b, *descending),
                (a, b) => a.is_some().cmp(&b.is_some()),
            }
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
            "name" => Some(Field::Text((*name).into())),
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
