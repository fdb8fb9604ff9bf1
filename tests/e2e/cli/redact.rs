//! What differs from run to run, replaced by a word: instants, digests, tokens, ports, durations.

/// The length of what is replaced at the beginning of a text, where that is there.
type Kind = fn(&str) -> Option<usize>;

/// The text with each of these replaced; `names` are texts of this run and what stands for them.
pub(super) fn redact(text: &str, names: &[(String, String)]) -> String {
    let named =
        names.iter().fold(text.to_owned(), |text, (found, shown)| text.replace(found, shown));
    let kinds: [(Kind, &str); 8] = [
        (instant, "TIME"),
        (date, "DATE"),
        (digest, "sha256:DIGEST"),
        (token, "portolan_TOKEN"),
        (offset, "offset OFFSET"),
        (port, "127.0.0.1:PORT"),
        (duration, "in SECONDS s"),
        (measured, "MEASURED"),
    ];
    let whole = kinds.into_iter().fold(named, |text, (kind, word)| replaced(&text, kind, word));
    whole.split_inclusive('\n').map(narrow).collect()
}

/// Columns are as wide as what was replaced: within a line, two spaces stand for many.
fn narrow(line: &str) -> String {
    let (indent, rest) = line.split_at(line.len() - line.trim_start_matches(' ').len());
    let mut rest = rest.to_owned();
    while rest.contains("   ") {
        rest = rest.replace("   ", "  ");
    }
    format!("{indent}{rest}")
}

fn replaced(text: &str, kind: Kind, word: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        match kind(rest) {
            Some(length) => {
                out.push_str(word);
                rest = &rest[length..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// Length of a text that fits a shape: `0` is a digit, anything else itself.
fn shape(text: &str, shape: &str) -> Option<usize> {
    let mut bytes = text.bytes();
    let fits = shape.bytes().all(|wanted| match (wanted, bytes.next()) {
        (b'0', Some(found)) => found.is_ascii_digit(),
        (wanted, found) => found == Some(wanted),
    });
    fits.then_some(shape.len())
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn date(text: &str) -> Option<usize> {
    shape(text, "0000-00-00")
}

fn instant(text: &str) -> Option<usize> {
    let mut length = shape(text, "0000-00-00T00:00:00")?;
    if text[length..].starts_with('.') {
        length += 1 + digits(&text[length + 1..]);
    }
    text[length..].starts_with('Z').then_some(length + 1)
}

fn hexadecimal(text: &str, prefix: &str, least: usize) -> Option<usize> {
    let rest = text.strip_prefix(prefix)?;
    let length = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    (length >= least).then_some(prefix.len() + length)
}

fn digest(text: &str) -> Option<usize> {
    hexadecimal(text, "sha256:", 64)
}

fn token(text: &str) -> Option<usize> {
    hexadecimal(text, "portolan_", 32)
}

/// In a component that was built here.
fn offset(text: &str) -> Option<usize> {
    hexadecimal(text, "offset 0x", 1)
}

/// Not port 1, where nothing ever listens.
fn port(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("127.0.0.1:")?;
    let length = digits(rest);
    (length > 3).then_some(text.len() - rest.len() + length)
}

fn duration(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("in ")?;
    let whole = digits(rest);
    let fraction = rest[whole..].strip_prefix('.').map_or(0, |rest| 1 + digits(rest));
    let end = rest[whole + fraction..].strip_prefix(" s")?;
    (whole > 0).then_some(text.len() - end.len())
}

/// `12 bytes`, `3.4 GiB free`, `9 requests` and `"milliseconds": 5`: sizes of files and disks, times,
/// and what a better engine needs less of.
fn measured(text: &str) -> Option<usize> {
    for key in ["\"milliseconds\": ", "\"bytes\": ", "\"requests\": "] {
        if let Some(rest) = text.strip_prefix(key) {
            return Some(key.len() + digits(rest));
        }
    }
    let whole = digits(text);
    if whole == 0 {
        return None;
    }
    let fraction = text[whole..].strip_prefix('.').map_or(0, |rest| 1 + digits(rest));
    let rest = &text[whole + fraction..];
    let units = [" bytes", " KiB free", " MiB free", " GiB free", " TiB free", " requests"];
    units.iter().find(|unit| rest.starts_with(**unit)).map(|unit| whole + fraction + unit.len())
}

#[test]
fn what_differs_is_replaced_and_nothing_else() {
    let names = [("/tmp/x7".to_owned(), "HOME".to_owned())];
    for (text, shown) in [
        ("/tmp/x7/data at 2026-11-22T03:04:05.123Z", "HOME/data at TIME"),
        ("until 2027-01-01", "until DATE"),
        ("http://127.0.0.1:45678/v2 but 127.0.0.1:1", "http://127.0.0.1:PORT/v2 but 127.0.0.1:1"),
        ("46 requests in 0.4 s, in all", "MEASURED in SECONDS s, in all"),
        ("made, 4711 bytes", "made, MEASURED"),
        ("12.50 GiB free for HOME", "MEASURED for HOME"),
        ("1 artifact, 2 tags, v1.0", "1 artifact, 2 tags, v1.0"),
        ("    ID     NAME\n    1      a", "    ID  NAME\n    1  a"),
    ] {
        assert_eq!(redact(text, &names), shown);
    }
    let digest = format!("sha256:{}", "0a".repeat(32));
    assert_eq!(redact(&digest, &[]), "sha256:DIGEST");
}
