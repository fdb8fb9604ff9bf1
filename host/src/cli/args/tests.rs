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

#[test]
fn help_says_what_there_is() {
    insta::assert_snapshot!(help(""), @r#"
Keeps container registry endpoints and replicates artifacts between them

Usage: portolan <COMMAND>

Commands:
  serve      Run the daemon
  demo       Show what it does: two registries in memory, and an image replicated between them
  replicate  Copy between two registries once, without a daemon
  endpoint   Registries that artifacts are read from and written to
  provider   Kinds of registry that an endpoint can be
  plugin     Adapters: the sandboxed components that implement providers
  rule       What is replicated, from where to where, and when
  execution  Runs of rules
  token      Ways in for programs
  audit      Show who changed what
  backup     Write everything the daemon has stored into one sealed file
  restore    Make a data directory from a backup, while no daemon runs on it

Options:
  -h, --help     Print help
  -V, --version  Print version

Examples:
  portolan demo --once
  portolan serve --data-dir /var/lib/portolan
  portolan endpoint add hub --url https://registry.example.com --access-id ci
  portolan rule add mirror --from hub --to edge --repository 'library/**'
  portolan rule run mirror --wait
"#);
    insta::assert_snapshot!(help("serve"), @r#"
Run the daemon

Usage: portolan serve [OPTIONS]

Options:
      --config <FILE>           Settings in TOML [env: PORTOLAN_CONFIG]
      --data-dir <DIR>          Where the database and the keys are [env: PORTOLAN_DATA_DIR]
                                [default: $STATE_DIRECTORY, $XDG_STATE_HOME/portolan or
                                ~/.local/state/portolan]
      --listen <ADDR>           Address to serve HTTP on [env: PORTOLAN_LISTEN] [default:
                                127.0.0.1:8282]
      --socket <PATH>           Unix socket to serve HTTP on [env: PORTOLAN_SOCKET] [default:
                                portolan.sock in the data directory]
      --plugins <DIR>           Directory watched for third-party adapters [env: PORTOLAN_PLUGINS]
                                [default: plugins in the data directory]
      --tls-certificate <FILE>  Serve HTTPS with this certificate chain in PEM; read again when it
                                changes [env: PORTOLAN_TLS_CERTIFICATE]
      --tls-key <FILE>          Private key of the certificate, in PEM [env: PORTOLAN_TLS_KEY]
      --tls-client-ca <FILE>    Ask clients for a certificate that one of these CAs signed, in PEM
                                [env: PORTOLAN_TLS_CLIENT_CA]
      --allow-plain-http        Let passwords cross the network in clear: without TLS, on any
                                address [env: PORTOLAN_ALLOW_PLAIN_HTTP]
  -h, --help                    Print help

Each option is also a variable and, but for --config, a key of the file; an option wins over a
variable, a variable over the file.

A minimal file:
  data_dir = "/var/lib/portolan"
  listen = "127.0.0.1:8282"

Signals: SIGTERM and SIGINT let running tasks come to a safe point, for 20 s at most; a second one
ends at once. SIGHUP reads the TLS files again.
"#);
    insta::assert_snapshot!(help("demo"), @r#"
Show what it does: two registries in memory, and an image replicated between them

Usage: portolan demo [OPTIONS]

Options:
      --once           Replicate, verify, print the result, and exit
      --listen <ADDR>  Address to serve HTTP on; port 0 takes a free one [default: 127.0.0.1:8282]
  -h, --help           Print help

Examples:
  portolan demo           leave it running, and look at it
  portolan demo --once    print what was replicated, and exit
"#);
    insta::assert_snapshot!(help("replicate"), @r#"
Copy between two registries once, without a daemon

Usage: portolan replicate [OPTIONS] --from <URL> --to <URL>

Options:
      --from <URL>           Registry to read from, e.g. https://registry.example.com
      --to <URL>             Registry to write to; --dest-namespace says where in it
      --repository <GLOB>    Repositories to copy; all of them by default; may be repeated
      --tag <GLOB>           Tags to copy; all of them by default; may be repeated
      --list <FILE>          Copy what this file names and list nothing
      --dest-namespace <NS>  Namespace at the destination, put before the repository's name
      --flatten <N>          Leading components of the name that the namespace replaces; -1 leaves
                             the last alone [default: 0]
  -h, --help                 Print help

Source:
      --from-provider <PROVIDER>        Provider of the source [default: docker-registry]
      --from-access-id <ID>             User, robot or key to read with
      --from-access-secret-file <FILE>  File with its secret; `-` for standard input; asked for on a
                                        terminal
      --from-ca <FILE>                  PEM certificates to trust at the source, besides the
                                        system's
      --from-insecure                   Do not verify the source's certificate; never falls back to
                                        plain HTTP

Destination:
      --to-provider <PROVIDER>        Provider of the destination [default: docker-registry]
      --to-access-id <ID>             User, robot or key to write with
      --to-access-secret-file <FILE>  File with its secret; `-` for standard input; asked for on a
                                      terminal
      --to-ca <FILE>                  PEM certificates to trust at the destination, besides the
                                      system's
      --to-insecure                   Do not verify the destination's certificate; never falls back
                                      to plain HTTP

GLOB: `*` stands for any characters but `/`, `**` for any at all, `?` for one, `{a,b}` for either.
FILE of --list: one repository:tag a line; empty lines and lines that begin with # are skipped.

Credentials that are not given come from $REGISTRY_AUTH_FILE, containers' auth.json, or Docker's
config.json with its helpers.

Both registries are tried before anything is copied. Nothing is remembered: a second run asks the
destination for every tag, and copies what is missing or differs.

Exit status: 0 only if everything selected is at the destination; 2 for a mistake in what was typed.

Examples:
  portolan replicate --from https://registry.example.com --to http://127.0.0.1:5000
  portolan replicate --from https://harbor.example.com --from-provider harbor \
      --from-access-id 'robot$ci' --from-access-secret-file ./secret \
      --to https://edge.example.com --to-ca ./edge-ca.pem \
      --repository 'library/**' --tag 'v1.*' --dest-namespace mirror
"#);
}

#[test]
fn help_of_nouns() {
    insta::assert_snapshot!(help("endpoint"), @r#"
Registries that artifacts are read from and written to

Usage: portolan endpoint [OPTIONS] <COMMAND>

Commands:
  add     Test the connection, then store the endpoint
  list    List the endpoints
  show    Show one endpoint; a stored secret is shown as *****
  edit    Change what is given and keep the rest, after a test of the connection
  browse  List the repositories of an endpoint, or the artifacts of one of them
  test    Test the connection of a stored endpoint
  remove  Remove an endpoint that no rule uses

Options:
  -h, --help  Print help

Daemon:
      --server <URL>          The daemon: http://HOST:PORT or unix:PATH [env: PORTOLAN_SERVER]
                              [default: the socket in the data directory]
      --user <NAME>           Name to log in with [default: admin]
      --password-file <FILE>  File with the password, `-` for standard input [env:
                              PORTOLAN_PASSWORD_FILE] [default: none on the daemon's own socket,
                              else a prompt]
  -o, --output <FORMAT>       How to print: table, or json as the API gives it [default: table]

An endpoint is named by its name or its id; 0 is the local registry of the daemon's settings.

Examples:
  portolan endpoint add hub --provider harbor --url https://harbor.example.com --access-id ci
  portolan endpoint list -o json
  portolan endpoint test hub
"#);
    insta::assert_snapshot!(help("endpoint add"), @r#"
Test the connection, then store the endpoint

Usage: portolan endpoint add [OPTIONS] --url <URL> <NAME>

Arguments:
  <NAME>  Its name: unique, at most 64 bytes

Options:
      --url <URL>                  Base address of the registry
      --provider <PROVIDER>        Kind of registry; `portolan provider list` shows which there are
                                   [default: docker-registry]
      --description <TEXT>         A line for people
      --access-id <ID>             User, robot or key; anonymous without
      --access-secret-file <FILE>  File with the secret; `-` for standard input
      --ca <FILE>                  PEM certificates to trust besides the system's
      --insecure                   Do not verify the registry's certificate
  -h, --help                       Print help

Rarely needed:
      --credential-source <FROM>   Where the secret is read from, in place of a stored one:
                                   file:PATH, exec:HELPER, aws-instance,
                                   aws-web-identity:ROLE_ARN,TOKEN_FILE, or static. The daemon's
                                   settings must allow it
      --setting <KEY=VALUE>        A setting of the provider, e.g. upload=chunked; may be repeated
      --allow-host <URL=USE,...>   A host that belongs to the registry, and what may be sent there:
                                   credentials, signed, data, storage; may be repeated
      --proxy <URL>                Proxy to reach it through
      --client-certificate <FILE>  PEM certificates to show to the registry
      --client-key-file <FILE>     PEM key of these; `-` for standard input

Daemon:
      --server <URL>          The daemon: http://HOST:PORT or unix:PATH [env: PORTOLAN_SERVER]
                              [default: the socket in the data directory]
      --user <NAME>           Name to log in with [default: admin]
      --password-file <FILE>  File with the password, `-` for standard input [env:
                              PORTOLAN_PASSWORD_FILE] [default: none on the daemon's own socket,
                              else a prompt]
  -o, --output <FORMAT>       How to print: table, or json as the API gives it [default: table]

The secret is asked for on a terminal when --access-id is given without --access-secret-file and
--credential-source.

Examples:
  portolan endpoint add edge --url http://127.0.0.1:5000
  portolan endpoint add hub --provider harbor --url https://harbor.example.com \
      --access-id 'robot$ci' --access-secret-file ./secret --ca ./ca.pem
"#);
    insta::assert_snapshot!(help("plugin"), @r#"
Adapters: the sandboxed components that implement providers

Usage: portolan plugin [OPTIONS] <COMMAND>

Commands:
  list     List the adapters, and the hosts they may reach
  install  Check a component and store it; it waits for approval
  approve  Let an adapter work, with the hosts it asks for or fewer
  revoke   Take the approval away
  remove   Revoke an adapter and forget it
  warm-up  Compile the bundled adapters ahead of the first `portolan replicate`, without a daemon
  check    Hold a component against what the interface asks, without a daemon
  call     Call one function of an adapter and print its answer as JSON, without a daemon

Options:
  -h, --help  Print help

Daemon:
      --server <URL>          The daemon: http://HOST:PORT or unix:PATH [env: PORTOLAN_SERVER]
                              [default: the socket in the data directory]
      --user <NAME>           Name to log in with [default: admin]
      --password-file <FILE>  File with the password, `-` for standard input [env:
                              PORTOLAN_PASSWORD_FILE] [default: none on the daemon's own socket,
                              else a prompt]
  -o, --output <FORMAT>       How to print: table, or json as the API gives it [default: table]

PLUGIN is a provider, or a digest of which the first 8 characters are enough.
An installed adapter does nothing until it is approved; changed bytes need a new approval.

Examples:
  portolan plugin install ./acme.wasm
  portolan plugin approve acme
  portolan plugin list
  portolan plugin check ./acme.wasm --fixtures ./acme.jsonl
"#);
    insta::assert_snapshot!(help("rule"), @r#"
What is replicated, from where to where, and when

Usage: portolan rule [OPTIONS] <COMMAND>

Commands:
  add     Store a rule
  edit    Change a rule
  list    List the rules
  show    Show one rule
  plan    Show what a run would do; nothing is copied
  run     Start a run
  remove  Remove a rule and the history of its runs

Options:
  -h, --help  Print help

Daemon:
      --server <URL>          The daemon: http://HOST:PORT or unix:PATH [env: PORTOLAN_SERVER]
                              [default: the socket in the data directory]
      --user <NAME>           Name to log in with [default: admin]
      --password-file <FILE>  File with the password, `-` for standard input [env:
                              PORTOLAN_PASSWORD_FILE] [default: none on the daemon's own socket,
                              else a prompt]
  -o, --output <FORMAT>       How to print: table, or json as the API gives it [default: table]

A rule is named by its name or its id.

Examples:
  portolan rule add mirror --from hub --to edge --repository 'library/**' --tag 'v1.*'
  portolan rule run mirror --wait
"#);
    insta::assert_snapshot!(help("execution"), @r#"
Runs of rules

Usage: portolan execution [OPTIONS] <COMMAND>

Commands:
  list   List the latest runs
  show   Show one run and its tasks
  watch  Wait for the end of a run; exit status 1 unless everything was copied
  stop   Stop a run
  logs   Print the logs of a run's tasks

Options:
  -h, --help  Print help

Daemon:
      --server <URL>          The daemon: http://HOST:PORT or unix:PATH [env: PORTOLAN_SERVER]
                              [default: the socket in the data directory]
      --user <NAME>           Name to log in with [default: admin]
      --password-file <FILE>  File with the password, `-` for standard input [env:
                              PORTOLAN_PASSWORD_FILE] [default: none on the daemon's own socket,
                              else a prompt]
  -o, --output <FORMAT>       How to print: table, or json as the API gives it [default: table]

Examples:
  portolan execution list --rule mirror
  portolan execution logs 7
"#);
}

#[test]
fn mistakes_are_told() {
    for (line, first) in [
        ("portolan sail", "error: unrecognized subcommand 'sail'"),
        ("portolan serve --listne x", "error: unexpected argument '--listne' found"),
        ("portolan endpoint add e", "error: the following required arguments were not provided:"),
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
fn both_sides_of_a_copy_are_kept_apart() {
    let line = "portolan replicate --from https://a --from-access-id r --from-ca a.pem \
                --to http://b --to-provider harbor --to-insecure --flatten -1 --dest-namespace m \
                --repository x/** --repository y --trust-state 1h --state s";
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    let Command::Replicate(args) = cli.command else { panic!("another command") };
    let (from, to) = (args.source(), args.destination());
    assert_eq!(
        (from.location, from.provider, from.insecure),
        ("https://a", "docker-registry", false)
    );
    assert_eq!((from.access_id, from.ca), (Some("r"), Some(std::path::Path::new("a.pem"))));
    assert_eq!((to.location, to.provider, to.insecure), ("http://b", "harbor", true));
    assert_eq!((to.access_id, to.ca, to.option), (None, None, "--to"));
    assert_eq!((args.flatten, args.repository.len()), (-1, 2));
}

#[test]
fn the_connection_can_stand_on_either_side_of_the_verb() {
    for line in ["portolan endpoint -o json list", "portolan endpoint list -o json"] {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Noun(Noun::Endpoint(args)) = cli.command else { panic!("{line}") };
        assert_eq!(args.connection.output, Format::Json);
    }
}
