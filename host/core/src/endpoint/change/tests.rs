//! Contract 2.4, rule by rule.

use super::*;

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text.to_owned()))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn spec() -> EndpointSpec {
    EndpointSpec {
        name: "hub".to_owned(),
        description: "d".to_owned(),
        provider: "docker-registry".to_owned(),
        url: "https://registry.test".parse().unwrap(),
        access_key: text("robot"),
        credential_type: "oauth".to_owned(),
        insecure: false,
        ca_certificate: text("CA"),
        settings: serde_json::Map::new(),
        allowed_hosts: Vec::new(),
        proxy: text("http://proxy:3128"),
        client_certificate: text("CERT"),
        credential_source: None,
        budget: Budget::default(),
    }
}

fn credentials() -> Credentials {
    Credentials {
        access_secret: secret("s3cret"),
        client_key: secret("KEY"),
        proxy_credentials: secret("p:w"),
        webhook_secret: secret("hook"),
        session_token: None,
    }
}

/// Access secret, client key, proxy credentials.
fn exposed(credentials: &Credentials) -> [Option<&str>; 3] {
    let Credentials { access_secret, client_key, proxy_credentials, .. } = credentials;
    [access_secret, client_key, proxy_credentials].map(|secret| secret.as_ref().map(Secret::expose))
}

const ALL: [Option<&str>; 3] = [Some("s3cret"), Some("KEY"), Some("p:w")];

#[test]
fn contract_2_4_what_is_absent_is_kept() {
    let (after, secrets) = EndpointChange::default().apply(spec(), credentials());
    assert_eq!(after, spec());
    assert_eq!(exposed(&secrets), ALL);
}

#[test]
fn contract_2_4_every_property_can_be_changed() {
    let change = EndpointChange {
        name: text("n"),
        description: text(""),
        provider: text("harbor"),
        url: "https://other.test".parse().ok(),
        credential_type: text("basic"),
        access_key: text("k"),
        access_secret: secret("*****"),
        insecure: Some(true),
        ca_certificate: text(" A\r\nB\n"),
        settings: Some(serde_json::from_str(r#"{"a":1}"#).unwrap()),
        allowed_hosts: Some(vec![AllowedHost { pattern: "https://x".to_owned(), uses: vec![] }]),
        proxy: text("http://u%40x:p%3A@other:1/"),
        client_certificate: text("C"),
        client_key: secret("K"),
        webhook_secret: None,
        credential_source: Some(CredentialSource::Static {}),
        budget: Some(Budget { bytes_per_second: 9, requests_per_minute: 60 }),
    };
    let (after, secrets) = change.apply(spec(), credentials());
    let expected = EndpointSpec {
        name: "n".to_owned(),
        description: String::new(),
        provider: "harbor".to_owned(),
        url: "https://other.test".parse().unwrap(),
        access_key: text("k"),
        credential_type: "basic".to_owned(),
        insecure: true,
        ca_certificate: text("A\nB"),
        settings: serde_json::from_str(r#"{"a":1}"#).unwrap(),
        allowed_hosts: vec![AllowedHost { pattern: "https://x".to_owned(), uses: vec![] }],
        proxy: text("http://other:1/"),
        client_certificate: text("C"),
        credential_source: None,
        budget: Budget { bytes_per_second: 9, requests_per_minute: 60 },
    };
    assert_eq!(after, expected);
    assert_eq!(exposed(&secrets), [Some("*****"), Some("K"), Some("u@x:p:")]);
}

/// A source takes the place of a stored secret, a new secret that of a source, and neither follows
/// the endpoint to another address.
#[test]
fn a_secret_is_stored_or_has_a_source() {
    let file: CredentialSource = "file:/run/secret".parse().unwrap();
    let to = |source: &CredentialSource| EndpointChange {
        credential_source: Some(source.clone()),
        ..EndpointChange::default()
    };
    let (sourced, secrets) = to(&file).apply(spec(), credentials());
    assert_eq!(sourced.credential_source.as_ref(), Some(&file));
    assert_eq!(exposed(&secrets), [None, Some("KEY"), Some("p:w")]);
    let url =
        EndpointChange { url: "https://other.test".parse().ok(), ..EndpointChange::default() };
    let new = EndpointChange { access_secret: secret("new"), ..EndpointChange::default() };
    let blank = EndpointChange { access_secret: secret(""), ..EndpointChange::default() };
    let both = EndpointChange { credential_source: Some(file.clone()), ..url.clone() };
    for (change, source, secret) in [
        (EndpointChange::default(), Some(&file), None),
        (blank, Some(&file), None),
        (to(&CredentialSource::Static {}), None, None),
        (new, None, Some("new")),
        (url, None, None),
        (both, Some(&file), None),
    ] {
        let (after, secrets) = change.apply(sourced.clone(), credentials());
        assert_eq!(after.credential_source.as_ref(), source);
        if source.is_some() || secret.is_some() {
            assert_eq!(exposed(&secrets)[0], secret);
        }
    }
}

#[test]
fn contract_2_4_an_empty_access_key_removes_type_key_and_secret() {
    let change = EndpointChange { access_key: text(""), ..EndpointChange::default() };
    let (after, secrets) = change.apply(spec(), credentials());
    assert_eq!((after.access_key, after.credential_type.as_str()), (None, "basic"));
    assert_eq!(exposed(&secrets), [None, Some("KEY"), Some("p:w")]);
    let change = EndpointChange {
        access_key: text(""),
        access_secret: secret("new"),
        ..EndpointChange::default()
    };
    assert_eq!(exposed(&change.apply(spec(), credentials()).1)[0], None);
}

#[test]
fn contract_2_4_a_new_address_without_a_secret_wipes_the_stored_one() {
    let to = |url: &str, access_secret| EndpointChange {
        url: url.parse().ok(),
        access_secret,
        ..EndpointChange::default()
    };
    let left = |change: EndpointChange| {
        exposed(&change.apply(spec(), credentials()).1)[0].map(str::to_owned)
    };
    for same in ["https://registry.test/", " https://u:p@registry.test//?q=1"] {
        assert_eq!(left(to(same, None)), text("s3cret"), "{same}");
    }
    for other in ["http://registry.test", "https://registry.test:444", "https://registry.test/x"] {
        assert_eq!(left(to(other, None)), None, "{other}");
    }
    assert_eq!(left(to("https://evil.test", secret("mine"))), text("mine"));
    let (after, secrets) = to("https://evil.test", None).apply(spec(), credentials());
    assert_eq!(after.access_key, text("robot"));
    assert_eq!(exposed(&secrets), [None, Some("KEY"), Some("p:w")]);
}

#[test]
fn empty_texts_remove() {
    let change = EndpointChange {
        access_secret: secret(""),
        ca_certificate: text("  \n"),
        proxy: text(""),
        client_certificate: text(""),
        ..EndpointChange::default()
    };
    let (after, secrets) = change.apply(spec(), credentials());
    assert_eq!((after.ca_certificate, after.proxy, after.client_certificate), (None, None, None));
    assert_eq!(exposed(&secrets), [None, None, None]);
    assert_eq!(after.access_key, text("robot"));
}

#[test]
fn proxy_credentials_stay_with_their_proxy() {
    let cases = [
        ("http://proxy:3128", "http://proxy:3128", Some("p:w")),
        ("http://other:3128", "http://other:3128", None),
        ("http://n:q@proxy:3128", "http://proxy:3128", Some("n:q")),
        ("n:q@proxy:3128", "proxy:3128", Some("n:q")),
        ("http://a@b:c@proxy:3128/x@y", "http://proxy:3128/x@y", Some("a@b:c")),
        ("http://n:50%@proxy", "http://proxy", Some("n:50%")),
        ("http://@proxy:3128", "http://proxy:3128", Some("p:w")),
    ];
    for (proxy, address, expected) in cases {
        let change = EndpointChange { proxy: text(proxy), ..EndpointChange::default() };
        let (after, secrets) = change.apply(spec(), credentials());
        assert_eq!(after.proxy.as_deref(), Some(address), "{proxy}");
        assert_eq!(exposed(&secrets)[2], expected, "{proxy}");
    }
}

#[test]
fn contract_2_4_a_new_endpoint_keeps_no_secret_without_its_key() {
    let new = EndpointSpec {
        access_key: text(""),
        credential_type: String::new(),
        client_certificate: None,
        credential_source: None,
        proxy: text("http://u:p@proxy"),
        ..spec()
    };
    let given = Credentials { proxy_credentials: None, ..credentials() };
    let (after, secrets) = new.settled(given);
    assert_eq!((after.access_key, after.credential_type.as_str()), (None, "basic"));
    assert_eq!(after.proxy.as_deref(), Some("http://proxy"));
    assert_eq!(exposed(&secrets), [None, None, Some("u:p")]);
    let (kept, secrets) = spec().settled(credentials());
    assert_eq!(kept, spec());
    assert_eq!(exposed(&secrets), ALL);
}

#[test]
fn a_webhook_secret_is_kept_set_and_removed_and_outlives_the_address() {
    let cases = [
        (EndpointChange::default(), Some("hook")),
        (
            EndpointChange { webhook_secret: secret("new"), ..EndpointChange::default() },
            Some("new"),
        ),
        (EndpointChange { webhook_secret: secret(""), ..EndpointChange::default() }, None),
        (
            EndpointChange {
                url: Some("https://elsewhere.test".parse().unwrap()),
                ..EndpointChange::default()
            },
            Some("hook"),
        ),
    ];
    for (change, expected) in cases {
        let (_, secrets) = change.apply(spec(), credentials());
        assert_eq!(secrets.webhook_secret.as_ref().map(Secret::expose), expected);
    }
}
