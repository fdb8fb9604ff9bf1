//! What a registry can be told before it starts.

use std::{io, time::Duration};

use crate::{
    access::{Access, Account, Bearer},
    generated::Generated,
    registry::Registry,
};

/// How a registry behaves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) max_blob: u64,
    pub(crate) page: usize,
    pub(crate) referrers: bool,
    pub(crate) catalog: bool,
    pub(crate) delete: bool,
    pub(crate) tag_delete: bool,
    pub(crate) sparse: bool,
    pub(crate) generated: Option<Generated>,
    pub(crate) swallows: bool,
    pub(crate) realm: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "testregistry".to_owned(),
            port: 0,
            max_blob: 1 << 30,
            page: 1000,
            referrers: true,
            catalog: true,
            delete: true,
            tag_delete: true,
            sparse: false,
            generated: None,
            swallows: false,
            realm: None,
        }
    }
}

/// A registry to be.
#[derive(Debug, Default)]
pub struct Builder {
    settings: Settings,
    account: Option<Account>,
    bearer: Option<(Duration, bool)>,
    token_post: bool,
}

impl Builder {
    /// The name it gives itself in challenges. Default: `testregistry`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.settings.name = name.to_owned();
        self
    }

    /// A fixed loopback port. Default: a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// Asks for HTTP Basic with this account on every request.
    #[must_use]
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        self.account = Some(Account { user: user.to_owned(), password: password.to_owned() });
        self
    }

    /// Asks for Bearer tokens, given out at `/token` to this account for `lifetime`.
    #[must_use]
    pub fn bearer(mut self, user: &str, password: &str, lifetime: Duration) -> Self {
        self.bearer = Some((lifetime, self.bearer.is_some_and(|(_, anonymous)| anonymous)));
        self.basic(user, password)
    }

    /// With Bearer: gives tokens for pulling to those without an account too.
    #[must_use]
    pub fn anonymous_pull(mut self) -> Self {
        self.bearer = self.bearer.map(|(lifetime, _)| (lifetime, true));
        self
    }

    /// With Bearer: answers the OAuth2 form (POST) too. Default: 405, as many servers do.
    #[must_use]
    pub fn token_post(mut self) -> Self {
        self.token_post = true;
        self
    }

    /// With Bearer: the realm named in challenges. Default: `/token` of this registry.
    #[must_use]
    pub fn realm(mut self, url: &str) -> Self {
        self.settings.realm = Some(url.to_owned());
        self
    }

    /// The largest blob taken, in bytes; more is 413. Default: 1 GiB.
    #[must_use]
    pub fn max_blob_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_blob = bytes;
        self
    }

    /// The longest page of a listing; a larger `n`, or none, gets this. Default: 1000.
    #[must_use]
    pub fn page_cap(mut self, entries: usize) -> Self {
        self.settings.page = entries.max(1);
        self
    }

    /// Whether the referrers API is there. Default: yes.
    #[must_use]
    pub fn referrers(mut self, on: bool) -> Self {
        self.settings.referrers = on;
        self
    }

    /// Whether `/v2/_catalog` is there. Default: yes.
    #[must_use]
    pub fn catalog(mut self, on: bool) -> Self {
        self.settings.catalog = on;
        self
    }

    /// Whether anything can be deleted. Default: yes.
    #[must_use]
    pub fn delete(mut self, on: bool) -> Self {
        self.settings.delete = on;
        self
    }

    /// Whether a tag can be deleted by itself. Default: yes.
    #[must_use]
    pub fn tag_delete(mut self, on: bool) -> Self {
        self.settings.tag_delete = on;
        self
    }

    /// Whether an index is taken whose children are not all there. Default: no.
    #[must_use]
    pub fn sparse_indexes(mut self, on: bool) -> Self {
        self.settings.sparse = on;
        self
    }

    /// Has `repositories` repositories with `tags` tags each, ten million at most, computed from their
    /// numbers when they are asked for, and nothing else to pull: it takes no memory, however many
    /// they are. What is put into it nobody sees; counts and checks do not know of it.
    #[must_use]
    pub fn generated(mut self, repositories: u32, tags: u32) -> Self {
        self.settings.generated = Some(Generated { repositories, tags });
        self
    }

    /// Takes every push, checks what a digest names, counts the request and keeps nothing: every
    /// repository stays empty, and no part of an image is ever missing.
    #[must_use]
    pub fn swallows(mut self) -> Self {
        self.settings.swallows = true;
        self
    }

    /// Starts it on the current tokio runtime.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(self) -> io::Result<Registry> {
        let access = match (self.account, self.bearer) {
            (None, _) => Access::Anonymous,
            (Some(account), None) => Access::Basic(account),
            (Some(account), Some((lifetime, anonymous_pull))) => {
                Access::Bearer(Bearer::new(account, lifetime, anonymous_pull, self.token_post))
            }
        };
        Registry::start(self.settings, access).await
    }
}
