//! Text into HTML: everything is escaped, and of all mark-up only backticks and blank lines mean
//! something.

/// Text for an element or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// Paragraphs, divided by blank lines; nothing for an empty text.
pub(super) fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", inline(paragraph))).collect()
}

/// A line; what stands between backticks is code.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escaped(part);
        match index % 2 {
            0 => html.push_str(&part),
            _ => html.push_str(&format!("<code>{part}</code>")),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let cases = [
            ("a <b> & \"c\"", "a &lt;b&gt; &amp; &quot;c&quot;"),
            ("use `x<y>` here", "use <code>x&lt;y&gt;</code> here"),
            ("it's", "it&#39;s"),
        ];
        for (text, html) in cases {
            assert_eq!(inline(text), html);
        }
        assert_eq!(prose("one\n\ntwo"), "<p>one</p><p>two</p>");
        assert_eq!(prose(""), "");
    }
}
