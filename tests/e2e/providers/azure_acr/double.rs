//! A double of Azure Container Registry, by Microsoft's documents and Python client: its tokens,
//! its scopes and its tag listing stand before a plain registry in memory; blobs are redirected to
//! a storage account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::*};
use e2e::cloud::{Answer, Cloud, Seen, answer, header, query, with};
use percent_encoding::percent_decode_str;
use portolan_testregistry::Registry;
use serde_json::{Value, json};
use url::form_urlencoded;

pub const HOST: &str = "contoso.azurecr.io";
const STORAGE: &str = "contoso42.blob.core.windows.net";

/// A service principal of the whole registry, and a token of the repositories below `team/`.
pub const PRINCIPAL: (&str, &str) = ("6c1b9c9a-app", "s3cret-of-the-principal");
pub const SCOPED: (&str, &str) = ("reader", "s3cret-of-the-token");
/// What `az acr login --expose-token` hands out, and the user name for it.
pub const REFRESH: (&str, &str) =
    ("00000000-0000-0000-0000-000000000000", "e30.eyJleHAiOjQxMDI0NDQ4MDB9.refresh");

/// Rows of a page.
const PAGE: usize = 2;
/// The largest body of one request, about.
const LARGEST: usize = 20_000_000;

/// The registry behind the double.
pub struct Acr {
    inner: Registry,
    /// Scopes of each token given out.
    tokens: Mutex<HashMap<String, Vec<String>>>,
}

impl Acr {
    /// Plays the registry and its storage account in a cloud.
    pub async fn play(cloud: &Cloud) -> Arc<Self> {
        let inner = Registry::builder().page_cap(PAGE).start().await.unwrap();
        inner.set_public_url(&format!("https://{HOST}"));
        let to = inner.address();
        let acr = Arc::new(Self { inner, tokens: Mutex::default() });
        let played = Arc::clone(&acr);
        cloud.front(HOST, to, move |seen| played.answer(seen));
        // An account refuses a request that is authorised twice: by its own query, and by us.
        cloud.front(STORAGE, to, |seen| {
            let twice =
                !header(seen, "authorization").is_empty() || !query(seen).contains_key("sig");
            twice.then(|| with(400, &[], "InvalidAuthenticationInfo"))
        });
        acr
    }

    pub fn inner(&self) -> &Registry {
        &self.inner
    }

    /// Makes every token given out so far worthless.
    pub fn expire_tokens(&self) {
        self.tokens.lock().unwrap().clear();
    }

    fn answer(&self, seen: &Seen) -> Option<Answer> {
        let path = &*decoded(seen);
        match (seen.method().as_str(), path) {
            ("GET", "/oauth2/token") => return Some(self.by_basic(seen)),
            ("POST", "/oauth2/token") => return Some(self.by_refresh_token(seen)),
            ("POST", "/oauth2/exchange") => return Some(exchange(seen)),
            _ => {}
        }
        let needed = needed(seen);
        if !self.allows(seen, &needed) {
            return Some(challenge(&needed));
        }
        if seen.body().len() > LARGEST {
            let page = "413 Request Entity Too Large - AzureContainerRegistry";
            return Some(with(413, &[("content-type", "text/html")], page));
        }
        if path == "/acr/v1/_catalog" {
            let mut names: Vec<String> = self.inner.tags().into_iter().map(|it| it.0).collect();
            names.dedup();
            let (names, link) = page(seen, &names);
            return Some(listed(&json!({"repositories": names}), link));
        }
        if let Some(repository) = between(path, "/acr/v1/", "/_tags") {
            return Some(self.tags(seen, repository));
        }
        if seen.method() == "GET" && path.contains("/blobs/sha256:") {
            let to = format!("https://{STORAGE}{path}?sig=abc%2Bdef");
            return Some(with(307, &[("location", &to)], ""));
        }
        None
    }

    fn by_basic(&self, seen: &Seen) -> Answer {
        let basic = |(user, secret): (&str, &str)| {
            format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{secret}")))
        };
        let who = header(seen, "authorization");
        let scopes: Vec<String> =
            form_urlencoded::parse(seen.uri().query().unwrap_or("").as_bytes())
                .filter(|(name, _)| name == "scope")
                .flat_map(|(_, value)| value.split(' ').map(str::to_owned).collect::<Vec<_>>())
                .collect();
        if query(seen).get("service").map(String::as_str) != Some(HOST) {
            return refused(400, "BAD_REQUEST", "the service is another one");
        }
        if who == basic(PRINCIPAL) {
            self.issue(scopes)
        } else if who == basic(SCOPED) {
            let may =
                |scope: &String| scope.starts_with("repository:team/") && !scope.contains("push");
            self.issue(scopes.into_iter().filter(may).collect())
        } else {
            refused(
                401,
                "UNAUTHORIZED",
                "authentication required, visit https://aka.ms/acr/authorization for more information.",
            )
        }
    }

    fn by_refresh_token(&self, seen: &Seen) -> Answer {
        let form = form(seen);
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let known = (field("grant_type"), field("service"), field("refresh_token"));
        if known != ("refresh_token", HOST, REFRESH.1) {
            return refused(401, "UNAUTHORIZED", "authentication required");
        }
        self.issue(field("scope").split(' ').map(str::to_owned).collect())
    }

    /// `access_token` alone, as documented: neither `token` nor `expires_in`.
    fn issue(&self, scopes: Vec<String>) -> Answer {
        let mut tokens = self.tokens.lock().unwrap();
        let claims = json!({"nbf": 1_563_788_000, "exp": 1_563_792_500, "jti": tokens.len(),
            "access": scopes});
        let token = format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        tokens.insert(token.clone(), scopes);
        answer(200, &json!({"access_token": token}))
    }

    fn allows(&self, seen: &Seen, needed: &[(String, &str)]) -> bool {
        let token = header(seen, "authorization").strip_prefix("Bearer ").unwrap_or_default();
        let tokens = self.tokens.lock().unwrap();
        let Some(scopes) = tokens.get(token) else { return false };
        needed.iter().all(|(resource, action)| {
            scopes.iter().filter_map(|scope| scope.rsplit_once(':')).any(|(has, actions)| {
                has == resource && actions.split(',').any(|it| it == *action || it == "*")
            })
        })
    }

    fn tags(&self, seen: &Seen, repository: &str) -> Answer {
        let here = |(name, tag): (String, String)| (name == repository).then_some(tag);
        let all: Vec<String> = self.inner.tags().into_iter().filter_map(here).collect();
        if all.is_empty() {
            return refused(404, "NAME_UNKNOWN", "repository name not known to registry");
        }
        let (page, link) = page(seen, &all);
        let lock = json!({"deleteEnabled": true, "writeEnabled": true, "readEnabled": true,
            "listEnabled": true});
        let row = |tag: &&String| {
            json!({"name": tag, "signed": false, "changeableAttributes": lock,
                "digest": self.inner.tag(repository, tag).unwrap().as_str(),
                "createdTime": "2026-01-02T03:04:05.6789012Z",
                "lastUpdateTime": "2026-01-02T03:04:05.6789012Z"})
        };
        let rows: Vec<Value> = page.iter().map(row).collect();
        listed(&json!({"registry": HOST, "imageName": repository, "tags": rows}), link)
    }
}

/// The names of one page, and the link to the next.
fn page<'a>(seen: &Seen, names: &'a [String]) -> (Vec<&'a String>, Option<String>) {
    let asked = query(seen);
    let last = asked.get("last").map_or("", String::as_str);
    let size = asked.get("n").map_or(PAGE, |n| n.parse::<usize>().unwrap().min(PAGE));
    let mut rest = names.iter().filter(|name| name.as_str() > last);
    let page: Vec<&String> = rest.by_ref().take(size).collect();
    let path = seen.uri().path();
    let link = rest.next().and(page.last()).map(|last| {
        let last = last.replace('/', "%2F");
        format!("<{path}?last={last}&n={size}&orderby=>; rel=\"next\"")
    });
    (page, link)
}

fn listed(body: &Value, link: Option<String>) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(link.as_deref().map(|link| ("link", link)));
    with(200, &headers, body.to_string())
}

/// The token of another directory becomes a refresh token of this registry.
fn exchange(seen: &Seen) -> Answer {
    let form = form(seen);
    let known = form.get("access_token").map(String::as_str) == Some("entra-token");
    if form.get("service").map(String::as_str) != Some(HOST) || !known {
        return refused(401, "UNAUTHORIZED", "authentication required");
    }
    answer(200, &json!({"refresh_token": REFRESH.1}))
}

/// Resource and action that a request needs.
fn needed(seen: &Seen) -> Vec<(String, &'static str)> {
    let path = decoded(seen);
    let rest = path.strip_prefix("/v2/").or_else(|| path.strip_prefix("/acr/v1/"));
    let rest = rest.unwrap_or_default();
    match rest {
        "" => return Vec::new(),
        "_catalog" => return vec![("registry:catalog".to_owned(), "*")],
        _ => {}
    }
    let ends = ["/tags/list", "/_tags", "/manifests/", "/blobs/"];
    let end = ends.iter().filter_map(|end| rest.rfind(end)).max().unwrap_or(rest.len());
    let resource = format!("repository:{}", &rest[..end]);
    let action = match seen.method().as_str() {
        "DELETE" => "delete",
        "POST" | "PUT" | "PATCH" => "push",
        _ if rest[end..].starts_with("/_tags") || rest.ends_with("/tags/list") => "metadata_read",
        _ => "pull",
    };
    let mut needed = vec![(resource, action)];
    needed.extend(query(seen).get("from").map(|from| (format!("repository:{from}"), "pull")));
    needed
}

fn challenge(needed: &[(String, &str)]) -> Answer {
    let scopes: Vec<String> =
        needed.iter().map(|(what, action)| format!("{what}:{action}")).collect();
    let mut text = format!("Bearer realm=\"https://{HOST}/oauth2/token\",service=\"{HOST}\"");
    if !scopes.is_empty() {
        text.push_str(&format!(",scope=\"{}\"", scopes.join(" ")));
    }
    let body = json!({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required, \
        visit https://aka.ms/acr/authorization for more information."}]});
    let headers = [
        ("content-type", "application/json"),
        ("www-authenticate", &text),
        ("server", "AzureContainerRegistry"),
    ];
    with(401, &headers, body.to_string())
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    answer(status, &json!({"errors": [{"code": code, "message": message, "detail": null}]}))
}

/// The path: Microsoft's client escapes the slashes of a name, its command line does not.
fn decoded(seen: &Seen) -> String {
    percent_decode_str(seen.uri().path()).decode_utf8_lossy().into_owned()
}

fn form(seen: &Seen) -> HashMap<String, String> {
    form_urlencoded::parse(seen.body()).into_owned().collect()
}

fn between<'a>(path: &'a str, before: &str, after: &str) -> Option<&'a str> {
    path.strip_prefix(before)?.strip_suffix(after)
}
