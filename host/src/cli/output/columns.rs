//! Plain columns: two spaces between them, no lines, no colours, nothing cut off.

use serde_json::Value;

/// The zero date, which the API writes for "not yet".
const NO_DATE: &str = "0001-01-01T00:00:00.000Z";

/// Headings and rows with every column as wide as its widest cell, counted in characters.
pub(crate) fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|text| text.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    push_row(&mut out, headings.iter().copied(), &widths);
    for row in rows {
        push_row(&mut out, row.iter().map(String::as_str), &widths);
    }
    out
}

fn push_row<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
    let start = out.len();
    for (cell, width) in cells.zip(widths) {
        if out.len() > start {
            out.push_str("  ");
        }
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
    }
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// A JSON value in one line; `-` for what is not there.
pub(crate) fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) if text == NO_DATE => String::new(),
        Some(Value::String(text)) => text.replace(['\n', '\t'], " "),
        Some(Value::Array(list)) => {
            list.iter().map(|element| cell(Some(element))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    };
    if text.is_empty() { "-".to_owned() } else { super::printable(&text) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["1".to_owned(), "hub".to_owned(), "healthy".to_owned()],
            vec!["12".to_owned(), "hafen-münchen".to_owned(), String::new()],
        ];
        insta::assert_snapshot!(columns(&["ID", "NAME", "STATUS"], &rows), @r#"
ID  NAME           STATUS
1   hub            healthy
12  hafen-münchen
"#);
        assert_eq!(columns(&["ID", "NAME"], &[]), "ID  NAME\n");
    }

    #[test]
    fn a_value_is_one_line() {
        for (value, shown) in [
            (json!(null), "-"),
            (json!(""), "-"),
            (json!([]), "-"),
            (json!("0001-01-01T00:00:00.000Z"), "-"),
            (json!("a\nb\u{1b}[0m"), "a b\\u{1b}[0m"),
            (json!(true), "yes"),
            (json!(7), "7"),
            (json!(["a", 1]), "a, 1"),
            (json!({"a": 1}), "{\"a\":1}"),
        ] {
            assert_eq!(cell(Some(&value)), shown);
        }
        assert_eq!(cell(None), "-");
    }
}
