//! The grammar of repository names and tags (OCI Distribution 1.1, "Pulling manifests").

/// Whether this is a repository name a registry must accept.
pub(crate) fn is_repository(name: &str) -> bool {
    name.len() <= 255 && name.split('/').all(is_component)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(component: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separators_fit = component.split(|c: char| is_word_char(c)).all(is_separator);
    let (first, last) = (component.bytes().next(), component.bytes().next_back());
    separators_fit && first.is_some_and(is_word) && last.is_some_and(is_word)
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.bytes().all(|b| b == b'-')
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
pub(crate) fn is_tag(tag: &str) -> bool {
    let first = tag.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let rest = tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    first && rest && tag.len() <= 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_specification() {
        for good in ["a", "a/b", "a-b/c__d/e.f", "a---b", "0/1", "library/app_x"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in ["", "/", "a/", "/a", "A", "a//b", "-a", "a.", "a..b", "a___b", "a.-b", "ä"] {
            assert!(!is_repository(bad), "{bad}");
        }
        for good in ["v1", "_", "V1.2-rc_3", &"a".repeat(128)] {
            assert!(is_tag(good), "{good}");
        }
        for bad in ["", ".a", "-a", "a:b", "a b", &"a".repeat(129)] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
