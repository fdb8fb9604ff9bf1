//! Logins other tools keep: containers' `auth.json`, Docker's `config.json`, and their helpers
//! (containers-auth.json(5); docker-credential-helpers protocol).

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portolan_core::secret::Secret;
use serde::Deserialize;
use tokio::{io::AsyncWriteExt, process::Command};

/// How long a helper may take.
const HELPER_TIME: Duration = Duration::from_secs(30);
/// Largest file read.
const MAX_FILE: u64 = 4 << 20;

/// A user name and its secret.
pub type Login = (String, Secret);

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    auths: HashMap<String, Entry>,
    cred_helpers: HashMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

/// The login kept for a registry host (`host[:port]`), from the first file that has one. What
/// cannot be read is passed over, and told.
pub async fn find(
    host: &str,
    lookup: impl Fn(&str) -> Option<String>,
    tell: impl Fn(String),
) -> Option<Login> {
    for path in paths(&lookup) {
        // Mostly there is none, and to ask a thread that may block takes longer than to see that.
        let small = std::fs::metadata(&path).is_ok_and(|m| m.len() <= MAX_FILE);
        let Some(text) = (if small { tokio::fs::read(&path).await.ok() } else { None }) else {
            continue;
        };
        let Ok(file) = serde_json::from_slice::<File>(&text) else {
            tell(format!(
                "the logins in {} are passed over: not the JSON expected",
                path.display()
            ));
            continue;
        };
        let helper = file.cred_helpers.get(host).or(file.creds_store.as_ref());
        if let Some(login) = plain(&file, host) {
            return Some(login);
        }
        if let Some(helper) = helper {
            match ask(helper, host).await {
                Ok(Some(login)) => return Some(login),
                Ok(None) => {}
                Err(why) => tell(format!("docker-credential-{helper}, {}, {why}", named(&path))),
            }
        }
    }
    None
}

fn named(path: &Path) -> String {
    format!("which {} names", path.display())
}

/// Where logins may be, best first.
fn paths(lookup: &impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let below = |variable: &str, rest: &str| {
        lookup(variable).filter(|v| !v.is_empty()).map(|base| PathBuf::from(base).join(rest))
    };
    let candidates = [
        lookup("REGISTRY_AUTH_FILE").map(PathBuf::from),
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("XDG_CONFIG_HOME", "containers/auth.json")
            .or_else(|| below("HOME", ".config/containers/auth.json")),
        below("DOCKER_CONFIG", "config.json").or_else(|| below("HOME", ".docker/config.json")),
    ];
    candidates.into_iter().flatten().collect()
}

fn plain(file: &File, host: &str) -> Option<Login> {
    let names = [host.to_owned(), format!("https://{host}"), format!("https://{host}/v1/")];
    let docker_hub = matches!(host, "docker.io" | "registry-1.docker.io" | "hub.docker.com");
    let hub = docker_hub.then(|| "https://index.docker.io/v1/".to_owned());
    let entry = names.into_iter().chain(hub).find_map(|name| file.auths.get(&name))?;
    let decoded = STANDARD.decode(entry.auth.as_ref()?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    let password = password.trim_end_matches('\0');
    (!user.is_empty()).then(|| (user.to_owned(), Secret::new(password.to_owned())))
}

/// Asks `docker-credential-NAME get`; the host goes in on standard input. A helper that has no
/// login for the host says so by its exit status.
async fn ask(helper: &str, host: &str) -> Result<Option<Login>, String> {
    let is_name = helper.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !is_name {
        return Err("is no name of a program".to_owned());
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be run: {error}"))?;
    let broke = |error: std::io::Error| format!("broke: {error}");
    let conversation = async {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(host.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let output = match tokio::time::timeout(HELPER_TIME, conversation).await {
        Ok(output) => output.map_err(broke)?,
        Err(_) => return Err(format!("did not answer within {} s", HELPER_TIME.as_secs())),
    };
    if !output.status.success() {
        return Ok(None);
    }
    let helped: Helped = serde_json::from_slice(&output.stdout)
        .map_err(|_| "answered something else than a login".to_owned())?;
    Ok(Some((helped.username, Secret::new(helped.secret))))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn finds_a_login_in_the_first_file_that_has_it() {
        let home = tempfile::tempdir().unwrap();
        let docker = home.path().join(".docker");
        std::fs::create_dir_all(&docker).unwrap();
        let auth = STANDARD.encode("alice:s3cret:with:colons");
        let text = format!(r#"{{"auths":{{"https://reg.example:5000":{{"auth":"{auth}"}}}}}}"#);
        std::fs::write(docker.join("config.json"), text).unwrap();
        let first = home.path().join("auth.json");
        std::fs::write(&first, "not json").unwrap();
        let lookup = |name: &str| match name {
            "HOME" => Some(home.path().display().to_string()),
            "REGISTRY_AUTH_FILE" => Some(first.display().to_string()),
            _ => None,
        };
        let told = RefCell::new(Vec::new());
        let tell = |trouble| told.borrow_mut().push(trouble);
        let (user, secret) = find("reg.example:5000", lookup, tell).await.unwrap();
        assert_eq!((user.as_str(), secret.expose()), ("alice", "s3cret:with:colons"));
        assert!(told.borrow()[0].contains("auth.json are passed over"), "{told:?}");
        assert!(find("other.example", lookup, |_| {}).await.is_none());
    }

    #[tokio::test]
    async fn a_helper_is_named_by_a_plain_word() {
        assert!(ask("../../bin/sh", "h").await.is_err_and(|why| why.contains("no name")));
        assert!(ask("no-such-helper-here", "h").await.is_err_and(|why| why.contains("run")));
    }
}
