//! What is seen on the terminal, word for word: every verb, once well and once badly. The transcripts
//! are the files in `cli/transcripts`; `INSTA_UPDATE=always` writes them anew.

mod alone;
mod endpoints;
mod layouts;
mod people;
mod plugins;
mod redact;
mod runs;
mod session;

use std::collections::BTreeSet;

use clap::CommandFactory;
use portolan::cli::args::Cli;

/// Verbs that no transcript shows to end well, and why.
const GO_ON: [(&str, &str); 1] =
    [("serve", "goes on until it is stopped; every other test starts it")];

/// The verbs of a command: what has nothing below it.
fn verbs(words: &str, command: &clap::Command, all: &mut BTreeSet<String>) {
    let mut below = command.get_subcommands().filter(|below| !below.is_hide_set()).peekable();
    if below.peek().is_none() {
        all.insert(words.to_owned());
    }
    for verb in below {
        verbs(format!("{words} {}", verb.get_name()).trim(), verb, all);
    }
}

/// Lines that were typed, and whether each ended well.
fn typed() -> Vec<(String, bool)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/cli/transcripts");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for block in text.split("\n$ ").skip(1) {
            let line = block.lines().next().unwrap().to_owned();
            found.push((line, !block.contains("\n[status ")));
        }
    }
    found
}

/// A verb without a transcript is one that nobody looked at.
#[test]
fn every_verb_has_a_transcript_of_success_and_of_failure() {
    let mut all = BTreeSet::new();
    verbs("", &Cli::command(), &mut all);
    assert!(all.len() > 40, "{all:?}");
    let typed = typed();
    let shown = |verb: &str, well: bool| {
        let is_verb = |line: &str| {
            let rest = line.strip_prefix(&format!("portolan {verb}"));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        typed.iter().any(|(line, ended_well)| *ended_well == well && is_verb(line))
    };
    let goes_on = |verb: &str| GO_ON.iter().any(|(name, _)| *name == verb);
    let without = |well| {
        let seen = |verb: &str| shown(verb, well) || (well && goes_on(verb));
        let missing = all.iter().filter(|verb| !seen(verb));
        missing.cloned().collect::<Vec<_>>()
    };
    assert_eq!(without(true), [""; 0], "no transcript of success");
    assert_eq!(without(false), [""; 0], "no transcript of failure");
}
