//! Precedence, refusals and files.

use std::{fs, path::Path};

use super::*;

type Variables<'a> = &'a [(&'a str, &'a str)];

/// Settings from a file's text, variables and flags.
fn load(
    directory: &Path,
    toml: &str,
    variables: Variables<'_>,
    flags: Flags,
) -> Result<Config, ConfigError> {
    let path = directory.join("portolan.toml");
    fs::write(&path, toml).unwrap();
    let flags = Flags { config: flags.config.or(Some(path)), ..flags };
    Config::load(&flags, |name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn refused(toml: &str, variables: Variables<'_>) -> String {
    let directory = tempfile::tempdir().unwrap();
    let error = load(directory.path(), toml, variables, Flags::default()).err().unwrap();
    error.to_string().replace(directory.path().to_str().unwrap(), "DIR")
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let home = ("HOME", "/home/me");
    let variable = ("PORTOLAN_LISTEN", "127.0.0.1:2");
    let flag = || Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
    let in_file = "listen = \"127.0.0.1:1\"";
    let cases: [(&str, Variables<'_>, Flags, u16, Origin); 5] = [
        ("", &[home], Flags::default(), 8282, Origin::Default),
        ("", &[home, ("PORTOLAN_LISTEN", "")], Flags::default(), 8282, Origin::Default),
        (in_file, &[home], Flags::default(), 1, Origin::File("listen")),
        (in_file, &[home, variable], Flags::default(), 2, Origin::Variable("PORTOLAN_LISTEN")),
        (in_file, &[home, variable], flag(), 3, Origin::Flag("--listen")),
    ];
    for (toml, variables, flags, port, origin) in cases {
        let config = load(directory.path(), toml, variables, flags).unwrap();
        assert_eq!((config.listen.value.port(), config.listen.origin), (port, origin));
    }
}

#[test]
fn credential_sources_are_nothing_or_absolute_paths() {
    let directory = tempfile::tempdir().unwrap();
    let home = [("HOME", "/home/me")];
    let sources = |toml: &str| {
        load(directory.path(), toml, &home, Flags::default()).unwrap().credential_sources
    };
    assert_eq!(sources(""), SourceKeys::default());
    let said = r#"
        [credential_sources]
        files = [{ path = "here", hosts = ["https://a.example"] },
                 { path = "/run/x", hosts = ["https://*.b.example", "https://c.example:5000"] }]
        helpers = [{ path = "bin/docker-credential-x", hosts = ["https://a.example"] }]
        aws = [{ role = "instance", hosts = ["https://*.amazonaws.com"] },
               { role = "arn", token_file = "token", hosts = ["https://*.amazonaws.com"] }]"#;
    let hosts = |hosts: &[&str]| hosts.iter().map(|&it| it.to_owned()).collect();
    let path = |path: PathBuf, list| PathKeys { path, hosts: hosts(list) };
    let role = |role: &str, token_file| RoleKeys {
        role: role.to_owned(),
        token_file,
        hosts: hosts(&["https://*.amazonaws.com"]),
    };
    let here = |name: &str| directory.path().join(name);
    let expected = SourceKeys {
        files: vec![
            path(here("here"), &["https://a.example"]),
            path("/run/x".into(), &["https://*.b.example", "https://c.example:5000"]),
        ],
        helpers: vec![path(here("bin/docker-credential-x"), &["https://a.example"])],
        aws: vec![role("instance", None), role("arn", Some(here("token")))],
    };
    assert_eq!(sources(said), expected);
}

/// A source without hosts could be sent to any endpoint, by whoever may write one.
#[test]
fn a_credential_source_without_hosts_is_refused() {
    let home = [("HOME", "/home/me")];
    let how = "hosts = [\"https://registry.example.com\"]";
    for (said, wanted) in [
        ("files = [\"/run/x\"]", "a table with `path` and `hosts`"),
        ("files = [{ path = \"/run/x\" }]", how),
        ("files = [{ path = \"/run/x\", hosts = [] }]", how),
        ("helpers = \"/usr/bin\"", how),
        ("helpers = [{ path = \"/usr/bin/docker-credential-x\" }]", how),
        ("aws = true", how),
        ("aws = [{ role = \"instance\" }]", how),
        ("aws = [{ role = \"arn\", hosts = [\"https://*.amazonaws.com\"] }]", "`token_file`"),
        ("file = []", "unknown key `file`"),
        ("files = [{ path = \"/x\", host = [] }]", "unknown key `host`"),
    ] {
        let error = refused(&format!("[credential_sources]\n{said}"), &home);
        assert!(error.contains(wanted), "{said}: {error}");
    }
}

#[test]
fn the_data_directory_is_where_the_system_keeps_state() {
    let state = ("STATE_DIRECTORY", "/var/lib/portolan:/var/lib/other");
    let xdg = ("XDG_STATE_HOME", "/state");
    let home = ("HOME", "/home/me");
    let relative = ("XDG_STATE_HOME", "state");
    let cases: [(Variables<'_>, &str); 5] = [
        (&[state, xdg, home], "/var/lib/portolan"),
        (&[xdg, home], "/state/portolan"),
        (&[relative, home], "/home/me/.local/state/portolan"),
        (&[home], "/home/me/.local/state/portolan"),
        (&[("PORTOLAN_DATA_DIR", "/data"), state], "/data"),
    ];
    for (variables, data_dir) in cases {
        let lookup = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let paths = DaemonPaths::find(lookup).unwrap();
        assert_eq!(paths.data_dir.value, Path::new(data_dir));
        assert_eq!(paths.socket.value, Path::new(data_dir).join("portolan.sock"));
    }
    assert!(matches!(DaemonPaths::find(|_| None), Err(ConfigError::NoDataDir)));
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let home = ("HOME", "/home/me");
    insta::assert_snapshot!(refused("\nliste = \"127.0.0.1:1\"", &[home]), @"DIR/portolan.toml, line 2: unknown key `liste`, expected one of `data_dir`, `listen`, `external_url`, `socket`, `plugins`, `allow_plain_http`, `sealing_key_file`, `workers`, `health_check_minutes`, `audit_days`, `event_window_seconds`, `no_proxy`, `log_format`, `log_filter`, `limits`, `budget`, `history`, `local`, `layouts`, `credential_sources`, `tls_certificate`, `tls_key`, `tls_client_ca`, `tls_client_certificates`, `tls_client_users`, `max_connections`, `max_connections_per_address`, `trusted_proxies`, `proxy_auth`");
    insta::assert_snapshot!(refused("[limits]\nmemori = 1", &[home]), @"DIR/portolan.toml, line 2: unknown key `memori`, expected one of `memory`, `call_ms`, `requests`, `response_bytes`, `log_lines`, `concurrent_calls`, `component_bytes`");
    insta::assert_snapshot!(refused("listen = 8282", &[home]), @"DIR/portolan.toml, line 1: invalid type: integer `8282`, expected a string");
    insta::assert_snapshot!(refused("listen = \"8282\"", &[home]), @"`8282`, from the key `listen` of the settings file, cannot be used: an address and a port are wanted, e.g. 127.0.0.1:8282");
    insta::assert_snapshot!(refused("", &[home, ("PORTOLAN_LOG_FORMAT", "xml")]), @"`xml`, from the variable PORTOLAN_LOG_FORMAT, cannot be used: `text` or `json` is wanted");
    insta::assert_snapshot!(refused("external_url = \"portolan\"", &[home]), @"`portolan`, from the key `external_url` of the settings file, cannot be used: a URL is wanted, e.g. https://portolan.example.com");
    insta::assert_snapshot!(refused("event_window_seconds = 3601", &[home]), @"`3601`, from the key `event_window_seconds` of the settings file, cannot be used: seconds from 0 to 3600 are wanted");
    insta::assert_snapshot!(refused("health_check_minutes = 1441", &[home]), @"`1441`, from the key `health_check_minutes` of the settings file, cannot be used: minutes from 1 to 1440 are wanted, or 0 for never");
    insta::assert_snapshot!(refused("workers = 0", &[home]), @"`0`, from the key `workers` of the settings file, cannot be used: a number from 1 to 256 is wanted");
    insta::assert_snapshot!(refused("[local]\nurl = \"\"", &[home]), @"[local] in the settings file: `` is not an endpoint address: it is empty");
    insta::assert_snapshot!(refused("[local]\nurl = \"http://a\"\nca = \"none\"", &[home]), @"cannot read DIR/none, which is `ca` of [local]: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused("listen = \"0.0.0.0:80\"", &[home]), @"0.0.0.0:80, from the key `listen` of the settings file, is not a loopback address, and plain HTTP would carry passwords in clear; give TLS files with --tls-certificate and --tls-key, put a TLS proxy before a loopback address, or say --allow-plain-http");
    insta::assert_snapshot!(refused("tls_key = \"k\"", &[home]), @"TLS was asked for by the key `tls_key` of the settings file, but half of it is missing: give --tls-certificate too");
    insta::assert_snapshot!(refused("", &[home, ("PORTOLAN_TLS_CERTIFICATE", "c")]), @"TLS was asked for by the variable PORTOLAN_TLS_CERTIFICATE, but half of it is missing: give --tls-key too");
    insta::assert_snapshot!(refused("tls_client_ca = \"c\"", &[home]), @"TLS was asked for by the key `tls_client_ca` of the settings file, but half of it is missing: give --tls-certificate too");
    insta::assert_snapshot!(refused("tls_certificate = \"c\"\ntls_key = \"k\"\ntls_client_users = true", &[home]), @"client certificates are asked for, but nothing says who signs them: give TLS files and --tls-client-ca too");
    insta::assert_snapshot!(refused("tls_client_users = true", &[home]), @"client certificates are asked for, but nothing says who signs them: give TLS files and --tls-client-ca too");
    insta::assert_snapshot!(refused("trusted_proxies = [\"::1\", \"10.0.0.0/40\"]", &[home]), @"`10.0.0.0/40`, from the key `trusted_proxies` of the settings file, cannot be used: an address, or a range such as 10.0.0.0/8, is wanted");
    insta::assert_snapshot!(refused("[proxy_auth]\nheader = \"X-Remote-User\"", &[home]), @"[proxy_auth] in the settings file: name the proxy's address in trusted_proxies; nobody else is believed");
    let proxied = "trusted_proxies = [\"::1\"]\n[proxy_auth]\nheader = ";
    let proxied = |rest: &str| refused(&format!("{proxied}{rest}"), &[home]);
    insta::assert_snapshot!(proxied("\"a b\""), @"[proxy_auth] in the settings file: `a b` is no name of a header");
    insta::assert_snapshot!(proxied("\"u\"\ndefault_role = \"king\""), @"[proxy_auth] in the settings file: `king` is no role: viewer, operator or admin is wanted");
    insta::assert_snapshot!(proxied("\"u\"\nroles = {ops = \"operator\"}"), @"[proxy_auth] in the settings file: roles need a role_header, in which the proxy names groups");
    insta::assert_snapshot!(refused("max_connections = 0", &[home]), @"`0`, from the key `max_connections` of the settings file, cannot be used: 1 is the least");
    insta::assert_snapshot!(refused("", &[]), @"there is no data directory: none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set; name one with --data-dir");
}

#[test]
fn plain_http_beyond_loopback_has_to_be_wanted() {
    let directory = tempfile::tempdir().unwrap();
    const HOME: (&str, &str) = ("HOME", "/home/me");
    let tls = "tls_certificate = \"c\"\ntls_key = \"k\"";
    let wanted = ("PORTOLAN_ALLOW_PLAIN_HTTP", "true");
    let flag = || Flags { allow_plain_http: true, ..Flags::default() };
    let none = Flags::default;
    let cases: [(&str, &str, Variables<'_>, Flags, bool); 10] = [
        ("127.0.0.1:1", "", &[HOME], none(), true),
        ("[::1]:1", "", &[HOME], none(), true),
        ("[::ffff:127.0.0.1]:1", "", &[HOME], none(), true),
        ("10.0.0.1:1", "", &[HOME], none(), false),
        ("[::]:1", "", &[HOME], none(), false),
        ("10.0.0.1:1", "allow_plain_http = false", &[HOME], none(), false),
        ("10.0.0.1:1", "allow_plain_http = true", &[HOME], none(), true),
        ("10.0.0.1:1", "", &[HOME, wanted], none(), true),
        ("10.0.0.1:1", "", &[HOME], flag(), true),
        ("10.0.0.1:1", tls, &[HOME], none(), true),
    ];
    for (listen, more, variables, flags, ok) in cases {
        let toml = format!("listen = \"{listen}\"\n{more}");
        let loaded = load(directory.path(), &toml, variables, flags);
        assert_eq!(loaded.is_ok(), ok, "{toml}");
    }
}

#[test]
fn tls_and_trusted_proxies() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let toml = "tls_certificate = \"c\"\ntls_key = \"k\"\ntls_client_ca = \"ca\"\n\
                tls_client_users = true\nmax_connections_per_address = 9\n\
                trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n\
                [proxy_auth]\nheader = \"X-Remote-User\"\nrole_header = \"X-Groups\"\n\
                default_role = \"none\"\n[proxy_auth.roles]\nops = \"operator\"";
    let home = ("HOME", "/home/me");
    let optional = ("PORTOLAN_TLS_CLIENT_CERTIFICATES", "optional");
    let expected = Tls {
        certificate: at("c"),
        key: at("k"),
        client_ca: Some(at("ca")),
        clients: ClientCertificates::Required,
        users: true,
    };
    let config = load(directory.path(), toml, &[home], Flags::default()).unwrap();
    assert_eq!(config.tls, Some(expected.clone()));
    assert_eq!(config.connections, (None, Some(9)));
    let ranges: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["10.0.0.0/8", "::1/128"]);
    let auth = config.proxy_auth.unwrap();
    assert_eq!((auth.header.as_str(), auth.default_role), ("x-remote-user", None));
    assert_eq!(auth.roles["ops"], portolan_core::account::Role::Operator);
    let variables = [home, optional, ("PORTOLAN_TRUSTED_PROXIES", "192.0.2.1, 192.0.2.2")];
    let config = load(directory.path(), toml, &variables, Flags::default()).unwrap();
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(config.tls, Some(Tls { clients: ClientCertificates::Optional, ..expected }));
}

#[test]
fn the_sealing_key_comes_from_the_environment_a_credential_or_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().to_str().unwrap();
    let key = |variables: Variables<'_>, toml: &str| match load(
        directory.path(),
        toml,
        variables,
        Flags::default(),
    )
    .unwrap()
    .sealing_key
    {
        SealingKey::File(path) => path.display().to_string(),
        SealingKey::Given(secret) => format!("given {}", secret.expose()),
    };
    let data = ("PORTOLAN_DATA_DIR", "/data");
    let credentials = ("CREDENTIALS_DIRECTORY", base);
    assert_eq!(key(&[data, credentials], ""), "/data/sealing-key");
    assert_eq!(key(&[data], "sealing_key_file = \"k\""), format!("{base}/k"));
    fs::write(directory.path().join("sealing-key"), "c\n").unwrap();
    assert_eq!(key(&[data, credentials], "sealing_key_file = \"k\""), "given c");
    assert_eq!(key(&[data, credentials, ("PORTOLAN_SEALING_KEY", "e")], ""), "given e");
}

#[test]
fn the_local_registry_reads_the_files_it_names() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("secret"), "s3cret\n").unwrap();
    let toml = "data_dir = \"data\"\nexternal_url = \"https://p.example\"\nworkers = 3\n\
                health_check_minutes = 0\nno_proxy = [\"a\"]\n[limits]\nrequests = 7\n\
                [local]\nurl = \"https://r.example/\"\naccess_id = \"me\"\n\
                access_secret_file = \"secret\"";
    let config = load(directory.path(), toml, &[("PORTOLAN_LOG", "debug")], Flags::default());
    let config = config.unwrap();
    let local = config.local.unwrap();
    assert_eq!(local.spec.url.as_str(), "https://r.example");
    assert_eq!(local.spec.provider, "docker-registry");
    assert_eq!(local.credentials.access_secret.unwrap().expose(), "s3cret");
    assert_eq!(config.paths.data_dir.value, directory.path().join("data"));
    assert_eq!((config.workers.value, config.limits.requests), (3, Some(7)));
    assert_eq!(config.health_check_minutes.value, 0);
    assert_eq!(config.no_proxy, ["a"]);
    assert_eq!(config.external_url.value.unwrap(), "https://p.example");
    assert_eq!(config.log_filter.value, "debug");
}

#[test]
fn the_cache_is_beside_other_caches() {
    let lookup = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
    assert_eq!(cache_dir(lookup).unwrap(), Path::new("/home/me/.cache/portolan"));
    assert_eq!(cache_dir(|_| None), None);
}
