//! The tables of the contract, section 3.5, row by row.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[derive(Debug, PartialEq)]
enum Answer {
    T,
    F,
    E,
}
use Answer::{E, F, T};

fn check(rows: &[(&str, &str, Answer)]) {
    for (pattern, text, expected) in rows {
        let answer = match matches(pattern, text) {
            Ok(true) => T,
            Ok(false) => F,
            Err(_) => E,
        };
        assert_eq!(answer, *expected, "`{pattern}` against `{text}`");
    }
}

#[test]
fn contract_3_5_harbors_own_table() {
    check(&[
        ("", "library", T),
        ("", "", T),
        ("*", "library", T),
        ("*", "library/hello-world", F),
        ("**", "library/hello-world", T),
        ("{library,harbor}/**", "library/hello-world", T),
        ("{library,harbor}/**", "harbor/hello-world", T),
        ("1.?", "1.0", T),
        ("1.?", "1.01", F),
        ("v2.[4-6].*", "v2.4.0", T),
        ("v2.[4-7].*", "v2.7.0", T),
    ]);
}

#[test]
fn contract_3_5_oracle_first_column() {
    check(&[
        ("*", "", T),
        ("**", "", T),
        ("?", "", F),
        ("{a,}", "", T),
        ("{,a}", "", T),
        ("[a]", "", F),
        ("*", "a/b", F),
        ("**", "a/b/c", T),
        ("**/", "a/", T),
        ("**/c", "c", T),
        ("**/c", "a/b/c", T),
        ("*/*", "a/b", T),
        ("*/*", "a/b/c", F),
        ("*/**", "a/b/c", T),
        ("**/a/**", "x/a", F),
        ("{library/a,harbor/b}", "harbor/b", T),
        ("{library/*,harbor}/x", "library/q/x", T),
        ("{a,b{c,d}}", "bd", T),
        ("{a,b{c,d}}", "b", F),
        ("v{1,2}.*", "v2.3", T),
        ("{1.*,2.*}", "2.0", T),
        ("*.*.*", "1.9.0-rc1", T),
        ("{?.?.?,?.??.??}", "1.10.01", T),
        ("*latest*", "my-latest-x", T),
    ]);
}

#[test]
fn contract_3_5_oracle_second_column() {
    check(&[
        ("a/**", "a", F),
        ("a/**", "a/", T),
        ("a/**", "a/b/c", T),
        ("a/**/c", "a/c", T),
        ("a/**/c", "a/b/d/c", T),
        ("a/*", "a/b/c", F),
        ("a/*/c", "a/b/c", T),
        ("lib**", "library", T),
        ("lib**", "lib/rary", F),
        ("**lib", "a/lib", F),
        ("a**/b", "aXY/b", T),
        ("a**/b", "a/x/b", F),
        ("*/**", "a", F),
        ("**/**", "a", T),
        ("**/a/**", "a/y", T),
        ("{a/**,b}", "a/x/y", T),
        ("{a/**,b}", "b", T),
        ("{**}", "a/b", F),
        ("{a, b}", "b", F),
        ("{a, b}", " b", T),
        ("1.?", "1.", F),
        ("?.?.?", "1.9.01", F),
        ("*-alpine", "3.1-alpine", T),
        ("**.sig", "sha256-x.sig", T),
    ]);
}

#[test]
fn contract_3_5_oracle_third_column() {
    check(&[
        ("[^0-9]*", "v1", T),
        ("[^0-9]*", "1v", F),
        ("[!0-9]*", "1v", T),
        ("[!0-9]*", "v1", F),
        ("[abc]", "b", T),
        ("[a-]", "-", E),
        ("[-a]", "-", E),
        ("[", "a", E),
        ("[]", "a", E),
        ("[a", "a", E),
        ("[]a]", "]", E),
        ("[^]", "a", T),
        ("a[", "a", F),
        ("a[", "ab", E),
        (r"\*", "*", T),
        (r"\*", "a", F),
        (r"[\]]", "]", T),
        (r"\{a,b\}", "{a,b}", T),
        ("{a", "a", E),
        ("a}", "a}", T),
        ("a,b", "a,b", T),
        ("{}", "", T),
        ("x{}y", "xy", T),
        ("?", "é", T),
        ("a?b", "a/b", F),
        ("latest", "Latest", F),
        ("a/", "a", F),
    ]);
}

#[test]
fn contract_3_5_rows_of_the_library() {
    check(&[
        ("/*", "/", T),
        ("*", "/", F),
        ("/*", "/debug/", F),
        ("/*", "//", F),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", T),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", F),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", F),
        ("a*b?c*x", "abxbbxdbxebxczzx", T),
        ("a*b?c*x", "abxbbxdbxebxczzy", F),
        ("ab[^b-d]", "abc", F),
        ("ab[^e-g]", "abc", T),
        (r"a\*b", "ab", F),
        ("a[^a]b", "a☺b", T),
        ("a???b", "a☺b", F),
        ("[a-ζ]*", "α", T),
        ("*[a-ζ]", "A", F),
        (r"[x\-]", "-", T),
        (r"[\-x]", "-", T),
        (r"[\-x]", "a", F),
        ("[-]", "-", E),
        ("[x-]", "x", E),
        ("[a-b-c]", "a", E),
        (r"\", "a", E),
        ("[^", "a", E),
        ("[^bc", "a", E),
        ("*x", "xxx", T),
        ("**/c", "abcd", F),
        ("**/c", "a/abc", F),
        (r"a/\**", "a/b/c", F),
        ("a//b/c", "a/b/c", F),
        ("a/b/c", "a/b//c", F),
        ("ab{c,d,*}", "abcde", T),
        ("ab{c,d}[", "abcd", E),
        ("a{,bc}", "a", T),
        ("a{,bc}", "abc", T),
        ("a/{b/c,c/b}", "a/c/b", T),
        ("{a/{b,c},abc}", "a/c", T),
        ("{a/{b,c},abc}", "abc", T),
        ("{a/{b,c},abc}", "a/b/c", F),
        ("{a/ab*}", "a/abc", T),
        ("abc**", "abc/b", F),
        ("abc**", "abc", T),
        ("**abc", "abc", T),
    ]);
}

/// Not what one would wish, but what Harbor selects.
#[test]
fn oddities_of_the_library_are_kept() {
    check(&[
        ("{a,a/b}", "a", F),
        ("{a,a/b}", "a/b", T),
        ("a{/b,c}", "a/b", E),
        ("*{-alpine,}", "3.1", F),
        ("a***", "a", F),
        ("**/[", "a", F),
        ("*[", "a", E),
    ]);
}

#[test]
fn hostile_patterns_end_quickly() {
    let long = "a".repeat(250);
    let patterns = [
        "a*".repeat(60) + "b",
        "[a]*".repeat(60) + "b",
        "*".repeat(100_000),
        "{".repeat(100_000),
        "{a,a}".repeat(60) + "b",
        "{a*,a*}".repeat(60) + "b",
        "{".repeat(50_000) + &"}".repeat(50_000),
        "**/".repeat(200) + "b",
        "[".repeat(100_000),
    ];
    for pattern in patterns {
        let started = Instant::now();
        for text in [long.as_str(), "", &"a/".repeat(120)] {
            let _ = matches(&pattern, text);
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{}", pattern.len());
    }
    assert!(matches(&("[a]*".repeat(60) + "b"), &long).is_err());
    assert_eq!(matches(&("a*".repeat(60) + "b"), &long), Ok(false), "the short way has no trees");
}

#[test]
fn long_lists_of_names_are_no_hostile_patterns() {
    let names: Vec<String> = (0..2_000).map(|n| format!("team/image-{n}")).collect();
    let pattern = format!("{{{}}}", names.join(","));
    assert_eq!(matches(&pattern, "team/image-1999"), Ok(true));
    assert_eq!(matches(&pattern, "team/image-2000"), Ok(false));
}

proptest! {
    #[test]
    fn never_panics_and_ends(pattern in r"[ab/*?{},\[\]^\\é-]{0,40}", text in "[ab/é]{0,40}") {
        let started = Instant::now();
        let _ = matches(&pattern, &text);
        let _ = specific_paths(&pattern);
        prop_assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_text_matches_itself_escaped(text in r"[a-z*?{},\[\]^é-]{1,20}") {
        let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
        prop_assert_eq!(matches(&escaped, &text), Ok(true));
    }

    #[test]
    fn specific_paths_match_their_pattern(pattern in r"(\{[ab](,[ab]){0,2}\}|[ab]{1,2})(/(\{[ab](,[ab]){0,2}\}|[ab])){0,2}") {
        for path in specific_paths(&pattern).unwrap() {
            prop_assert_eq!(matches(&pattern, &path), Ok(true));
        }
    }
}

proptest::proptest! {
    #[test]
    fn the_short_way_says_what_the_whole_dialect_says(
        pattern in "[ab*?]{1,7}", text in "[ab]{0,7}"
    ) {
        if let Some(short) = wildcard::matches(&pattern, &text) {
            let long = Matcher::default().path(&pattern, &[&text]);
            assert_eq!(Some(short), long.ok(), "{pattern} {text}");
        }
    }
}

/// A glob that is written out as wildcards says what the whole dialect says.
#[test]
fn what_is_written_out_matches_the_same() {
    let parts = &["", "a", "?", "b*", "*", "**"];
    let braces = &["", "{a}", "{a,b}", "{ab,?}", "{a,}", "{*,b}", "{a,{b}}", "{}", "{,}"];
    let texts = ["", "a", "b", "ab", "aab", "aba", "bab", "abab", "a/b", "\u{e9}a"];
    let mut written_out = 0;
    for (before, brace, after) in parts.iter().flat_map(|before| {
        braces.iter().flat_map(move |brace| parts.iter().map(move |after| (before, brace, after)))
    }) {
        let glob = format!("{before}{brace}{after}");
        let Some(wildcards) = wildcard::written_out(&glob) else { continue };
        written_out += usize::from(!brace.is_empty());
        for text in texts {
            let names: Vec<&str> = text.split('/').collect();
            let whole = Matcher::default().path(&glob, &names).ok();
            assert_eq!(Pattern::glob(&glob).matches(text).ok(), whole, "{glob} {text}");
            let fast = wildcard::any_matches(&wildcards, text);
            assert!(fast.is_none() || fast == whole, "{glob} {text}: {wildcards:?}");
        }
    }
    assert!(written_out > 20, "{written_out}");
}
