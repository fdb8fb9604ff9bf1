//! Columns: two spaces between them, no lines, nothing cut off; headings in bold, and words that say
//! how something is in colour. Whoever prints takes both away where no terminal is.

use anstyle::Style;
use serde_json::Value;

use super::painted;

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
    let bold = Style::new().bold();
    push_row(&mut out, headings.iter().map(|heading| (*heading, bold)), &widths);
    for row in rows {
        let cells = row.iter().map(|cell| (cell.as_str(), painted(cell).unwrap_or_default()));
        push_row(&mut out, cells, &widths);
    }
    out
}

fn push_row<'a>(out: &mut String, cells: impl Iterator<Item = (&'a str, Style)>, widths: &[usize]) {
    let mut gap = 0;
    for ((cell, style), width) in cells.zip(widths) {
        // Before the next cell, so that no line ends in spaces.
        out.extend(std::iter::repeat_n(' ', gap));
        if !cell.is_empty() {
            out.push_str(&format!("{style}{cell}{style:#}"));
        }
        gap = width.saturating_sub(cell.chars().count()) + 2;
    }
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
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        insta::assert_snapshot!(plain(columns(&["ID", "NAME", "STATUS"], &rows)), @r#"
ID  NAME           STATUS
1   hub            healthy
12  hafen-münchen
"#);
        assert_eq!(plain(columns(&["ID", "NAME"], &[])), "ID  NAME\n");
        assert!(columns(&["ID"], &rows).starts_with("\u{1b}[1mID\u{1b}[0m\n"));
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
