//! Docker's credential helpers (docker-credential-helpers protocol): `docker-credential-NAME get`,
//! the server's name on standard input, JSON on standard output. No shell is involved.

use std::{path::Path, process::Stdio, time::Duration};

use portolan_core::secret::Secret;
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
};

use super::{Login, MAX_SECRET};

/// How long a helper may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an answer is used: helpers do not say when a login ends.
const LIFE: Duration = Duration::from_secs(300);
/// Longest reason taken from a helper, in characters.
const MAX_REASON: usize = 200;
/// Variables of this daemon that are none of a helper's business.
const OWN: [&str; 2] = ["PORTOLAN_ADMIN_PASSWORD", "PORTOLAN_SEALING_KEY"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Whether a program is the helper of this name.
pub(super) fn is_helper(program: &Path, helper: &str) -> bool {
    let name = program.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.strip_prefix("docker-credential-")) == Some(helper)
}

/// The login that a helper has for a server.
pub(super) async fn ask(program: &Path, server: &str) -> Result<(Login, Duration), String> {
    let mut command = Command::new(program);
    for name in OWN {
        command.env_remove(name);
    }
    let child = command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
    let (output, success) = match tokio::time::timeout(PATIENCE, converse(child, server)).await {
        Ok(said) => said.map_err(|error| format!("it broke: {error}"))?,
        Err(_) => return Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    };
    if !success {
        return Err(format!("it has no login for {server}{}", reason(&output)));
    }
    if output.len() as u64 > MAX_SECRET {
        return Err(format!("its answer is longer than {MAX_SECRET} bytes"));
    }
    let answer: Answer = serde_json::from_slice(&output)
        .map_err(|_| "its answer is no JSON with Username and Secret".to_owned())?;
    let secret = Secret::new(answer.secret);
    if answer.username.is_empty() || secret.is_empty() {
        return Err(format!("it has no login for {server}"));
    }
    Ok((Login { access_key: Some(answer.username), secret, session_token: None }, LIFE))
}

/// What it wrote, a byte more than may be at most, and whether it ended well.
async fn converse(mut child: Child, server: &str) -> std::io::Result<(Vec<u8>, bool)> {
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(server.as_bytes()).await {
            // One that does not read its input may still know.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_SECRET + 1).read_to_end(&mut output).await?;
    }
    let success = child.wait().await?.success();
    // One that was cut off has not failed by itself.
    let cut = output.len() as u64 > MAX_SECRET;
    Ok((output, success || cut))
}

/// A helper that fails says why on standard output; what looks like a login is not repeated.
fn reason(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.trim().lines().next().unwrap_or_default();
    if line.is_empty() || text.contains('{') {
        return String::new();
    }
    let line: String = line.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
    format!(": {line}")
}
