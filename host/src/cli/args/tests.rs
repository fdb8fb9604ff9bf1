//! The help texts are part of the product: they are compared as they are printed.

use clap::CommandFactory;

use super::*;

/// What `portolan WORDS --help` prints on a terminal of 100 columns.
fn help(words: &str) -> String {
    let typed = std::iter::once("portolan").chain(words.split_whitespace()).chain(["--help"]);
    Cli::command().term_width(100).try_get_matches_from(typed).unwrap_err().to_string()
}

fn refused(line: &str) -> String {
    let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
}

/// Every command that can be typed, by the words that name it, with its definition.
fn commands() -> Vec<(String, clap::Command)> {
    fn gather(words: &str, command: &clap::Command, all: &mut Vec<(String, clap::Command)>) {
        all.push((words.to_owned(), command.clone()));
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            gather(format!("{words} {}", below.get_name()).trim(), below, all);
        }
    }
    let mut all = Vec::new();
    gather("", &Cli::command(), &mut all);
    all
}

/// A file for each noun, with the help of its verbs: `INSTA_UPDATE=always` writes them anew.
#[test]
fn help_says_what_there_is() {
    let mut nouns = std::collections::BTreeMap::<String, String>::new();
    for (words, _) in commands() {
        let noun = words.split(' ').next().unwrap().to_owned();
        let line = format!("$ portolan {words} --help").replace("  ", " ");
        let text = format!("{line}\n{}\n", help(&words));
        nouns.entry(noun).or_default().push_str(&text);
    }
    for (noun, text) in nouns {
        let name = if noun.is_empty() { "portolan" } else { &noun };
        insta::with_settings!({prepend_module_to_snapshot => false, snapshot_path => "help"}, {
            insta::assert_snapshot!(name, text);
        });
    }
}

/// The words of a line, as a shell would take them; what is written elsewhere is left out.
fn shell_words(line: &str) -> Vec<String> {
    let line =
        [" > ", " | ", " && "].iter().fold(line, |line, end| line.split(end).next().unwrap());
    // An empty word that is quoted is one.
    const EMPTY: &str = "\0";
    let line = line.replace("''", &format!("'{EMPTY}'"));
    let mut words = vec![String::new()];
    for (number, part) in line.split('\'').enumerate() {
        let quoted = number % 2 == 1;
        for (place, piece) in part.split(|c: char| !quoted && c.is_whitespace()).enumerate() {
            if place > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(piece);
        }
    }
    words.retain(|word| !word.is_empty());
    words.iter().map(|word| word.replace(EMPTY, "")).collect()
}

#[test]
fn every_verb_has_examples_that_can_be_typed() {
    for (words, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.replace("\\\n", " ");
        let examples: Vec<&str> =
            lines.lines().filter_map(|line| line.strip_prefix("  portolan")).collect();
        assert!(!examples.is_empty(), "`portolan {words}` has no example");
        let verb = !words.is_empty() && !command.has_subcommands();
        let own = |line: &&str| line.trim_start().starts_with(&words);
        assert!(!verb || examples.iter().any(own), "`portolan {words}` has no example of its own");
        for line in examples {
            let typed = shell_words(&format!("portolan{line}"));
            let parsed = Cli::try_parse_from(&typed);
            assert!(parsed.is_ok(), "portolan{line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn mistakes_are_told() {
    for (line, first) in [
        ("portolan sail", "error: unrecognized subcommand 'sail'"),
        ("portolan serve --listne x", "error: unexpected argument '--listne' found"),
        ("portolan rule add r", "error: the following required arguments were not provided:"),
        ("portolan completions tcsh", "error: invalid value 'tcsh' for '<SHELL>'"),
        (
            "portolan endpoint list --token-file a --password-file b",
            "error: the argument '--token-file <FILE>' cannot be used with '--password-file <FILE>'",
        ),
        (
            "portolan endpoint add e --url http://a --access-secret pw",
            "error: unexpected argument '--access-secret' found",
        ),
        (
            "portolan replicate --from a --to b --list f --tag t",
            "error: the argument '--list <FILE>' cannot be used with '--tag <GLOB>'",
        ),
        (
            "portolan replicate --from a --to b --flatten 999",
            "error: invalid value '999' for '--flatten <N>': 999 is not in -128..=127",
        ),
        (
            "portolan replicate --from a --to b --from-provider acme",
            "error: invalid value 'acme' for '--from-provider <PROVIDER>'",
        ),
        (
            "portolan rule add r --from a --to b --flatten 1",
            "error: the following required arguments were not provided:",
        ),
    ] {
        assert_eq!(refused(line), first, "{line}");
    }
}

#[test]
fn the_connection_can_stand_on_either_side_of_the_verb() {
    for line in ["portolan endpoint -o json list", "portolan endpoint list -o json"] {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Noun(Noun::Endpoint(args)) = cli.command else { panic!("{line}") };
        assert_eq!(args.connection.output, Format::Json);
    }
}
