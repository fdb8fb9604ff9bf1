//! What is sent for what was typed.

use clap::Parser;

use super::*;
use crate::cli::args::{Cli, Command, Noun};

fn typed(line: &str) -> EndpointCommand {
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    match cli.command {
        Command::Noun(Noun::Endpoint(args)) => args.command,
        _ => panic!("another noun"),
    }
}

#[test]
fn an_endpoint_is_what_the_options_say() {
    let secret = Secret::new("s3cret".to_owned());
    for (line, secret, ca, sent) in [
        (
            "portolan endpoint add e --url http://a",
            None,
            None,
            json!({"name": "e", "description": null, "type": "docker-registry",
                   "url": "http://a", "insecure": false, "ca_certificate": null}),
        ),
        (
            "portolan endpoint add e --url https://a --provider harbor --access-id me --insecure",
            Some(&secret),
            Some("PEM".to_owned()),
            json!({"name": "e", "description": null, "type": "harbor",
                   "url": "https://a", "insecure": true, "ca_certificate": "PEM", "credential":
                   {"type": "basic", "access_key": "me", "access_secret": "s3cret"}}),
        ),
    ] {
        let EndpointCommand::Add(args) = typed(line) else { panic!("{line}") };
        assert_eq!(new_registry(&args, secret, ca), sent);
    }
}

#[test]
fn an_edit_sends_only_what_was_given() {
    let secret = Secret::new("n3w".to_owned());
    for (line, secret, sent) in [
        ("portolan endpoint edit e", None, json!({})),
        ("portolan endpoint edit e --insecure", None, json!({"insecure": true})),
        ("portolan endpoint edit e --insecure=false", None, json!({"insecure": false})),
        (
            "portolan endpoint edit e --name f --url http://b",
            Some(&secret),
            json!({"name": "f", "url": "http://b", "access_secret": "n3w"}),
        ),
    ] {
        let EndpointCommand::Edit(args) = typed(line) else { panic!("{line}") };
        assert_eq!(Value::Object(changes(&args, secret, None)), sent);
    }
}
