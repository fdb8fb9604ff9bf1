//! What the double holds besides images: accounts, projects, labels, tokens, requests.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::{HeaderMap, header::AUTHORIZATION};
use portolan_testregistry::Registry;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everything.
    Administrator,
    /// Pull and push in its projects.
    User,
    /// The same, refused with this status at `/users/current`.
    Scoped(u16),
    /// The same, of one project: 412 at `/users/current`.
    Robot,
}

/// Who may log in.
#[derive(Clone, Debug)]
pub struct Account {
    pub(super) name: String,
    password: String,
    pub(super) kind: Kind,
    projects: Vec<String>,
}

impl Account {
    /// An account that may pull from and push to `projects`.
    pub fn new(name: &str, password: &str, kind: Kind, projects: &[&str]) -> Self {
        let projects = projects.iter().map(|&project| project.to_owned()).collect();
        Self { name: name.to_owned(), password: password.to_owned(), kind, projects }
    }

    pub(super) fn may_use(&self, project: &str) -> bool {
        self.kind == Kind::Administrator || self.projects.iter().any(|name| name == project)
    }
}

/// What makes it a Harbor 1.x.
pub(super) struct First {
    pub(super) version: String,
    pub(super) with_admiral: bool,
}

impl First {
    /// The `2` of 1.2.
    pub(super) fn minor(&self) -> u32 {
        let minor = self.version.split('.').nth(1).and_then(|minor| minor.parse().ok());
        minor.expect("a version like v1.2.0")
    }
}

#[derive(Clone)]
pub(super) struct Project {
    pub(super) name: String,
    pub(super) public: bool,
    /// The registry it caches.
    pub(super) upstream: Option<u64>,
}

impl Project {
    pub(super) fn new(name: &str, public: bool) -> Self {
        Self { name: name.to_owned(), public, upstream: None }
    }
}

/// `type:name:actions`, all of it allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) actions: Vec<String>,
}

/// What it says of a delete that it did not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Tags are said to be deleted, and are not.
    KeepsTags,
    /// Artifacts are said to be deleted, and are not.
    KeepsArtifacts,
    /// After a delete nothing can be listed.
    ListsNothing,
}

#[derive(Default)]
pub(super) struct Content {
    pub(super) lie: Option<Lie>,
    /// Whether something was to be deleted.
    pub(super) deleted: bool,
    pub(super) accounts: Vec<Account>,
    /// The id of a project is its position and one.
    pub(super) projects: Vec<Project>,
    pub(super) labels: Vec<String>,
    /// By repository and digest.
    pub(super) labelled: BTreeMap<(String, String), Vec<String>>,
    /// What is attached to an artifact, by repository and its digest: kind and digest of each.
    pub(super) attached: BTreeMap<(String, String), Vec<(String, String)>>,
    pub(super) tokens: Vec<(String, Vec<Scope>)>,
    pub(super) requests: Vec<String>,
}

impl Content {
    /// False where there is one of that name.
    pub(super) fn add_project(&mut self, project: Project) -> bool {
        let is_new = self.project(&project.name).is_none();
        if is_new {
            self.projects.push(project);
        }
        is_new
    }

    pub(super) fn project(&self, name: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.name == name)
    }
}

pub(super) struct State {
    address: SocketAddr,
    pub(super) registry: Registry,
    pub(super) first: Option<First>,
    content: Mutex<Content>,
}

impl State {
    pub(super) fn new(address: SocketAddr, registry: Registry, first: Option<First>) -> Self {
        Self { address, registry, first, content: Mutex::default() }
    }

    /// What its token service calls itself; the first versions had another name for it.
    pub(super) fn service(&self) -> &'static str {
        match &self.first {
            Some(first) if first.minor() < 8 => "token-service",
            _ => "harbor-registry",
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Err` for credentials that are wrong, `Ok(None)` for none.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Option<Account>, ()> {
        let Some(sent) = headers.get(AUTHORIZATION) else { return Ok(None) };
        let sent = sent.to_str().map_err(drop)?;
        let is = |account: &&Account| {
            let pair = format!("{}:{}", account.name, account.password);
            sent == format!("Basic {}", BASE64_STANDARD.encode(pair))
        };
        self.content().accounts.iter().find(is).cloned().map(Some).ok_or(())
    }
}
