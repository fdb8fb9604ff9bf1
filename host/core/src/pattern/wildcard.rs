//! The globs that most rules have, of plain characters, `*` and `?` within one component: matched
//! without recursion. Everything else is left to the whole dialect.

/// Whether `text` matches, or `None` where the pattern needs the whole dialect.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    let special = |b: u8| !b.is_ascii() || matches!(b, b'/' | b'\\' | b'[' | b']' | b'{' | b'}');
    // Three stars are no star to the library where nothing is left to match.
    let is_simple = !pattern.bytes().any(special) && !pattern.contains("***");
    let is_plain = text.is_ascii() && !text.contains('/');
    (is_simple && is_plain).then(|| fits(pattern.as_bytes(), text.as_bytes()))
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
