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
    let pem = || Files { ca: Some("PEM".to_owned()), ..Files::default() };
    for (options, secret, files, sent) in [
        (
            "--url http://a",
            None,
            Files::default(),
            json!({"name": "e", "type": "docker-registry", "url": "http://a", "insecure": false}),
        ),
        (
            "--url https://a --provider harbor --access-id me --insecure",
            Some(&secret),
            pem(),
            json!({"name": "e", "type": "harbor", "url": "https://a", "insecure": true,
                   "ca_certificate": "PEM", "credential":
                   {"type": "basic", "access_key": "me", "access_secret": "s3cret"}}),
        ),
        (
            "--url http://a --setting upload=chunked --setting max_chunk_bytes=1048576 \
             --allow-host https://auth.example.com=credentials,data --proxy http://p:3128",
            None,
            Files::default(),
            json!({"name": "e", "type": "docker-registry", "url": "http://a", "insecure": false,
                   "settings": {"upload": "chunked", "max_chunk_bytes": 1_048_576},
                   "allowed_hosts": [{"pattern": "https://auth.example.com",
                                      "uses": ["credentials", "data"]}],
                   "proxy": "http://p:3128"}),
        ),
        (
            "--url http://a --access-id me --credential-source file:/run/secrets/me",
            None,
            Files::default(),
            json!({"name": "e", "type": "docker-registry", "url": "http://a", "insecure": false,
                   "credential": {"type": "basic", "access_key": "me"},
                   "credential_source": {"kind": "file", "path": "/run/secrets/me"}}),
        ),
    ] {
        let EndpointCommand::Add(args) = typed(&format!("portolan endpoint add e {options}"))
        else {
            panic!("{options}")
        };
        assert_eq!(
            Value::Object(new_registry(&args, args.url.as_deref().unwrap(), secret, files).0),
            sent
        );
    }
}

#[test]
fn an_edit_sends_only_what_was_given() {
    let secret = Secret::new("n3w".to_owned());
    for (options, secret, sent) in [
        ("", None, json!({})),
        ("--insecure", None, json!({"insecure": true})),
        ("--insecure=false", None, json!({"insecure": false})),
        (
            "--requests-per-minute 60",
            None,
            json!({"budget": {"bytes_per_second": 9, "requests_per_minute": 60}}),
        ),
        ("--credential-source static", None, json!({"credential_source": {"kind": "static"}})),
        ("--setting mount=false", None, json!({"settings": {"mount": false, "kept": 1}})),
        (
            "--name f --url http://b",
            Some(&secret),
            json!({"name": "f", "url": "http://b", "access_secret": "n3w"}),
        ),
    ] {
        let EndpointCommand::Edit(args) = typed(&format!("portolan endpoint edit e {options}"))
        else {
            panic!("{options}")
        };
        let stored = json!({"settings": {"mount": true, "kept": 1},
            "budget": {"bytes_per_second": 9, "requests_per_minute": 0}});
        let changes = changes(&args, args.url.as_deref(), secret, Files::default(), &stored);
        assert_eq!(Value::Object(changes.0), sent);
    }
}
