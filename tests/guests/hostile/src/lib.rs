//! A guest that misbehaves as its endpoint's settings say: `{"act": …, "in": …, "url": …}`. `in`
//! is the function to misbehave in, `check-health` without it. Without an `act` it is dull.

use std::hint::black_box;

use contract::{
    adapter::*,
    http::{self, Auth, Header, HeaderValue},
    log,
    types::{Endpoint, Error, KeyValue, PageRequest},
};

struct Hostile;

impl Guest for Hostile {
    fn describe() -> AdapterInfo {
        let text = |key: &str| format!("\"{key}\":{{\"type\":\"string\"}}");
        let properties = ["act", "in", "url"].map(text).join(",");
        AdapterInfo {
            settings_schema: format!("{{\"type\":\"object\",\"properties\":{{{properties}}}}}"),
            endpoints: Some(EndpointPattern::Standard),
            credentials: Some(CredentialPattern {
                access_key: AccessKeyPattern::Standard,
                access_secret: AccessSecretPattern::Password,
            }),
            ..contract::info("hostile")
        }
    }

    fn check_health(endpoint: Endpoint) -> Result<Health, Error> {
        let details = act("check-health", &endpoint)?;
        Ok(Health { details, ..contract::healthy() })
    }

    fn list_repositories(
        endpoint: Endpoint,
        _: RepositoryFilter,
        _: PageRequest,
    ) -> Result<RepositoryPage, Error> {
        act("list-repositories", &endpoint)?;
        let count = if setting(&endpoint, "act") == "huge-page" { 20_000 } else { 1 };
        let items = (0..count).map(|n| repository(format!("hostile/repository-{n:0>100}")));
        let endless = setting(&endpoint, "act") == "endless-pages";
        let next = endless.then(|| "again".to_owned());
        Ok(RepositoryPage { items: items.collect(), next, total: None })
    }

    fn list_artifacts(
        endpoint: Endpoint,
        _: String,
        _: ArtifactFilter,
        _: PageRequest,
    ) -> Result<ArtifactPage, Error> {
        act("list-artifacts", &endpoint)?;
        Ok(ArtifactPage { items: Vec::new(), next: None, total: None })
    }

    fn locate(endpoint: Endpoint, repository: String) -> Result<Target, Error> {
        act("locate", &endpoint)?;
        let base = match setting(&endpoint, "act") {
            "locate-elsewhere" => setting(&endpoint, "url"),
            _ => &endpoint.url,
        };
        Ok(contract::target(base, &repository))
    }

    fn authorize(endpoint: Endpoint, _: Vec<Scope>, _: Option<Challenge>) -> Result<Grant, Error> {
        act("authorize", &endpoint)?;
        Ok(contract::basic())
    }
}

/// The text of a setting; the settings are flat and hold no escapes.
fn setting<'a>(endpoint: &'a Endpoint, key: &str) -> &'a str {
    let mut parts = endpoint.settings.split('"').skip_while(|part| *part != key);
    parts.nth(2).unwrap_or_default()
}

fn repository(name: String) -> Repository {
    Repository {
        name,
        description: None,
        created: None,
        updated: None,
        artifact_count: None,
        private: None,
        extra: Vec::new(),
    }
}

/// Misbehaves, if it is `function`'s turn.
fn act(function: &str, endpoint: &Endpoint) -> Result<Vec<KeyValue>, Error> {
    let turn = match setting(endpoint, "in") {
        "" => "check-health",
        named => named,
    };
    if turn != function {
        return Ok(Vec::new());
    }
    let url = setting(endpoint, "url");
    match setting(endpoint, "act") {
        "spin" => spin(),
        "hoard" => hoard(),
        "trap" => panic!("on purpose"),
        "overflow" => drop(black_box(overflow(0))),
        // Another host, with and without the credentials that are the endpoint's alone.
        "forbidden-host" => return told(send(url, Auth::Anonymous)?),
        "leak" => return told(send(url, Auth::Basic)?),
        // Where the server answers with what it was sent, the guest hands the secret on.
        "secret-echo" => return told(send("/v2/", Auth::Basic)?),
        "big-answer" => return told(send("/v2/_catalog", Auth::Anonymous)?),
        "bad-header" => return told(with_header("Host", "elsewhere")?),
        "split-header" => return told(with_header("X-A", "b\r\nHost: elsewhere")?),
        "unsupported" => return Err(Error::Unsupported("nobody wants to know".to_owned())),
        // Whatever is answered, it goes on with what it would have said anyway.
        "deaf" => drop(send("/v2/_catalog", Auth::Anonymous)),
        "many-requests" => many_requests(),
        "many-logs" => many_logs(),
        _ => {}
    }
    Ok(Vec::new())
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

fn hoard() -> ! {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[allow(unconditional_recursion, reason = "that is the point")]
fn overflow(depth: u64) -> u64 {
    black_box(overflow(black_box(depth + 1)) + depth)
}

/// Takes no refusal for an answer.
fn many_requests() {
    for _ in 0..100_000 {
        black_box(http::send(&contract::get("/v2/", Auth::Anonymous)).is_ok());
    }
}

fn many_logs() {
    let long = "x".repeat(64 * 1024);
    for _ in 0..100_000 {
        log::write(log::Level::Error, &long, &[]);
    }
}

fn send(url: &str, auth: Auth) -> Result<http::Response, Error> {
    http::send(&contract::get(url, auth)).map_err(contract::transport)
}

fn with_header(name: &str, value: &str) -> Result<http::Response, Error> {
    let header = Header { name: name.to_owned(), value: HeaderValue::Plain(value.into()) };
    let request = http::Request { headers: vec![header], ..contract::get("/v2/", Auth::Anonymous) };
    http::send(&request).map_err(contract::transport)
}

/// What the guest saw, so that a test can say what it must not have seen.
fn told(response: http::Response) -> Result<Vec<KeyValue>, Error> {
    let body = String::from_utf8_lossy(&response.body).into_owned();
    Ok(vec![
        KeyValue { key: "status".to_owned(), value: response.status.to_string() },
        KeyValue { key: "body".to_owned(), value: body },
    ])
}

contract::export!(Hostile with_types_in contract);
