//! The globs that most rules have, of plain characters, `*` and `?` within one component: matched
//! without recursion. Everything else is left to the whole dialect.

/// Most options of a brace that is written out.
const MAX_OPTIONS: usize = 64;

/// The wildcards of which one has to match, where that is all a glob means: it is one itself, or has
/// one brace, before any star, of options without stars. `None` of any other glob, and of the empty
/// one.
pub(super) fn written_out(glob: &str) -> Option<Vec<String>> {
    if glob.is_empty() {
        return None;
    }
    if is_simple(glob) {
        return Some(vec![glob.to_owned()]);
    }
    let (before, inside) = glob.split_once('{')?;
    let (options, after) = inside.split_once('}')?;
    // A star, or nothing, before what may be empty is no match to the library.
    let has_star = |part: &str| part.contains('*');
    if has_star(before) || has_star(options) {
        return None;
    }
    let options: Vec<&str> = options.split(',').collect();
    let all = options.iter().map(|option| format!("{before}{option}{after}"));
    let all: Vec<String> = all.collect();
    let fits = options.len() <= MAX_OPTIONS && options.iter().all(|option| !option.is_empty());
    (fits && all.iter().all(|one| is_simple(one))).then_some(all)
}

/// Whether one of the wildcards that [`written_out`] gave matches; `None` where the text needs the
/// whole dialect.
pub(super) fn any_matches(wildcards: &[String], text: &str) -> Option<bool> {
    let fits = |one: &String| fits(one.as_bytes(), text.as_bytes());
    is_plain(text).then(|| wildcards.iter().any(fits))
}

/// Whether `text` matches, or `None` where the pattern needs the whole dialect.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    (is_simple(pattern) && is_plain(text)).then(|| fits(pattern.as_bytes(), text.as_bytes()))
}

fn is_simple(pattern: &str) -> bool {
    let special = |b: u8| !b.is_ascii() || matches!(b, b'/' | b'\\' | b'[' | b']' | b'{' | b'}');
    // Three stars are no star to the library where nothing is left to match.
    !pattern.bytes().any(special) && !pattern.contains("***")
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && b != b'/')
}

/// Goes back to the last star alone: what stood before it matched as early as it could.
fn fits(mut pattern: &[u8], mut text: &[u8]) -> bool {
    let mut last_star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => {
                last_star = Some((rest, text));
                pattern = rest;
            }
            ([token, rest @ ..], [byte, left @ ..]) if *token == b'?' || token == byte => {
                (pattern, text) = (rest, left);
            }
            ([], []) => return true,
            _ => {
                let Some((after, [_, left @ ..])) = last_star else { return false };
                last_star = Some((after, left));
                (pattern, text) = (after, left);
            }
        }
    }
}
