//! Debian's docker-registry, an unrelated and real server, where it is installed.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::{
    oracles,
    poll::{PATIENCE, eventually},
    tls::Certificate,
    token::{ISSUER, SERVICE, TokenServer},
};

/// The account of a registry that asks for one.
pub const USER: &str = "alice";
/// Its password.
pub const PASSWORD: &str = "s3cret";
/// bcrypt of the password, the only hash docker-registry takes; from `htpasswd -Bbn`.
const HTPASSWD: &str = "alice:$2y$05$g9w8AmNABsbcSVxRYRBgU.YVIvGng7lKQ5cFgVeaYDqjVV85CgMXi\n";

/// How a registry is started.
#[derive(Clone, Copy, Default)]
pub struct Mode<'a> {
    /// Asks for [`USER`] and [`PASSWORD`].
    pub htpasswd: bool,
    /// Asks for tokens of this server, which knows the same account. Instead of `htpasswd`.
    pub token: Option<&'a TokenServer>,
    /// Serves https with this certificate.
    pub tls: Option<&'a Certificate>,
    /// Tells at this address what happens, with this token.
    pub hook: Option<(&'a str, &'a str)>,
}

/// A running docker-registry with its data in a temporary directory. Killed when dropped.
pub struct DockerRegistry {
    child: Child,
    folder: TempDir,
    url: String,
    address: SocketAddr,
}

impl DockerRegistry {
    /// Starts one on a free port; `None`, said aloud, where it is not installed.
    ///
    /// # Panics
    /// When it is installed and does not serve.
    pub async fn start(mode: Mode<'_>) -> Option<Self> {
        Self::run(mode, None).await
    }

    /// Starts one that clients reach as `https://HOST`, something before it ending TLS, with an
    /// account of its own: a line of htpasswd, bcrypt.
    ///
    /// # Panics
    /// As [`DockerRegistry::start`].
    pub async fn behind(host: &str, account: &str) -> Option<Self> {
        Self::run(Mode { htpasswd: true, ..Mode::default() }, Some((host, account))).await
    }

    async fn run(mode: Mode<'_>, behind: Option<(&str, &str)>) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let address = free_address();
        let config = folder.path().join("config.yml");
        let settings = configuration(mode, behind, folder.path(), &address);
        std::fs::write(&config, settings).expect("writable");
        let child = serve(folder.path(), &address).await?;
        let scheme = if mode.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        let address = address.parse().expect("it is one");
        Some(Self { child, folder, url, address })
    }

    /// kill -9, and a new start on the same address with the same data.
    ///
    /// # Panics
    /// When it does not serve again.
    pub async fn kill_and_start_again(&mut self) {
        self.child.kill().await.expect("it runs");
        let address = self.address.to_string();
        self.child = serve(self.folder.path(), &address).await.expect("it was there before");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, or https.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The process for the configuration in `folder`, once it listens; `None`, said aloud, where it is
/// not installed.
async fn serve(folder: &Path, address: &str) -> Option<Child> {
    let mut command = Command::new("docker-registry");
    // It takes every REGISTRY_* variable for a setting: give it none.
    command.arg("serve").arg(folder.join("config.yml"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    // Its complaints about clients are no news; what it says when it does not start is.
    let log = folder.join("log");
    command.stderr(File::create(&log).expect("writable")).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            oracles::skipped(&format!("docker-registry cannot be run ({error}); install it"));
            return None;
        }
    };
    eventually(PATIENCE, "docker-registry listens", async || {
        if let Ok(Some(status)) = child.try_wait() {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("docker-registry ended: {status}: {said}");
        }
        TcpStream::connect(address).await
    })
    .await;
    Some(child)
}

/// Free at this moment; another process may take it before it is used, which then shows.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").to_string()
}

fn configuration(
    mode: Mode<'_>,
    behind: Option<(&str, &str)>,
    folder: &Path,
    address: &str,
) -> String {
    let file = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("a temporary directory can be written to");
        path.display().to_string()
    };
    let mut http = format!("addr: \"{address}\"");
    if let Some(certificate) = mode.tls {
        let crt = file("tls.crt", &certificate.pem);
        let key = file("tls.key", &certificate.key_pem);
        http.push_str(&format!(", tls: {{certificate: \"{crt}\", key: \"{key}\"}}"));
    }
    if let Some((host, _)) = behind {
        http.push_str(&format!(", host: \"https://{host}\""));
    }
    let htpasswd = behind.map_or(HTPASSWD, |(_, account)| account);
    let auth = match mode.token {
        Some(server) => {
            let (realm, roots) = (server.realm(), file("roots.crt", &server.certificate.pem));
            let who = format!("service: {SERVICE}, issuer: {ISSUER}");
            format!("token: {{realm: \"{realm}\", {who}, rootcertbundle: \"{roots}\"}}")
        }
        None if mode.htpasswd => {
            format!("htpasswd: {{realm: test, path: \"{}\"}}", file("htpasswd", htpasswd))
        }
        None => String::new(),
    };
    let root = folder.join("data");
    let hook = mode.hook.map_or(String::new(), |(url, token)| {
        let headers = format!("headers: {{Authorization: [\"Bearer {token}\"]}}");
        let retries = "timeout: 5s, threshold: 3, backoff: 500ms";
        format!("{{name: hook, url: \"{url}\", {headers}, {retries}}}")
    });
    format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {root:?}}}, delete: {{enabled: true}}}}\n\
         http: {{{http}}}\nauth: {{{auth}}}\nnotifications: {{endpoints: [{hook}]}}\n"
    )
}
