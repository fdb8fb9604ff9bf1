//! The data directory and what is in it, and the files of TLS.

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::fs::{Access, access};
use time::{Duration, OffsetDateTime, macros::format_description};

use super::Finding;
use crate::{
    config::{Config, SealingKey, Tls},
    daemon,
};

/// A certificate that ends sooner is told.
const SOON: Duration = Duration::days(14);

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let directory = &config.paths.data_dir.value;
    let mut findings = vec![data_dir(directory)];
    if directory.is_dir() {
        findings.push(owned(
            "database",
            &directory.join("portolan.redb"),
            "the first start makes it",
        ));
    }
    findings.push(key(&config.sealing_key));
    findings.push(socket(&config.paths.socket.value));
    findings.push(match &config.tls {
        Some(tls) => self::tls(tls),
        None if config.listen.value.ip().to_canonical().is_loopback() => Finding::good(
            "TLS",
            format!("none in the settings: plain HTTP on {}", config.listen.value),
        ),
        None => Finding::warning("TLS", format!("plain HTTP on {}", config.listen.value))
            .advise("passwords cross the network in clear: give tls_certificate and tls_key"),
    });
    findings.push(plugin_dir(&config.plugins.value));
    findings
}

fn data_dir(directory: &Path) -> Finding {
    const CHECK: &str = "data directory";
    let place = directory.display();
    let mode = match fs::metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::warning(CHECK, format!("{place} does not exist")).advise(
                "the first `portolan serve` makes it; or name the right one with --data-dir",
            );
        }
        Err(error) => {
            return Finding::failed(CHECK, format!("{place}: {error}"))
                .advise("run doctor as the daemon's own user");
        }
        Ok(found) if !found.is_dir() => {
            return Finding::failed(CHECK, format!("{place} is no directory"))
                .advise("name another one with --data-dir");
        }
        Ok(found) => found.permissions().mode() & 0o7777,
    };
    if mode & 0o077 != 0 {
        return Finding::failed(CHECK, format!("{place} is open to others (mode {mode:04o})"))
            .advise(format!("chmod 700 {place}"));
    }
    if access(directory, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Finding::failed(CHECK, format!("{place} cannot be written"))
            .advise("run doctor as the daemon's own user; else give that user the directory");
    }
    Finding::good(CHECK, format!("{place}, mode {mode:04o}, can be written"))
}

/// A file that is its owner's alone.
fn owned(check: &'static str, path: &Path, missing: &str) -> Finding {
    let place = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::good(check, format!("{place} is not there yet: {missing}"))
        }
        Err(error) => Finding::failed(check, format!("{place}: {error}"))
            .advise("run doctor as the daemon's own user"),
        Ok(found) => match found.permissions().mode() & 0o7777 {
            mode if mode & 0o077 != 0 => {
                Finding::failed(check, format!("{place} is open to others (mode {mode:04o})"))
                    .advise(format!("chmod 600 {place}"))
            }
            mode => Finding::good(check, format!("{place}, mode {mode:04o}")),
        },
    }
}

fn key(source: &SealingKey) -> Finding {
    const CHECK: &str = "sealing key";
    let path = match source {
        SealingKey::Given(key) if is_key(key.expose()) => {
            return Finding::good(CHECK, "given by a variable or a credential");
        }
        SealingKey::Given(_) => {
            return Finding::failed(CHECK, "the one that is given is not 32 bytes in base64")
                .advise("give the one that was used before, or make one: head -c 32 /dev/urandom | base64");
        }
        SealingKey::File(path) => path,
    };
    let place = path.display();
    match fs::read_to_string(path) {
        Ok(text) if !is_key(&text) => {
            Finding::failed(CHECK, format!("{place} does not hold 32 bytes in base64")).advise(
                "put back the key that was made with this data directory, or restore a backup",
            )
        }
        Ok(_) if path.with_added_extension("next").exists() => Finding::warning(
            CHECK,
            format!("{place}.next is there: a rotation is under way or broke off"),
        )
        .advise("start the daemon anew, which ends a rotation that broke off"),
        _ => owned(CHECK, path, "the first start makes it"),
    }
}

fn is_key(text: &str) -> bool {
    STANDARD.decode(text.trim()).is_ok_and(|bytes| bytes.len() == 32)
}

fn socket(path: &Path) -> Finding {
    const CHECK: &str = "socket";
    let place = path.display();
    match UnixStream::connect(path) {
        Ok(_) => Finding::good(CHECK, format!("{place} answers")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::skipped(CHECK, format!("{place} is not there: no daemon runs here"))
                .advise("start one with `portolan serve` if one should")
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Finding::warning(
            CHECK,
            format!("{place} was left by a daemon that did not end by itself"),
        )
        .advise("start one with `portolan serve`, which replaces it"),
        Err(error) => Finding::failed(CHECK, format!("{place}: {error}"))
            .advise("it is for the daemon's own user and root: run doctor as one of them"),
    }
}

fn tls(files: &Tls) -> Finding {
    const CHECK: &str = "TLS";
    let end = match daemon::check_tls(files) {
        Ok(end) => end,
        Err(error) => {
            return Finding::failed(CHECK, error.to_string())
                .advise("give tls_certificate and tls_key a chain and its key, both in PEM");
        }
    };
    let place = files.certificate.display();
    let Some(end) = end else {
        return Finding::warning(CHECK, format!("{place} does not tell when it ends"));
    };
    let day = end.format(format_description!("[year]-[month]-[day]")).unwrap_or_default();
    let renew = "renew it; the daemon reads the files again by itself";
    match end - OffsetDateTime::now_utc() {
        left if left.is_negative() => {
            Finding::failed(CHECK, format!("the certificate in {place} ended on {day}"))
                .advise(renew)
        }
        left if left < SOON => {
            Finding::warning(CHECK, format!("the certificate in {place} ends on {day}"))
                .advise(renew)
        }
        _ => Finding::good(CHECK, format!("the certificate in {place} is valid until {day}")),
    }
}

fn plugin_dir(path: &Path) -> Finding {
    const CHECK: &str = "plug-in directory";
    let place = path.display();
    match fs::read_dir(path) {
        Ok(entries) => {
            let is_component =
                |path: &Path| path.extension().is_some_and(|extension| extension == "wasm");
            let count = entries.flatten().filter(|entry| is_component(&entry.path())).count();
            Finding::good(CHECK, format!("{place}, {count} component(s)"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::good(
            CHECK,
            format!("{place} is not there: no plug-ins but those of the program"),
        ),
        Err(error) => Finding::failed(CHECK, format!("{place}: {error}"))
            .advise("let the daemon's user read it, or name another one with `plugins`"),
    }
}
